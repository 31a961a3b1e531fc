/**
 * Descriptors in Node's event loop, and that loop itself as libuv shows it to those who put it into another one: its epoll descriptor, and how long
 * it would wait.
 */
import type { Koffi } from './koffi.ts';

export interface NodeLoop {
  /** Readable when the loop has something to do for a descriptor. */
  readonly fd: number;
  /**
   * Milliseconds until its next timer, as of its last turn; 0 when something waits for the next turn; -1: nothing is
   * due.
   */
  timeoutMs(): number;
}

/** What keeps a descriptor in Node's event loop; `ref` and `unref` as a timer's. */
export interface Watch {
  /** Calls back no more, until `start`; it is started when it is made. */
  stop(): void;
  start(): void;
  ref(): void;
  unref(): void;
  close(): void;
}

export function watchReadable({ node }: Koffi, fd: number, callback: () => void): Watch {
  const handle = node.poll(fd, { readable: true }, callback);
  return {
    start: () => handle.start({ readable: true }, callback),
    stop: () => handle.stop(),
    ref: () => handle.ref(),
    unref: () => handle.unref(),
    close: () => handle.close(),
  };
}

/** The loop of the thread that calls; undefined where Node does not show it. */
export function bindNodeLoop(koffi: Koffi): NodeLoop | undefined {
  try {
    const library = koffi.load(null);
    const find: (env: unknown, into: unknown[]) => number = library.func(
      'int napi_get_uv_event_loop(void *env, _Out_ void **loop)',
    );
    const backendFd: (loop: unknown) => number = library.func('int uv_backend_fd(void *loop)');
    const backendTimeout: (loop: unknown) => number = library.func(
      'int uv_backend_timeout(void *loop)',
    );
    const found: unknown[] = [null];
    if (find(koffi.node.env, found) !== 0) return undefined;
    const [loop] = found;
    const fd = backendFd(loop);
    return fd < 0 ? undefined : { fd, timeoutMs: () => backendTimeout(loop) };
  } catch {
    return undefined; // A Node built without these symbols: it is waited for as before.
  }
}
