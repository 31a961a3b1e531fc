#!/usr/bin/env node
/** The one place that reads the process and ends it. */
import { enableCompileCache } from 'node:module';
import process from 'node:process';

// Compiled code is kept for the next start; it halves the time to the first answer.
enableCompileCache();

const { runCli } = await import('../cli/index.ts');
const { systemClock } = await import('../sys/index.ts');
const { readEnvironment } = await import('./config.ts');
const { version } = await import('./version.ts');

const stopped = 130;

const io = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: readEnvironment(process.env),
  folder: process.cwd(),
};

// Whoever reads our output may leave early (`| head`): that is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 3);
  });
}

const exitCode = await runCli(process.argv.slice(2), io, {
  version,
  clock: systemClock,
  interrupted: untilSignal,
  errorTables: async () => (await import('./error-tables.ts')).errorTables,
  doctor: async (names) => await (await import('./run-doctor.ts')).runDoctor(names),
  cleanup: async (options) => {
    const { runCleanup } = await import('./run-cleanup.ts');
    return await runCleanup(options, { env: io.env, write: (line) => io.stderr.write(line) });
  },
  restore: async (dataFolder, file) =>
    await (await import('./backups.ts')).restoreInto(dataFolder, file),
  dns: async (options) => {
    const { runDns } = await import('./run-dns.ts');
    return await runDns(options, { io, signal: untilSignal() });
  },
  gateway: async (options) => {
    const { runGateway } = await import('./run-gateway.ts');
    return await runGateway(options, { io, signal: untilSignal(), pid: process.pid });
  },
  proxy: async (options) => {
    const { runProxy } = await import('./run-proxy.ts');
    return await runProxy(options, { io, signal: untilSignal(), pid: process.pid });
  },
  up: async (options) => {
    const { runUp } = await import('./run-up.ts');
    return await runUp(options, {
      io,
      runtime: process.execPath,
      pid: process.pid,
      signal: untilSignal(),
    });
  },
});
// A pipe takes what it has room for; the rest waits for its reader, and exiting would lose it.
await Promise.all([process.stdout, process.stderr].map(flushed));
process.exit(exitCode);

/** The first Ctrl-C ends in order, the second at once. */
function untilSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => (stop.signal.aborted ? process.exit(stopped) : stop.abort()));
  }
  return stop.signal;
}

async function flushed(stream: NodeJS.WriteStream): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.write('', () => resolve());
  await promise;
}
