/**
 * A Stream of the epoll engine. One read per wake-up goes straight into the engine's buffer; a write is tried at
 * once and what the system leaves is kept at the connection.
 */
import { Socket } from 'node:net';
import type { SocketAddress } from '../../model/index.ts';
import { errnos } from '../ffi/index.ts';
import type { EpollConnection, Mover } from './epoll-connection.ts';
import type { EpollLoop } from './epoll-loop.ts';
import type { Stream, StreamHandlers } from './stream.ts';

/** Reads in a row from one connection before others have their turn. */
const readsInARow = 8;

/** For a question; whoever gets an answer into it gives the connection up. */
const one = new Uint8Array(1);

/** The buffer that all streams of an engine read into, and whether one of them is at it. */
export interface SharedRead {
  readonly buffer: Uint8Array;
  busy: boolean;
}

export interface EpollStreamOptions {
  readonly loop: EpollLoop;
  readonly shared: SharedRead;
  readonly connection: EpollConnection;
  readonly handlers: StreamHandlers;
}

export class EpollStream implements Stream, Mover {
  private readonly loop: EpollLoop;
  private readonly shared: SharedRead;
  private readonly connection: EpollConnection;
  private handlers: StreamHandlers | undefined;
  private paused = false;
  private endWanted = false;
  private writeFailed = false;
  private scheduled = false;

  constructor({ loop, shared, connection, handlers }: EpollStreamOptions) {
    this.loop = loop;
    this.shared = shared;
    this.connection = connection;
    this.handlers = handlers;
    connection.join(this);
    if (connection.closed) loop.later(() => this.lost());
    else if (connection.readable) this.readLater();
  }

  get remote(): SocketAddress {
    return this.connection.remote;
  }

  get local(): SocketAddress {
    return this.connection.local;
  }

  get unsentBytes(): number {
    return this.connection.unsent?.length ?? 0;
  }

  write(bytes: Uint8Array, length: number = bytes.length): boolean {
    const { connection } = this;
    if (connection.closed || this.writeFailed) return true;
    const { unsent } = connection;
    if (unsent !== undefined) {
      connection.unsent = joined(unsent, bytes, length);
      return false;
    }
    const { libc } = this.loop;
    let sent = libc.send(connection.fd, bytes, length);
    while (sent === -errnos.EINTR) sent = libc.send(connection.fd, bytes, length);
    if (sent === length) return true;
    if (sent < 0 && sent !== -errnos.EAGAIN) return this.failWriting();
    connection.unsent = new Uint8Array(bytes.subarray(Math.max(sent, 0), length));
    connection.awaitWritable();
    return false;
  }

  isQuiet(): boolean {
    const { connection } = this;
    if (connection.closed || connection.ended || this.writeFailed) return false;
    // Not into the shared buffer, which may hold the request that is to be sent here.
    if (this.loop.libc.receive(connection.fd, one) !== -errnos.EAGAIN) return false;
    connection.readable = false;
    return true;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    if (this.connection.readable) this.readLater();
  }

  end(): void {
    this.endWanted = true;
    if (this.connection.unsent === undefined) this.shutDown();
  }

  destroy(how: 'reset' | 'close' = 'close'): void {
    if (this.connection.closed) return;
    this.connection.end(how);
    this.loop.later(() => this.lost());
  }

  toSocket(early?: Uint8Array): Socket {
    this.handlers = undefined;
    const { connection } = this;
    const socket = connection.closed
      ? new Socket().destroy()
      : new Socket({
          fd: connection.giveUp(),
          allowHalfOpen: true,
          readable: true,
          writable: true,
        });
    // What the system had not taken goes first; the descriptor is Node's from now on.
    if (connection.unsent !== undefined) socket.write(connection.unsent);
    socket.setNoDelay(true);
    socket.pause();
    if (early !== undefined && early.length > 0) socket.unshift(Buffer.copyBytesFrom(early));
    return socket;
  }

  moved(): void {
    if (this.connection.unsent !== undefined) this.flush();
    if (!this.paused) this.read();
  }

  lost(): void {
    const { handlers } = this;
    this.handlers = undefined;
    handlers?.onClosed();
  }

  private readLater(): void {
    if (this.scheduled) return;
    // Within somebody's read the buffer is theirs; later in the same turn it is free.
    this.scheduled = true;
    this.loop.later(() => {
      this.scheduled = false;
      if (!this.paused) this.read();
    });
  }

  private read(): void {
    const { connection, shared } = this;
    const { libc } = this.loop;
    const { buffer } = shared;
    for (let reads = 0; connection.readable && !connection.ended && !connection.closed; reads++) {
      if (this.paused || this.handlers === undefined) return;
      if (reads === readsInARow || shared.busy) return this.readLater();
      const count = libc.receive(connection.fd, buffer);
      if (count > 0) {
        // All there was: what comes later is told, but for an end that is there already.
        if (count < buffer.length && !connection.endsSoon) connection.readable = false;
        shared.busy = true;
        try {
          this.handlers.onBytes(buffer, count);
        } finally {
          shared.busy = false;
        }
      } else if (count === 0) {
        connection.ended = true;
        this.handlers.onEnd();
      } else if (count === -errnos.EAGAIN) connection.readable = false;
      else if (count !== -errnos.EINTR) return this.fail();
    }
  }

  private flush(): void {
    const { connection } = this;
    while (connection.unsent !== undefined) {
      const { unsent } = connection;
      const sent = this.loop.libc.send(connection.fd, unsent, unsent.length);
      if (sent === -errnos.EAGAIN) return;
      if (sent === -errnos.EINTR) continue;
      if (sent < 0) return void this.failWriting();
      connection.unsent = sent === unsent.length ? undefined : unsent.subarray(sent);
    }
    if (this.endWanted) this.shutDown();
    else this.handlers?.onDrain();
  }

  private shutDown(): void {
    if (this.connection.closed || this.writeFailed) return;
    const result = this.loop.libc.shutdownWriting(this.connection.fd);
    if (result < 0) this.failWriting();
  }

  /** What the peer sent before it went may still be read, and says more than that it went. */
  private failWriting(): true {
    const { connection } = this;
    this.writeFailed = true;
    connection.unsent = undefined;
    connection.readable = true;
    connection.endsSoon = true;
    if (connection.ended) this.destroy('close');
    else this.readLater();
    return true;
  }

  private fail(): void {
    this.connection.end('close');
    this.lost();
  }
}

function joined(first: Uint8Array, second: Uint8Array, length: number): Uint8Array {
  const all = new Uint8Array(first.length + length);
  all.set(first);
  all.set(second.subarray(0, length), first.length);
  return all;
}
