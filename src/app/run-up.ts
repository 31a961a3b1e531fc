/** Runs `switchyard up` from its flags to the signal that ends it. */
import type { CliIo, UpOptions } from '../cli/index.ts';
import { createLogger } from '../obs/index.ts';
import { systemClock } from '../sys/index.ts';
import { announce } from './announce.ts';
import { liveView } from './live-view.ts';
import { startUp } from './up.ts';

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
    const { files, demo, instance, engine, metrics, run, dnsUpstreams, kubeconfigOut } = options;
    const asked = { files, demo, instance, engine, metrics, run, dnsUpstreams, kubeconfigOut };
    const wanted = { ...asked, folders: io.env, runtime, pid, log };
    const up = await startUp(wanted, signal);
    started.abort();
    try {
      await announce(up, { io, output: options.output, demo, signal });
      if (demo && options.output === 'text') {
        await liveView({ source: up.source, io, clock: systemClock, signal });
      }
      await aborted(signal);
    } finally {
      await up.stop();
    }
    return 0;
  } catch (thrown) {
    // Stopped while it was starting: that is what was asked for.
    if (signal.aborted) return 0;
    throw thrown;
  } finally {
    started.abort();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
