/** A Stream on a socket of Node: the portable engine's, and any that TLS stands in front of. */
import type { Socket } from 'node:net';
import type { SocketAddress } from '../../model/index.ts';
import { PortableConnection } from './portable-connection.ts';
import type { Stream, StreamHandlers } from './stream.ts';

/**
 * Copies of what is large go into buffers that are used again: made anew for each piece, they cost several times as
 * much in garbage as the sending does.
 */
const pooledFrom = 16 * 1024;
const pooledBytes = 160 * 1024;
const maxSpare = 32;
const spare: Buffer[] = [];

export class PortableStream implements Stream {
  private readonly connection: PortableConnection;
  private readonly socket: Socket;
  private handlers: StreamHandlers | undefined;

  constructor(connection: PortableConnection, handlers: StreamHandlers) {
    this.connection = connection;
    this.socket = connection.socket;
    this.handlers = handlers;
    const { socket } = this;
    socket.on('data', this.onData);
    if (connection.reads !== undefined) connection.reads.reader = this.onRead;
    socket.on('drain', this.onDrain);
    // An end without a byte before it is emitted also while nobody reads: it may be over already.
    if (socket.readableEnded) setImmediate(this.onEnd);
    else socket.once('end', this.onEnd);
    if (socket.destroyed) setImmediate(this.onClosed);
    else connection.onClosed(this.onClosed);
  }

  get remote(): SocketAddress {
    return this.connection.remote;
  }

  get local(): SocketAddress {
    return this.connection.local;
  }

  get unsentBytes(): number {
    return this.socket.writableLength;
  }

  write(bytes: Uint8Array, length: number = bytes.length): boolean {
    if (!this.socket.writable) return true;
    // The caller may use its buffer again at once, the socket may not have sent it yet.
    const said = length === bytes.length ? bytes : bytes.subarray(0, length);
    if (length < pooledFrom || length > pooledBytes) {
      return this.socket.write(Buffer.copyBytesFrom(said));
    }
    const copy = spare.pop() ?? Buffer.allocUnsafeSlow(pooledBytes);
    copy.set(said);
    return this.socket.write(copy.subarray(0, length), () => {
      if (spare.length < maxSpare) spare.push(copy);
    });
  }

  isQuiet(): boolean {
    const { socket } = this;
    return socket.writable && !socket.readableEnded && socket.readableLength === 0;
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.end();
  }

  destroy(how: 'reset' | 'close' = 'close'): void {
    this.connection.destroy(how);
  }

  toSocket(early?: Uint8Array): Socket {
    this.handlers = undefined;
    const { socket } = this;
    if (this.connection.reads !== undefined) this.connection.reads.reader = undefined;
    socket.pause();
    socket.off('data', this.onData).off('drain', this.onDrain).off('end', this.onEnd);
    if (early !== undefined && early.length > 0) socket.unshift(Buffer.copyBytesFrom(early));
    return socket;
  }

  private readonly onData = (bytes: Uint8Array): void => {
    this.handlers?.onBytes(bytes, bytes.length);
  };

  private readonly onRead = (bytes: Uint8Array, length: number): void => {
    this.handlers?.onBytes(bytes, length);
  };

  private readonly onDrain = (): void => this.handlers?.onDrain();
  private readonly onEnd = (): void => this.handlers?.onEnd();

  private readonly onClosed = (): void => {
    const { handlers } = this;
    this.handlers = undefined;
    handlers?.onClosed();
  };
}

/** A Stream on a socket that was made of a connection, or that TLS stands in front of. */
export function streamOfSocket(
  socket: Socket,
  ends: { readonly remote: SocketAddress; readonly local: SocketAddress },
  handlers: StreamHandlers,
): Stream {
  const { remote, local } = ends;
  return new PortableStream(new PortableConnection(socket, remote, { local }), handlers);
}
