/** Which engine carries TCP here: what was asked for, as far as the host can do it. */
import { messageOf } from '../../model/index.ts';
import type { SysError } from '../index.ts';
import { FfiError, loadLibc, type Libc } from '../ffi/index.ts';
import type { NetEngine } from './engine.ts';
import { createEpollEngine } from './epoll.ts';
import { NetError } from './errors.ts';
import { createPassing } from './passing.ts';
import { createPortableEngine } from './portable.ts';
import { RelayThreads } from './relay-threads.ts';
import type { StreamEngine } from './stream.ts';

/** What may be asked for; `auto` takes epoll where it can be had. */
export type EnginePreference = NetEngine['name'] | 'auto';

export interface EngineOptions {
  readonly prefer: EnginePreference;
  /** How the C library is had; tests say that it is not. */
  readonly load?: (() => Promise<Libc>) | undefined;
  /** Threads that carry bytes, this one among them; 1 when undefined. Only epoll can have more. */
  readonly workers?: number | undefined;
  /** After how many reads a connection may go on in another thread; relay-threads.ts says when it is undefined. */
  readonly longAfterReads?: number | undefined;
  /** A thread ended: what it carried was reset. */
  readonly onThreadFailed?: ((error: SysError) => void) | undefined;
}

export interface ChosenEngine {
  readonly engine: StreamEngine;
  /** Why `auto` did not take epoll; undefined when nothing was given up. */
  readonly notEpoll: string | undefined;
}

/** Rejects with NET_ENGINE_UNAVAILABLE when exactly epoll is asked for and cannot be had. */
export async function createEngine(options: EngineOptions): Promise<ChosenEngine> {
  const { prefer, load = loadLibc } = options;
  if (prefer === 'portable') return { engine: createPortableEngine(), notEpoll: undefined };
  try {
    const libc = await load();
    const threads = await threadsFor(libc, options);
    const engine = createEpollEngine(libc, threads);
    const { workers = 1 } = options;
    const passing = workers > 1 ? createPassing(libc, workers) : undefined;
    return { engine: { ...engine, passing }, notEpoll: undefined };
  } catch (cause) {
    if (!(cause instanceof FfiError)) throw cause;
    const notEpoll = messageOf(cause);
    if (prefer === 'auto') return { engine: createPortableEngine(), notEpoll };
    throw new NetError('NET_ENGINE_UNAVAILABLE', `Cannot use the epoll engine: ${notEpoll}`, {
      cause,
      remedy: 'Use the engine portable, or auto, which takes what there is',
    });
  }
}

async function threadsFor(
  libc: Libc,
  { workers = 1, longAfterReads: after, onThreadFailed }: EngineOptions,
): Promise<RelayThreads | undefined> {
  if (workers <= 1) return undefined;
  const onFailed = (error: SysError): void => onThreadFailed?.(error);
  const threads = new RelayThreads({ count: workers - 1, libc, after, onFailed });
  await threads.start();
  return threads;
}
