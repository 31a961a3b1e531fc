/**
 * The C library's netlink sockets, typed, and the network namespace they are opened in. A socket stays in the
 * namespace of the thread that opened it, so a thread can have sockets in many.
 */
import { loadKoffi, type Koffi } from './koffi.ts';
import { constants as c, netlinkConstants as n } from './layout.ts';
import { bindNamespaces } from './namespaces.ts';
import { watchReadable, type Watch } from './node-loop.ts';

/** Results below zero are negated errnos. */
export interface NetlinkCalls {
  /** Opened and bound, with these multicast groups (a bit each), in a namespace's file or in our own. */
  open(options: NetlinkOpen): number;
  /** How many bytes were sent; the kernel has answered when it returns. */
  send(fd: number, bytes: Uint8Array): number;
  /** One datagram, without waiting; its whole length, also when that is more than `into` has room for. */
  receive(fd: number, into: Uint8Array): number;
  close(fd: number): number;
  /** The name of an errno, negated or not: `ENOENT`. */
  nameOf(errno: number): string;
  /** Calls back in the event loop of this thread whenever there is something to receive. */
  watchReadable(fd: number, callback: () => void): Watch;
}

export interface NetlinkOpen {
  readonly protocol: number;
  readonly groups: number;
  /** As /run/netns/NAME. */
  readonly namespace?: string | undefined;
}

/** A commit of everything is one send; the kernel's default would refuse it. */
const bufferBytes = 1 << 30;

/** Rejects with FFI_UNAVAILABLE where there is no Linux or no koffi. */
export async function loadNetlinkCalls(): Promise<NetlinkCalls> {
  const koffi = await loadKoffi();
  const library = koffi.load(null);
  const { send, receive, close } = byteCalls(library, koffi);
  const names = new Map(Object.entries(koffi.os.errno).map(([name, value]) => [value, name]));
  return {
    open: openCall(library, { koffi, close }),
    send,
    receive,
    close,
    nameOf: (errno) => names.get(Math.abs(errno)) ?? `errno ${Math.abs(errno)}`,
    watchReadable: (fd, callback) => watchReadable(koffi, fd, callback),
  };
}

type Library = ReturnType<Koffi['load']>;

function byteCalls(
  library: Library,
  koffi: Koffi,
): Pick<NetlinkCalls, 'send' | 'receive' | 'close'> {
  const send: (fd: number, bytes: Uint8Array, length: number, flags: number) => number =
    library.func('intptr_t send(int fd, const void *bytes, size_t length, int flags)');
  const recv: (fd: number, into: Uint8Array, length: number, flags: number) => number =
    library.func('intptr_t recv(int fd, void *into, size_t length, int flags)');
  const close: (fd: number) => number = library.func('int close(int fd)');
  const orErrno = (result: number): number => (result < 0 ? -koffi.errno() : result);
  return {
    send: (fd, bytes) => orErrno(send(fd, bytes, bytes.length, 0)),
    receive: (fd, into) => orErrno(recv(fd, into, into.length, n.MSG_DONTWAIT | n.MSG_TRUNC)),
    close: (fd) => orErrno(close(fd)),
  };
}

function openCall(
  library: Library,
  { koffi, close }: { koffi: Koffi; close: NetlinkCalls['close'] },
): NetlinkCalls['open'] {
  const socket: (family: number, type: number, protocol: number) => number = library.func(
    'int socket(int family, int type, int protocol)',
  );
  const bind: (fd: number, address: Uint8Array, length: number) => number = library.func(
    'int bind(int fd, const void *address, uint32_t length)',
  );
  const set: (fd: number, level: number, name: number, value: Int32Array, size: number) => number =
    library.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t size)');
  const namespaces = bindNamespaces(koffi);
  const open = ({ protocol, groups }: NetlinkOpen): number => {
    const type = n.SOCK_RAW | c.SOCK_CLOEXEC;
    const fd = socket(n.AF_NETLINK, type, protocol);
    if (fd < 0) return -koffi.errno();
    // Refused without privilege, and then so is what the room would be for.
    set(fd, c.SOL_SOCKET, n.SO_SNDBUFFORCE, Int32Array.of(bufferBytes), 4);
    set(fd, c.SOL_SOCKET, n.SO_RCVBUFFORCE, Int32Array.of(bufferBytes >> 4), 4);
    set(fd, n.SOL_NETLINK, n.NETLINK_EXT_ACK, Int32Array.of(1), 4);
    set(fd, n.SOL_NETLINK, n.NETLINK_CAP_ACK, Int32Array.of(1), 4);
    const address = new Uint8Array(12);
    const view = new DataView(address.buffer);
    view.setUint16(0, n.AF_NETLINK, true);
    view.setUint32(8, groups, true);
    if (bind(fd, address, address.length) === 0) return fd;
    const errno = -koffi.errno();
    close(fd);
    return errno;
  };
  return (options) =>
    options.namespace === undefined
      ? open(options)
      : namespaces.within(options.namespace, () => open(options));
}
