/**
 * Reads of many sockets of Node into one buffer: Node itself makes one of 64 KiB for each, and collecting them costs
 * several times what a body of that size costs otherwise. Whoever reads a connection here is handed the buffer; anybody
 * else finds a copy in the socket, as if Node had read it.
 */
import type { Socket } from 'node:net';

const shared = new Uint8Array(64 * 1024);

export class SharedReads {
  /** Takes the bytes while they are in the buffer. */
  reader: ((bytes: Uint8Array, length: number) => void) | undefined;
  socket: Socket | undefined;
  /** As `connect` of node:net wants it. */
  readonly option = {
    buffer: shared,
    callback: (length: number): boolean => this.take(length),
  };

  private take(length: number): boolean {
    const { reader, socket } = this;
    if (reader === undefined) return socket?.push(Buffer.copyBytesFrom(shared, 0, length)) ?? true;
    reader(shared, length);
    return true;
  }
}
