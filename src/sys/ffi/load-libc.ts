/** The C library, when this process may call it and the kernel lets it. */
import process from 'node:process';
import { messageOf } from '../../model/index.ts';
import { FfiError } from './errors.ts';
import { loadKoffi } from './koffi.ts';
import { constants } from './layout.ts';
import { bindLibc, type Libc } from './libc.ts';
import { systemError } from './system-error.ts';

/** Rejects with FfiError: FFI_UNAVAILABLE, or FFI_REFUSED when a sandbox keeps us from sockets or epoll. */
export async function loadLibc(): Promise<Libc> {
  const koffi = await loadKoffi();
  const libc = bindLibc(koffi, process.arch);
  tryCalls(libc);
  return libc;
}

/** Does once what an engine does all the time, so that a sandbox shows before the first connection. */
function tryCalls(libc: Libc): void {
  const epoll = grant(libc, 'epoll_create1', libc.epollCreate());
  try {
    const socket = grant(libc, 'socket', libc.socket(constants.AF_INET));
    try {
      const interest = { events: constants.EPOLLIN, low: socket, high: 0 };
      grant(libc, 'epoll_ctl', libc.epollAdd(epoll, socket, interest));
    } finally {
      libc.close(socket);
    }
    tryWatch(libc, epoll);
  } finally {
    libc.close(epoll);
  }
}

function tryWatch(libc: Libc, epoll: number): void {
  try {
    libc.watchReadable(epoll, () => undefined).close();
  } catch (cause) {
    throw refused(`epoll cannot be watched: ${messageOf(cause)}`, cause);
  }
}

function grant(libc: Libc, call: string, result: number): number {
  if (result >= 0) return result;
  const cause = systemError(libc, call, result);
  throw refused(cause.message, cause);
}

function refused(reason: string, cause: unknown): FfiError {
  return new FfiError('FFI_REFUSED', `Cannot use epoll: ${reason}`, { cause });
}
