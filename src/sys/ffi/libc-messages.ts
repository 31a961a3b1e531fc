/**
 * Calls that hand descriptors from process to process: local sockets that keep messages apart, with descriptors in
 * them (SCM_RIGHTS). What is below zero is a negated errno, as in libc.ts.
 */
import type { Koffi } from './koffi.ts';
import { constants as c, layouts } from './layout.ts';

export interface MessageCalls {
  /** A Unix socket that keeps messages apart, never blocks and is not inherited by children. */
  localSocket(): number;
  /** Sends one message, of at least one byte and at most 64 KiB, whole or not at all. */
  sendMessage(fd: number, bytes: Uint8Array, descriptors: readonly number[]): number;
  /** Undefined when the length is a negated errno. Descriptors received are this process's to close. */
  receiveMessage(fd: number): ReceivedMessage | number;
  /** Another descriptor of the same file, not inherited by children. */
  duplicate(fd: number): number;
  /** A descriptor that becomes readable when the process ends. */
  openProcess(pid: number): number;
}

export interface ReceivedMessage {
  /** Empty: the peer has closed. */
  readonly bytes: Uint8Array;
  readonly descriptors: readonly number[];
}

/** The kernel takes 253 in one message. */
export const mostDescriptors = 200;

const mostBytes = 65_536;
const { msghdr, cmsghdr, iovec } = layouts;
const controlRoom = cmsghdr.size + mostDescriptors * 4;

type Library = ReturnType<Koffi['load']>;
type Failed = () => number;

/** The structures of one message, at an address that stays. */
interface Frame {
  readonly header: bigint;
  readonly view: DataView;
  readonly bytes: Uint8Array;
}

const iovecAt = msghdr.size;
const controlAt = iovecAt + iovec.size;
const bytesAt = controlAt + Math.ceil(controlRoom / 8) * 8;

export function messageCalls(koffi: Koffi, library: Library, failed: Failed): MessageCalls {
  const socket: (family: number, type: number, protocol: number) => number = library.func(
    'int socket(int family, int type, int protocol)',
  );
  const sendmsg: (fd: number, header: bigint, flags: number) => number = library.func(
    'intptr_t sendmsg(int fd, const void *header, int flags)',
  );
  const recvmsg: (fd: number, header: bigint, flags: number) => number = library.func(
    'intptr_t recvmsg(int fd, void *header, int flags)',
  );
  const fcntl: (fd: number, command: number, type: 'int', value: number) => number = library.func(
    'int fcntl(int fd, int command, ...)',
  );
  const syscall: (number: number, ...rest: readonly (string | number)[]) => number = library.func(
    'intptr_t syscall(intptr_t number, ...)',
  );
  let made: Frame | undefined;
  const frame = (): Frame => (made ??= createFrame(koffi));
  const type = c.SOCK_SEQPACKET | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC;
  const orErrno = (result: number): number => (result < 0 ? failed() : result);
  return {
    localSocket: () => orErrno(socket(c.AF_UNIX, type, 0)),
    sendMessage: (fd, bytes, descriptors) => {
      const { header, view } = fill(frame(), bytes, descriptors);
      const result = orErrno(sendmsg(fd, header, c.MSG_NOSIGNAL));
      view.setBigUint64(msghdr.msg_controllen, 0n, true);
      return result;
    },
    receiveMessage: (fd) => {
      const one = frame();
      const { header, view, bytes } = one;
      view.setBigUint64(iovecAt + iovec.iov_len, BigInt(mostBytes), true);
      view.setBigUint64(msghdr.msg_controllen, BigInt(controlRoom), true);
      const length = orErrno(recvmsg(fd, header, c.MSG_CMSG_CLOEXEC));
      if (length < 0) return length;
      return { bytes: bytes.slice(bytesAt, bytesAt + length), descriptors: descriptorsIn(one) };
    },
    duplicate: (fd) => orErrno(fcntl(fd, c.F_DUPFD_CLOEXEC, 'int', 0)),
    openProcess: (pid) => orErrno(syscall(c.SYS_pidfd_open, 'int', pid, 'uint32_t', 0)),
  };
}

function createFrame(koffi: Koffi): Frame {
  const room = bytesAt + mostBytes;
  // Of the C library's own memory: the structures name one another by address.
  const memory: unknown = koffi.alloc('uint8_t', room);
  if (typeof memory !== 'bigint') throw new TypeError('Cannot use memory without its address');
  const buffer = koffi.view(memory, room);
  const view = new DataView(buffer);
  view.setBigUint64(msghdr.msg_iov, memory + BigInt(iovecAt), true);
  view.setBigUint64(msghdr.msg_iovlen, 1n, true);
  view.setBigUint64(msghdr.msg_control, memory + BigInt(controlAt), true);
  view.setBigUint64(iovecAt + iovec.iov_base, memory + BigInt(bytesAt), true);
  return { header: memory, view, bytes: new Uint8Array(buffer) };
}

function fill(frame: Frame, bytes: Uint8Array, descriptors: readonly number[]): Frame {
  if (bytes.length === 0 || bytes.length > mostBytes || descriptors.length > mostDescriptors) {
    throw new RangeError(
      `Cannot send a message of ${bytes.length} bytes and ${descriptors.length} descriptors`,
    );
  }
  const { view } = frame;
  frame.bytes.set(bytes, bytesAt);
  view.setBigUint64(iovecAt + iovec.iov_len, BigInt(bytes.length), true);
  const length = descriptors.length === 0 ? 0 : cmsghdr.size + descriptors.length * 4;
  view.setBigUint64(msghdr.msg_controllen, BigInt(length), true);
  if (length === 0) return frame;
  view.setBigUint64(controlAt + cmsghdr.cmsg_len, BigInt(length), true);
  view.setInt32(controlAt + cmsghdr.cmsg_level, c.SOL_SOCKET, true);
  view.setInt32(controlAt + cmsghdr.cmsg_type, c.SCM_RIGHTS, true);
  for (const [i, fd] of descriptors.entries()) {
    view.setInt32(controlAt + cmsghdr.size + i * 4, fd, true);
  }
  return frame;
}

function descriptorsIn({ view }: Frame): readonly number[] {
  const room = Number(view.getBigUint64(msghdr.msg_controllen, true));
  if (room < cmsghdr.size) return [];
  const isRights =
    view.getInt32(controlAt + cmsghdr.cmsg_level, true) === c.SOL_SOCKET &&
    view.getInt32(controlAt + cmsghdr.cmsg_type, true) === c.SCM_RIGHTS;
  if (!isRights) return [];
  const length = Number(view.getBigUint64(controlAt + cmsghdr.cmsg_len, true));
  const count = Math.floor((Math.min(length, controlRoom) - cmsghdr.size) / 4);
  return Array.from({ length: count }, (_, i) =>
    view.getInt32(controlAt + cmsghdr.size + i * 4, true),
  );
}
