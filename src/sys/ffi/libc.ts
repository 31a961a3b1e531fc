/**
 * The C library's TCP sockets and epoll, typed. Each wrapper checks the length of its buffers before the kernel
 * gets them. What is below zero is a negated errno: most of them are outcomes (nothing to read yet), so a
 * wrapper never throws for one; `systemError` makes an error of one that is a failure.
 */
import type { Koffi } from './koffi.ts';
import {
  constants as c,
  epollEventLayout,
  errnos,
  layouts,
  type EpollEventLayout,
} from './layout.ts';
import { datagramCalls, type DatagramCalls } from './libc-datagrams.ts';
import { messageCalls, type MessageCalls } from './libc-messages.ts';
import { bindNodeLoop, watchReadable, type NodeLoop, type Watch } from './node-loop.ts';
import { socketAddressRoom } from './socket-address.ts';

export interface Libc extends MessageCalls, DatagramCalls {
  /** A TCP socket that never blocks and is not inherited by children; `family` as in AF_INET. */
  socket(family: number): number;
  bind(fd: number, address: Uint8Array): number;
  listen(fd: number, backlog: number): number;
  /** The descriptor of the next connection; its peer's address is in the first bytes of `peer`. */
  accept(fd: number, peer: Uint8Array): number;
  connect(fd: number, address: Uint8Array): number;
  /** How many bytes are at the start of `into`; 0: the peer has ended its direction. */
  receive(fd: number, into: Uint8Array): number;
  /** How many of the first `length` bytes were taken. */
  send(fd: number, bytes: Uint8Array, length: number): number;
  shutdownWriting(fd: number): number;
  close(fd: number): number;
  setOption(fd: number, level: number, name: number, value: number): number;
  /** The failure that waits at the socket (SO_ERROR) as a negated errno, and clears it; 0: none. */
  takeError(fd: number): number;
  /** Makes the next `close` send RST (SO_LINGER of no time). */
  lingerNot(fd: number): number;
  localAddress(fd: number, into: Uint8Array): number;
  remoteAddress(fd: number, into: Uint8Array): number;
  epollCreate(): number;
  /** `low` and `high` come back with each event. */
  epollAdd(epoll: number, fd: number, interest: Interest): number;
  epollModify(epoll: number, fd: number, interest: Interest): number;
  epollRemove(epoll: number, fd: number): number;
  /** Fills `into` with what is ready and returns how many; waits so long for the first, by default not at all. */
  epollPoll(epoll: number, into: EpollEvents, waitMs?: number): number;
  /** The name of an errno, negated or not: `ECONNREFUSED`. */
  nameOf(errno: number): string;
  /** Calls back in the event loop of this thread whenever the descriptor is readable, until it is closed. */
  watchReadable(fd: number, callback: () => void): Watch;
  /** The event loop of this thread, where Node shows it. */
  readonly nodeLoop: NodeLoop | undefined;
}

export interface Interest {
  readonly events: number;
  readonly low: number;
  readonly high: number;
}

/** A batch of events as the kernel writes it. */
export class EpollEvents {
  readonly bytes: Uint8Array;
  readonly capacity: number;
  private readonly words: Int32Array;
  private readonly layout: EpollEventLayout;

  constructor(capacity: number, arch: string) {
    this.layout = epollEventLayout(arch);
    this.capacity = capacity;
    this.words = new Int32Array((capacity * this.layout.size) / 4);
    this.bytes = new Uint8Array(this.words.buffer);
  }

  eventsAt(index: number): number {
    return this.words[(index * this.layout.size + this.layout.events) >> 2]!;
  }

  lowAt(index: number): number {
    return this.words[(index * this.layout.size + this.layout.data) >> 2]!;
  }

  highAt(index: number): number {
    return this.words[((index * this.layout.size + this.layout.data) >> 2) + 1]!;
  }

  /** Writes one event, for `epoll_ctl`. */
  write(index: number, { events, low, high }: Interest): void {
    const at = index * this.layout.size;
    this.words[(at + this.layout.events) >> 2] = events;
    this.words[(at + this.layout.data) >> 2] = low;
    this.words[((at + this.layout.data) >> 2) + 1] = high;
  }
}

/** Binds the functions; what it returns is good for the thread that called it. */
export function bindLibc(koffi: Koffi, arch: string): Libc {
  const library = koffi.load(null);
  const failed = (): number => -koffi.errno();
  return {
    ...socketCalls(library, failed),
    ...byteCalls(library, failed),
    ...optionCalls(library, failed),
    ...epollCalls(library, failed, arch),
    ...messageCalls(koffi, library, failed),
    ...datagramCalls(koffi, library, failed),
    nameOf: nameTable(koffi),
    watchReadable: (fd, callback) => watchReadable(koffi, fd, callback),
    nodeLoop: bindNodeLoop(koffi),
  };
}

type Library = ReturnType<Koffi['load']>;
type Failed = () => number;

function socketCalls(
  library: Library,
  failed: Failed,
): Pick<Libc, 'socket' | 'bind' | 'listen' | 'accept' | 'connect'> {
  const socket: (family: number, type: number, protocol: number) => number = library.func(
    'int socket(int family, int type, int protocol)',
  );
  const bind: (fd: number, address: Uint8Array, length: number) => number = library.func(
    'int bind(int fd, const void *address, uint32_t length)',
  );
  const listen: (fd: number, backlog: number) => number = library.func(
    'int listen(int fd, int backlog)',
  );
  const accept4: (fd: number, peer: Uint8Array, room: Uint32Array, flags: number) => number =
    library.func('int accept4(int fd, void *peer, void *room, int flags)');
  const connect: (fd: number, address: Uint8Array, length: number) => number = library.func(
    'int connect(int fd, const void *address, uint32_t length)',
  );
  const flags = c.SOCK_NONBLOCK | c.SOCK_CLOEXEC;
  const room = new Uint32Array(1);
  return {
    socket: (family) => orErrno(socket(family, c.SOCK_STREAM | flags, c.IPPROTO_TCP), failed),
    bind: (fd, address) => orErrno(bind(fd, address, address.length), failed),
    listen: (fd, backlog) => orErrno(listen(fd, backlog), failed),
    accept: (fd, peer) => {
      atLeast(peer, socketAddressRoom);
      room[0] = peer.length;
      return orErrno(accept4(fd, peer, room, flags), failed);
    },
    connect: (fd, address) => orErrno(connect(fd, address, address.length), failed),
  };
}

function byteCalls(
  library: Library,
  failed: Failed,
): Pick<Libc, 'receive' | 'send' | 'shutdownWriting' | 'close'> {
  const recv: (fd: number, into: Uint8Array, length: number, flags: number) => number =
    library.func('intptr_t recv(int fd, void *into, size_t length, int flags)');
  const send: (fd: number, bytes: Uint8Array, length: number, flags: number) => number =
    library.func('intptr_t send(int fd, const void *bytes, size_t length, int flags)');
  const shutdown: (fd: number, how: number) => number = library.func(
    'int shutdown(int fd, int how)',
  );
  const close: (fd: number) => number = library.func('int close(int fd)');
  return {
    receive: (fd, into) => orErrno(recv(fd, into, into.length, 0), failed),
    send: (fd, bytes, length) => {
      atLeast(bytes, length);
      return orErrno(send(fd, bytes, length, c.MSG_NOSIGNAL), failed);
    },
    shutdownWriting: (fd) => orErrno(shutdown(fd, c.SHUT_WR), failed),
    close: (fd) => orErrno(close(fd), failed),
  };
}

function optionCalls(
  library: Library,
  failed: Failed,
): Pick<Libc, 'setOption' | 'takeError' | 'lingerNot' | 'localAddress' | 'remoteAddress'> {
  type Set = (fd: number, level: number, name: number, value: Int32Array, size: number) => number;
  type Get = (
    fd: number,
    level: number,
    name: number,
    value: Int32Array,
    size: Uint32Array,
  ) => number;
  type Name = (fd: number, into: Uint8Array, room: Uint32Array) => number;
  const set: Set = library.func(
    'int setsockopt(int fd, int level, int name, const void *value, uint32_t size)',
  );
  const get: Get = library.func(
    'int getsockopt(int fd, int level, int name, void *value, void *size)',
  );
  const getsockname: Name = library.func('int getsockname(int fd, void *into, void *room)');
  const getpeername: Name = library.func('int getpeername(int fd, void *into, void *room)');
  const value = new Int32Array(1);
  const size = new Uint32Array(1);
  // On, for no time: what is unsent is thrown away and the peer is reset.
  const linger = new Int32Array(layouts.linger.size / 4);
  linger[layouts.linger.l_onoff >> 2] = 1;
  const name =
    (call: Name) =>
    (fd: number, into: Uint8Array): number => {
      atLeast(into, socketAddressRoom);
      size[0] = into.length;
      return orErrno(call(fd, into, size), failed);
    };
  return {
    setOption: (fd, level, option, setting) => {
      value[0] = setting;
      return orErrno(set(fd, level, option, value, 4), failed);
    },
    takeError: (fd) => {
      size[0] = 4;
      const result = orErrno(get(fd, c.SOL_SOCKET, c.SO_ERROR, value, size), failed);
      return result < 0 ? result : 0 - value[0]!;
    },
    lingerNot: (fd) =>
      orErrno(set(fd, c.SOL_SOCKET, c.SO_LINGER, linger, layouts.linger.size), failed),
    localAddress: name(getsockname),
    remoteAddress: name(getpeername),
  };
}

function epollCalls(
  library: Library,
  failed: Failed,
  arch: string,
): Pick<Libc, 'epollCreate' | 'epollAdd' | 'epollModify' | 'epollRemove' | 'epollPoll'> {
  const create: (flags: number) => number = library.func('int epoll_create1(int flags)');
  const control: (epoll: number, action: number, fd: number, event: Uint8Array) => number =
    library.func('int epoll_ctl(int epoll, int action, int fd, void *event)');
  const wait: (epoll: number, into: Uint8Array, most: number, timeoutMs: number) => number =
    library.func('int epoll_wait(int epoll, void *into, int most, int timeout)');
  const one = new EpollEvents(1, arch);
  const change =
    (action: number) =>
    (epoll: number, fd: number, interest: Interest): number => {
      one.write(0, interest);
      return orErrno(control(epoll, action, fd, one.bytes), failed);
    };
  return {
    epollCreate: () => orErrno(create(c.EPOLL_CLOEXEC), failed),
    epollAdd: change(c.EPOLL_CTL_ADD),
    epollModify: change(c.EPOLL_CTL_MOD),
    // Kernels before 2.6.9 want an event here as well, and ignore it.
    epollRemove: (epoll, fd) => orErrno(control(epoll, c.EPOLL_CTL_DEL, fd, one.bytes), failed),
    epollPoll: (epoll, into, waitMs = 0) =>
      orErrno(wait(epoll, into.bytes, into.capacity, waitMs), failed),
  };
}

function orErrno(result: number, failed: Failed): number {
  return result < 0 ? failed() : result;
}

function atLeast(bytes: Uint8Array, length: number): void {
  if (bytes.length < length) {
    throw new RangeError(`Cannot give the kernel ${length} bytes: there are ${bytes.length}`);
  }
}

function nameTable(koffi: Koffi): Libc['nameOf'] {
  const names = new Map<number, string>();
  for (const [name, value] of Object.entries(koffi.os.errno)) {
    if (!names.has(value)) names.set(value, name);
  }
  // Where two names share a number, Node's errors have this one.
  names.set(errnos.EAGAIN, 'EAGAIN');
  return (errno) => names.get(Math.abs(errno)) ?? `errno ${Math.abs(errno)}`;
}
