/** Runs `switchyard up` from its flags to the signal that ends it. */
import type { CliIo, UpOptions } from '../cli/index.ts';
import { createLogger } from '../obs/index.ts';
import { systemClock } from '../sys/index.ts';
import { announce, type AnnounceOptions } from './announce.ts';
import { liveView } from './live-view.ts';
import { startUp, type Up } from './up.ts';

export interface UpProcess {
  readonly io: CliIo;
  /** What runs JavaScript here. */
  readonly runtime: string;
  readonly pid: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

const slowStartMs = 1_000;

/** Resolves with the exit code when `signal` has aborted and everything is stopped. */
export async function runUp(options: UpOptions, process: UpProcess): Promise<number> {
  const { io, runtime, pid, signal } = process;
  const log = createLogger({
    level: options.logLevel,
    format: options.logFormat,
    clock: systemClock,
    write: (line) => io.stderr.write(line),
  });
  const started = new AbortController();
  void systemClock.sleep(slowStartMs, started.signal).then(() => {
    if (!started.signal.aborted) io.stderr.write('Waiting for the first endpoints to answer...\n');
  });
  try {
    const wanted = {
      ...options,
      folder: io.folder,
      folders: io.env,
      runtime,
      pid,
      log,
    };
    const { demo } = options;
    const up = await startUp(wanted, signal);
    started.abort();
    return await serve(up, { io, output: options.output, demo: demo && !options.replace, signal });
  } catch (thrown) {
    // Stopped while it was starting: that is what was asked for.
    if (signal.aborted) return 0;
    throw thrown;
  } finally {
    started.abort();
  }
}

/** Until it is told to stop, or another process has taken its place. */
async function serve(up: Up, options: AnnounceOptions): Promise<number> {
  const { io, signal } = options;
  let successor: number | undefined;
  void up.replaced.then((pid) => (successor = pid));
  try {
    await announce(up, options);
    const over = AbortSignal.any([signal, abortedBy(up.replaced)]);
    if (options.demo && options.output === 'text') {
      await liveView({ source: up.source, io, clock: systemClock, signal: over });
    }
    await Promise.race([aborted(signal), up.replaced]);
    if (successor === undefined && openConnections(up) > 0) {
      io.stderr.write('Stopping; open connections may end. Ctrl-C again cuts them.\n');
    }
  } finally {
    if (successor === undefined) await up.stop();
  }
  if (successor === undefined) return 0;
  io.stderr.write(`Replaced by process ${successor}; open connections may end here.\n`);
  await up.retire(signal);
  return 0;
}

function abortedBy(event: Promise<unknown>): AbortSignal {
  const controller = new AbortController();
  void event.then(() => controller.abort());
  return controller.signal;
}

function openConnections({ source }: Up): number {
  const views = source.endpoints({ namespace: undefined, name: undefined });
  return views.reduce((sum, { open }) => sum + (open ?? 0), 0);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
