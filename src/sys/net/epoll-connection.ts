/** One TCP connection of the epoll engine: a descriptor, and what is known of both its directions. */
import type { SocketAddress } from '../../model/index.ts';
import { constants, decodeSocketAddress, socketAddressRoom } from '../ffi/index.ts';
import type { Connection } from './engine.ts';
import type { EpollLoop, Watched } from './epoll-loop.ts';

const { EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP, EPOLLRDHUP, EPOLLET } = constants;
const inbound = EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR;
const outbound = EPOLLOUT | EPOLLHUP | EPOLLERR;
const ending = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

/** After so long without a word the peer is asked whether it is there, as engine.ts promises. */
export const keepAliveSeconds = 60;

/** What an open connection wants to hear; that it can be written only once it could not. */
export const reading = EPOLLIN | EPOLLRDHUP | EPOLLET;
export const readingAndWriting = reading | EPOLLOUT;

/** Whoever moves a connection's bytes. */
export interface Mover {
  /** More can be read from `side`, or written to it, than before. */
  moved(side: EpollConnection): void;
  /** `side` was closed by somebody else, or failed while there was nothing to read. */
  lost(side: EpollConnection): void;
}

export interface EpollConnectionOptions {
  readonly loop: EpollLoop;
  readonly fd: number;
  readonly remote: SocketAddress;
  /** Asked of the system when somebody wants to know it and it is not given. */
  readonly local?: SocketAddress | undefined;
  /** It may have bytes already; false when epoll will say so. */
  readonly readable: boolean;
  readonly interest: number;
}

export class EpollConnection implements Connection, Watched {
  readonly fd: number;
  readonly remote: SocketAddress;
  /** There may be something to read. */
  readable: boolean;
  /** The peer has ended or failed: reading goes on until the kernel says how. */
  endsSoon = false;
  /** The end of what the peer sends has been read. */
  ended = false;
  /** What could not be written yet. */
  unsent: Uint8Array | undefined;
  closed = false;
  /** Another thread moves its bytes for now, and has to be asked to end it. */
  away: (() => void) | undefined;
  private readonly loop: EpollLoop;
  private interest: number;
  private known: SocketAddress | undefined;
  private mover: Mover | undefined;
  private readonly listeners: (() => void)[] = [];

  constructor(options: EpollConnectionOptions) {
    this.loop = options.loop;
    this.fd = options.fd;
    this.remote = options.remote;
    this.known = options.local;
    this.readable = options.readable;
    this.interest = options.interest;
  }

  get local(): SocketAddress {
    if (this.known !== undefined) return this.known;
    const room = new Uint8Array(socketAddressRoom);
    const result = this.closed ? -1 : this.loop.libc.localAddress(this.fd, room);
    const found = result < 0 ? undefined : decodeSocketAddress(room);
    return (this.known = found ?? { address: '', port: 0 });
  }

  destroy(how: 'reset' | 'close' = 'close'): void {
    if (this.closed) return;
    if (this.away !== undefined) return this.away();
    this.end(how);
    this.mover?.lost(this);
  }

  onClosed(listener: () => void): void {
    if (this.closed) listener();
    else this.listeners.push(listener);
  }

  onEvents(bits: number): void {
    if ((bits & inbound) !== 0) this.readable = true;
    if ((bits & ending) !== 0) this.endsSoon = true;
    const failed = (bits & EPOLLERR) !== 0;
    if (this.mover === undefined) {
      if (failed) this.end('close');
      return;
    }
    // After its end nothing is read from it any more, so nothing else would tell.
    if (failed && this.ended) this.destroy('close');
    else if ((bits & (inbound | outbound)) !== 0) this.mover.moved(this);
  }

  /** Bytes go through `mover` from now on. */
  join(mover: Mover): void {
    this.mover = mover;
  }

  /** Nobody moves its bytes for now; what comes meanwhile is known to the next mover. */
  leave(): void {
    this.mover = undefined;
  }

  /** Closes without telling the mover, who then knows. */
  end(how: 'reset' | 'close'): void {
    if (this.closed) return;
    this.closed = true;
    this.unsent = undefined;
    if (how === 'reset') this.loop.libc.lingerNot(this.fd);
    this.loop.close(this.fd);
    for (const listener of this.listeners) listener();
  }

  /** Another thread moves its bytes until `end`; the descriptor stays ours to close. */
  lend(ask: () => void): void {
    this.away = ask;
    this.loop.remove(this.fd);
  }

  /** Leaves the descriptor to somebody else, open; this connection is gone, and nobody is told. */
  giveUp(): number {
    this.closed = true;
    this.loop.remove(this.fd);
    return this.fd;
  }

  /** Wants to hear when it can be written again, after a write that came short. */
  awaitWritable(): void {
    // Once asked for, each short write is followed by an edge; asking tells of one that has been already.
    if (this.interest === readingAndWriting) return;
    this.interest = readingAndWriting;
    this.loop.modify(this.fd, this.interest);
  }
}
