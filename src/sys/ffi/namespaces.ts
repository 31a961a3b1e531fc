/**
 * Network namespaces of this thread: made, and entered for a stretch in which nothing else of the thread runs. What is
 * opened or started in such a stretch, sockets and programs, stays in the namespace.
 */
import process from 'node:process';
import { FfiError } from './errors.ts';
import { loadKoffi, type Koffi } from './koffi.ts';
import { constants as c, netlinkConstants as n } from './layout.ts';

export interface Namespaces {
  /** A descriptor of a new one, which lives as long as that or anything in it; negated errno when it is refused. */
  create(): number;
  /**
   * Runs `work` in the namespace of a file, as /run/netns/NAME; negated errno when that cannot be entered. Throws
   * FFI_REFUSED when there is no way back: whatever this thread opened next would be in the wrong place.
   */
  within(path: string, work: () => number): number;
  close(descriptor: number): void;
  /** The name of an errno, negated or not: `EPERM`. */
  nameOf(errno: number): string;
}

const ownPath = '/proc/thread-self/ns/net';

/** Rejects with FFI_UNAVAILABLE where there is no Linux or no koffi. */
export async function loadNamespaces(): Promise<Namespaces> {
  return bindNamespaces(await loadKoffi());
}

/** Good for the thread that called it. */
export function bindNamespaces(koffi: Koffi): Namespaces {
  const library = koffi.load(null);
  const open: (path: string, flags: number) => number = library.func(
    'int open(const char *path, int flags)',
  );
  const setns: (fd: number, type: number) => number = library.func('int setns(int fd, int type)');
  const unshare: (what: number) => number = library.func('int unshare(int what)');
  const close: (fd: number) => number = library.func('int close(int fd)');
  const failed = (): number => -koffi.errno();
  /** Runs `work` where `leave` has led, and comes back. */
  const stretch = (leave: () => number, work: () => number): number => {
    const own = open(ownPath, c.SOCK_CLOEXEC);
    if (own < 0) return failed();
    const left = leave();
    if (left < 0) {
      close(own);
      return left;
    }
    const goBack = (): void => {
      const isBack = setns(own, n.CLONE_NEWNET) === 0;
      close(own);
      if (!isBack) throw lost();
    };
    let result: number;
    try {
      result = work();
    } catch (thrown) {
      goBack();
      throw thrown;
    }
    goBack();
    return result;
  };
  const orErrno = (result: number): number => (result < 0 ? failed() : result);
  const names = new Map(Object.entries(koffi.os.errno).map(([name, value]) => [value, name]));
  return {
    create: () =>
      stretch(
        () => orErrno(unshare(n.CLONE_NEWNET)),
        () => orErrno(open(ownPath, c.SOCK_CLOEXEC)),
      ),
    within: (path, work) =>
      stretch(() => {
        const other = open(path, c.SOCK_CLOEXEC);
        if (other < 0) return failed();
        const entered = orErrno(setns(other, n.CLONE_NEWNET));
        close(other);
        return entered;
      }, work),
    close: (descriptor) => void close(descriptor),
    nameOf: (errno) => names.get(Math.abs(errno)) ?? `errno ${Math.abs(errno)}`,
  };
}

function lost(): FfiError {
  return new FfiError('FFI_REFUSED', `Cannot return to the network namespace of ${process.pid}`);
}
