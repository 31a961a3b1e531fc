/**
 * Where a datagram came from, as the kernel wrote it: kept in its own words, since most senders are only ever
 * answered, and read as text when somebody asks.
 */
import type { SocketAddress } from '../../model/index.ts';
import { constants as c, layouts } from './layout.ts';
import { decodeSocketAddress, socketAddressRoom } from './socket-address.ts';

const { sockaddr_in: v4, sockaddr_in6: v6 } = layouts;
const v6Words = v6.size / 4;

export class KernelAddress implements SocketAddress {
  private readonly head: number;
  private readonly next: number;
  /** Of an IPv6 address, all words; undefined: IPv4. */
  private readonly all: Int32Array | undefined;

  /** Reads the structure that begins at word `at`. */
  constructor(words: Int32Array, at: number) {
    this.head = words[at]!;
    this.next = words[at + 1]!;
    const isV4 = (this.head & 0xffff) === c.AF_INET;
    this.all = isV4 ? undefined : words.slice(at, at + v6Words);
  }

  get address(): string {
    return this.decode()?.address ?? '';
  }

  get port(): number {
    return ((this.head >>> 8) & 0xff00) | (this.head >>> 24);
  }

  /** Writes the structure at word `at` and returns its length in bytes. */
  write(words: Int32Array, at: number): number {
    if (this.all !== undefined) {
      words.set(this.all, at);
      return v6.size;
    }
    words[at] = this.head;
    words[at + 1] = this.next;
    return v4.size;
  }

  private decode(): SocketAddress | undefined {
    const words = new Int32Array(Math.ceil(socketAddressRoom / 4));
    this.write(words, 0);
    return decodeSocketAddress(new Uint8Array(words.buffer));
  }
}
