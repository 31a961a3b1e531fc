/**
 * UDP many datagrams a call (recvmmsg, sendmmsg): a call into the kernel and back costs about as much as all that a
 * small server does for an answer. The structures name one another by address, so they are laid out once in the C
 * library's own memory. What is below zero is a negated errno, as in libc.ts.
 */
import type { SocketAddress } from '../../model/index.ts';
import { KernelAddress } from './kernel-address.ts';
import type { Koffi } from './koffi.ts';
import { constants as c, layouts } from './layout.ts';
import { encodeSocketAddress, socketAddressRoom } from './socket-address.ts';

export interface DatagramCalls {
  /** A UDP socket that never blocks and is not inherited by children; `family` as in AF_INET. */
  datagramSocket(family: number): number;
  createReceiveBatch(): ReceiveBatch;
  createSendBatch(): SendBatch;
}

/** Datagrams the kernel handed over together; good until the next `receive`. */
export interface ReceiveBatch {
  readonly capacity: number;
  /** How many came. */
  receive(fd: number): number;
  /** In memory that the next `receive` writes over. */
  bytesAt(index: number): Buffer;
  addressAt(index: number): KernelAddress;
}

/** Datagrams that wait to be handed to the kernel together. */
export interface SendBatch {
  readonly length: number;
  /** False when there is no room: flush first. Throws RangeError for what no datagram can hold. */
  add(bytes: Uint8Array, to: SocketAddress): boolean;
  /** Hands over all of them and is empty; what the kernel refuses is lost. */
  flush(fd: number): void;
}

type Library = ReturnType<Koffi['load']>;
type Failed = () => number;

/** More gain little, and hold up the first one's answer. */
const capacity = 64;
const mostBytes = 65_536;
/** Slots of a power of two would all fall on the same lines of the processor's cache. */
const slotBytes = mostBytes + 192;
const arenaBytes = 256 * 1024;
const { mmsghdr, msghdr, iovec } = layouts;
/** The structures of one datagram: its header, where its bytes are, whom it is from or for. */
const nameRoom = Math.ceil(socketAddressRoom / 8) * 8;
const iovecsAt = capacity * mmsghdr.size;
const namesAt = iovecsAt + capacity * iovec.size;
const bytesAt = namesAt + capacity * nameRoom;

type Call = (fd: number, headers: bigint, count: number, flags: number) => number;
type Receive = (...args: [...Parameters<Call>, timeout: null]) => number;

export function datagramCalls(koffi: Koffi, library: Library, failed: Failed): DatagramCalls {
  const socket: (family: number, type: number, protocol: number) => number = library.func(
    'int socket(int family, int type, int protocol)',
  );
  const recvmmsg: Receive = library.func(
    'int recvmmsg(int fd, void *headers, unsigned int count, int flags, void *timeout)',
  );
  const sendmmsg: Call = library.func(
    'int sendmmsg(int fd, void *headers, unsigned int count, int flags)',
  );
  const type = c.SOCK_DGRAM | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC;
  const orErrno = (result: number): number => (result < 0 ? failed() : result);
  return {
    datagramSocket: (family) => orErrno(socket(family, type, c.IPPROTO_UDP)),
    createReceiveBatch: () => {
      const memory = layOut(koffi, capacity * slotBytes);
      return new Receiving(memory, (fd) =>
        orErrno(recvmmsg(fd, memory.address, capacity, 0, null)),
      );
    },
    createSendBatch: () => {
      const memory = layOut(koffi, arenaBytes);
      return new Sending(memory, (fd, from, count) => {
        const headers = from === 0 ? memory.address : memory.address + BigInt(from * mmsghdr.size);
        return orErrno(sendmmsg(fd, headers, count, c.MSG_NOSIGNAL));
      });
    },
  };
}

interface Memory {
  readonly address: bigint;
  readonly words: Int32Array;
  readonly bytes: Buffer;
}

/** Headers that name their own iovec and address; the rest is room for bytes. Lives as long as the process. */
function layOut(koffi: Koffi, room: number): Memory {
  const address: unknown = koffi.alloc('uint8_t', bytesAt + room);
  if (typeof address !== 'bigint') throw new TypeError('Cannot use memory without its address');
  const buffer = koffi.view(address, bytesAt + room);
  const view = new DataView(buffer);
  for (let i = 0; i < capacity; i++) {
    const header = i * mmsghdr.size;
    const [name, vector] = [namesAt + i * nameRoom, iovecsAt + i * iovec.size];
    const slot = bytesAt + i * slotBytes;
    view.setBigUint64(header + msghdr.msg_name, address + BigInt(name), true);
    view.setUint32(header + msghdr.msg_namelen, socketAddressRoom, true);
    view.setBigUint64(header + msghdr.msg_iov, address + BigInt(vector), true);
    view.setBigUint64(header + msghdr.msg_iovlen, 1n, true);
    view.setBigUint64(header + msghdr.msg_control, 0n, true);
    view.setBigUint64(header + msghdr.msg_controllen, 0n, true);
    view.setBigUint64(vector + iovec.iov_base, address + BigInt(slot), true);
    view.setBigUint64(vector + iovec.iov_len, BigInt(mostBytes), true);
  }
  const words = new Int32Array(buffer, 0, bytesAt >> 2);
  return { address, words, bytes: Buffer.from(buffer) };
}

class Receiving implements ReceiveBatch {
  readonly capacity = capacity;
  private readonly memory: Memory;
  private readonly call: (fd: number) => number;

  constructor(memory: Memory, call: (fd: number) => number) {
    this.memory = memory;
    this.call = call;
  }

  receive(fd: number): number {
    const count = this.call(fd);
    // The kernel has put the length of each address there, and reads it as room the next time.
    for (let i = 0; i < count; i++) {
      this.memory.words[(i * mmsghdr.size + msghdr.msg_namelen) >> 2] = socketAddressRoom;
    }
    return count;
  }

  bytesAt(index: number): Buffer {
    const length = this.memory.words[(index * mmsghdr.size + mmsghdr.msg_len) >> 2]!;
    const start = bytesAt + index * slotBytes;
    return this.memory.bytes.subarray(start, start + length);
  }

  addressAt(index: number): KernelAddress {
    return new KernelAddress(this.memory.words, (namesAt + index * nameRoom) >> 2);
  }
}

type Send = (fd: number, from: number, count: number) => number;

class Sending implements SendBatch {
  length = 0;
  private readonly memory: Memory;
  private readonly call: Send;
  private readonly start: number;
  private used = 0;

  constructor(memory: Memory, call: Send) {
    this.memory = memory;
    this.call = call;
    // User space addresses have 47 bits, or 52: a number holds them.
    this.start = Number(memory.address) + bytesAt;
  }

  add(bytes: Uint8Array, to: SocketAddress): boolean {
    if (bytes.length > mostBytes) throw new RangeError(`Cannot send ${bytes.length} bytes at once`);
    if (this.length === capacity || this.used + bytes.length > arenaBytes) return false;
    const i = this.length++;
    const { words } = this.memory;
    const name = (namesAt + i * nameRoom) >> 2;
    words[(i * mmsghdr.size + msghdr.msg_namelen) >> 2] = writeAddress(words, name, to);
    this.memory.bytes.set(bytes, bytesAt + this.used);
    const vector = (iovecsAt + i * iovec.size) >> 2;
    const base = this.start + this.used;
    words[vector] = base | 0;
    words[vector + 1] = Math.floor(base / 2 ** 32);
    words[(iovecsAt + i * iovec.size + iovec.iov_len) >> 2] = bytes.length;
    // Behind each answer up to the next eight bytes, where copies are quick.
    this.used += (bytes.length + 7) & ~7;
    return true;
  }

  flush(fd: number): void {
    let done = 0;
    while (done < this.length) {
      const sent = this.call(fd, done, this.length - done);
      // It stops before the one it refuses, which it refuses by name when it is the first.
      done += sent > 0 ? sent : 1;
    }
    this.length = 0;
    this.used = 0;
  }
}

function writeAddress(words: Int32Array, at: number, to: SocketAddress): number {
  if (to instanceof KernelAddress) return to.write(words, at);
  const bytes = encodeSocketAddress(to);
  if (bytes === undefined) throw new TypeError(`Cannot send to ${to.address}: it is no IP address`);
  new Uint8Array(words.buffer, words.byteOffset + at * 4, bytes.length).set(bytes);
  return bytes.length;
}
