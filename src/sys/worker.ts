/** The door to threads: work that would block the event loop is done in one of its own. */
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import process from 'node:process';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { messageOf } from '../model/index.ts';
import { SysError } from './errors.ts';

/** A thread that takes messages and sends some; `Out` and `In` are what its module agreed on with its user. */
export interface WorkerThread<Out> {
  post(message: Out): void;
  /** The process waits for it, as it does from the start, or no longer. */
  ref(): void;
  unref(): void;
  /** Ends it at once, whatever it is doing. */
  terminate(): Promise<void>;
}

export interface WorkerOptions<In, Start = undefined> {
  /** The module it runs, from `moduleFile`. */
  readonly file: string;
  /** What it knows from its first moment. */
  readonly data?: Start;
  onMessage(message: In): void;
  /** It ended without being told to; it takes no messages any more. */
  onFailed(error: SysError): void;
}

/** Starts a thread. It does not keep the process alive once it is idle and nobody waits for it. */
export function startWorker<Out, In, Start = undefined>(
  options: WorkerOptions<In, Start>,
): WorkerThread<Out> {
  const env = { ...process.env, ...cacheOf() };
  const worker = new Worker(options.file, { env, workerData: options.data });
  let ended = false;
  const fail = (why: string, cause?: unknown): void => {
    if (ended) return;
    ended = true;
    options.onFailed(
      new SysError('WORKER_FAILED', `A thread of Switchyard ended: ${why}`, { cause }),
    );
  };
  worker.on('message', (message: In) => options.onMessage(message));
  worker.on('error', (cause) => fail(messageOf(cause), cause));
  worker.on('exit', (code) => fail(`it exited with ${code}`));
  return {
    post: (message) => worker.postMessage(message),
    ref: () => worker.ref(),
    unref: () => worker.unref(),
    terminate: async () => {
      ended = true;
      await worker.terminate();
    },
  };
}

/**
 * A thread compiles all over again unless its environment tells it of the cache: with it one of ours takes 23 MB,
 * without 62. It is named without the part that Node adds for its own version.
 */
function cacheOf(): Readonly<Record<string, string>> {
  const folder = getCompileCacheDir();
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) };
}

/** What a worker's module talks to: the thread that started it. */
export interface WorkerPort<In, Out, Start = undefined> {
  /** What it was started with. */
  readonly data: Start;
  post(message: Out): void;
  onMessage(listener: (message: In) => void): void;
  /** Called when something was thrown that nobody catches: the thread ends after it. */
  onFatal(listener: () => void): void;
}

/** For a worker's module only: throws elsewhere. */
export function workerPort<In, Out, Start = undefined>(): WorkerPort<In, Out, Start> {
  const port = parentPort;
  if (port === null) {
    throw new SysError(
      'WORKER_FAILED',
      'Cannot run this module: it belongs into a thread of its own',
    );
  }
  return {
    data: workerData,
    post: (message) => port.postMessage(message),
    onMessage: (listener) => port.on('message', listener),
    onFatal: (listener) => process.once('uncaughtExceptionMonitor', listener),
  };
}
