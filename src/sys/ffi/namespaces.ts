/**
 * Namespaces of this thread: made, and entered for a stretch in which nothing else of the thread runs. What is opened or
 * started in such a stretch, sockets and programs, stays there.
 */
import process from 'node:process';
import { FfiError } from './errors.ts';
import { loadKoffi, type Koffi } from './koffi.ts';
import { constants as c, netlinkConstants as n } from './layout.ts';

/** Results below zero are negated errnos. */
export interface Namespaces {
  /** A descriptor of a new network namespace, which lives as long as that or anything in it. */
  create(): number;
  /**
   * Runs `work` in the network namespace of a file, as /run/netns/NAME. Throws FFI_REFUSED when there is no way back:
   * whatever this thread opened next would be in the wrong place.
   */
  within(path: string, work: () => number): number;
  /** Runs `work` where programs it starts, and nobody else, find the file `source` at `target`. Throws as `within`. */
  withFile(files: SwappedFile, work: () => number): number;
  close(descriptor: number): void;
  /** The name of an errno, negated or not: `EPERM`. */
  nameOf(errno: number): string;
}

export interface SwappedFile {
  readonly source: string;
  /** Must be there. */
  readonly target: string;
}

/** Rejects with FFI_UNAVAILABLE where there is no Linux or no koffi. */
export async function loadNamespaces(): Promise<Namespaces> {
  return bindNamespaces(await loadKoffi());
}

interface Calls {
  readonly open: (path: string, flags: number) => number;
  readonly setns: (fd: number, type: number) => number;
  readonly unshare: (what: number) => number;
  readonly close: (fd: number) => number;
  readonly mount: (source: string | null, target: string, flags: number) => number;
  readonly fchdir: (fd: number) => number;
  readonly chroot: (path: string) => number;
}

/** Good for the thread that called it. */
export function bindNamespaces(koffi: Koffi): Namespaces {
  const calls = bindCalls(koffi);
  const names = new Map(Object.entries(koffi.os.errno).map(([name, value]) => [value, name]));
  return {
    ...networkCalls(calls),
    withFile: fileCall(calls),
    close: (descriptor) => void calls.close(descriptor),
    nameOf: (errno) => names.get(Math.abs(errno)) ?? `errno ${Math.abs(errno)}`,
  };
}

function bindCalls(koffi: Koffi): Calls {
  const library = koffi.load(null);
  const orErrno =
    <Given extends readonly unknown[]>(call: (...given: Given) => number) =>
    (...given: Given): number => {
      const result = call(...given);
      return result < 0 ? -koffi.errno() : result;
    };
  const mount: (
    source: string | null,
    target: string,
    type: null,
    flags: number,
    data: null,
  ) => number = library.func(
    'int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data)',
  );
  return {
    open: orErrno(library.func('int open(const char *path, int flags)')),
    setns: orErrno(library.func('int setns(int fd, int type)')),
    unshare: orErrno(library.func('int unshare(int what)')),
    close: orErrno(library.func('int close(int fd)')),
    mount: orErrno((source, target, flags) => mount(source, target, null, flags, null)),
    fchdir: orErrno(library.func('int fchdir(int fd)')),
    chroot: orErrno(library.func('int chroot(const char *path)')),
  };
}

const networkPath = '/proc/thread-self/ns/net';
const mountPath = '/proc/thread-self/ns/mnt';

function networkCalls(calls: Calls): Pick<Namespaces, 'create' | 'within'> {
  const { open, setns, unshare, close } = calls;
  const stretch = (leave: () => number, work: () => number): number => {
    const own = open(networkPath, c.SOCK_CLOEXEC);
    if (own < 0) return own;
    const goBack = (): boolean => setns(own, n.CLONE_NEWNET) === 0;
    const result = away({ leave, goBack }, work);
    close(own);
    return result;
  };
  return {
    create: () =>
      stretch(
        () => unshare(n.CLONE_NEWNET),
        () => open(networkPath, c.SOCK_CLOEXEC),
      ),
    within: (path, work) =>
      stretch(() => {
        const other = open(path, c.SOCK_CLOEXEC);
        if (other < 0) return other;
        const entered = setns(other, n.CLONE_NEWNET);
        close(other);
        return entered;
      }, work),
  };
}

/**
 * Mounts are the thread's own from then on, and so are its folder and its root, which the way back resets: both are
 * gone back to as well. Other threads notice nothing.
 */
function fileCall(calls: Calls): Namespaces['withFile'] {
  const { open, setns, unshare, close, mount, fchdir, chroot } = calls;
  return ({ source, target }, work) => {
    const kept = [
      open(mountPath, c.SOCK_CLOEXEC),
      open('/', n.O_PATH | c.SOCK_CLOEXEC),
      open('.', n.O_PATH | c.SOCK_CLOEXEC),
    ] as const;
    const [own, top, folder] = kept;
    const goBack = (): boolean =>
      [setns(own, n.CLONE_NEWNS), fchdir(top), chroot('.'), fchdir(folder)].every((r) => r === 0);
    const leave = (): number => {
      const failed = kept.find((descriptor) => descriptor < 0) ?? unshare(n.CLONE_FS);
      if (failed < 0) return failed;
      // Where there is no way back from here, there is none from farther away: nothing has changed yet.
      const returning = setns(own, n.CLONE_NEWNS);
      if (returning < 0) return returning;
      if (!goBack()) throw lost();
      return unshare(n.CLONE_NEWNS);
    };
    const result = away({ leave, goBack }, () => {
      // What the host mounts and unmounts happens here as well, not the other way round.
      const apart = mount(null, '/', n.MS_REC | n.MS_SLAVE);
      const bound = apart < 0 ? apart : mount(source, target, n.MS_BIND);
      return bound < 0 ? bound : work();
    });
    for (const descriptor of kept) if (descriptor >= 0) close(descriptor);
    return result;
  };
}

/** Runs `work` where `leave` has led, and comes back. */
function away(
  { leave, goBack }: { readonly leave: () => number; readonly goBack: () => boolean },
  work: () => number,
): number {
  const left = leave();
  if (left < 0) return left;
  let result: number;
  try {
    result = work();
  } catch (thrown) {
    if (!goBack()) throw lost();
    throw thrown;
  }
  if (!goBack()) throw lost();
  return result;
}

function lost(): FfiError {
  return new FfiError('FFI_REFUSED', `Cannot return to the namespaces of ${process.pid}`);
}
