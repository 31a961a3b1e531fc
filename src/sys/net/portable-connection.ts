/** One TCP connection of the portable engine: a node:net socket that cannot throw and cannot leak. */
import type { Socket } from 'node:net';
import type { SocketAddress } from '../../model/index.ts';
import type { Connection } from './engine.ts';
import type { SharedReads } from './shared-reads.ts';

/**
 * Options of every socket of the engine. Half-open: one direction may end before the other. No delay: what one
 * side sent at once, the other gets at once. Keep-alive: a peer that vanished without a word is noticed within
 * minutes, as engine.ts promises.
 */
export const socketOptions = {
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 60_000,
} as const;

export interface PortableFacts {
  /** Asked of the system when somebody wants to know it and it is not given. */
  readonly local?: SocketAddress | undefined;
  readonly reads?: SharedReads | undefined;
}

export class PortableConnection implements Connection {
  readonly socket: Socket;
  readonly remote: SocketAddress;
  readonly reads: SharedReads | undefined;
  private known: SocketAddress | undefined;
  private closed = false;
  private readonly listeners: (() => void)[] = [];

  constructor(socket: Socket, remote: SocketAddress, { local, reads }: PortableFacts = {}) {
    this.reads = reads;
    this.socket = socket;
    this.remote = remote;
    this.known = local;
    // What went wrong shows in how the socket closed; an error without a listener would end the process.
    socket.on('error', ignore);
    socket.once('close', () => {
      this.closed = true;
      for (const listener of this.listeners) listener();
    });
  }

  get local(): SocketAddress {
    if (this.known !== undefined) return this.known;
    const { localAddress = '', localPort = 0 } = this.socket;
    return (this.known = { address: localAddress, port: localPort });
  }

  destroy(how: 'reset' | 'close' = 'close'): void {
    if (how === 'reset') resetSocket(this.socket);
    else this.socket.destroy();
  }

  onClosed(listener: () => void): void {
    if (this.closed) listener();
    else this.listeners.push(listener);
  }

  /** True when both directions ended as their writers meant it. */
  endedWell(): boolean {
    return (
      this.socket.readableEnded && this.socket.writableFinished && this.socket.errored === null
    );
  }
}

/**
 * Closes with RST. While a shutdown is on its way libuv refuses to reset (EINVAL) and Node then loses the
 * handle, descriptor and all; the shutdown takes one turn of the event loop, so the reset waits for it.
 */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  // Node resets bare sockets only; behind TLS an end without its last word says as much.
  if ('encrypted' in socket) return void socket.destroy();
  const shutsDown = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (shutsDown) socket.once('finish', () => resetSocket(socket));
  else socket.resetAndDestroy();
}

function ignore(): void {
  // Deliberately nothing: see the constructor.
}
