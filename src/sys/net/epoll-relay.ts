/**
 * Joins two connections of the epoll engine. Bytes go from one descriptor into a buffer that all relays share
 * and straight on into the other; only what the other does not take is kept, and then no more is read.
 */
import { errnos } from '../ffi/index.ts';
import type { ClientWords } from './client-words.ts';
import type { Relay, RelayEnd, RelayOptions } from './engine.ts';
import type { EpollConnection, Mover } from './epoll-connection.ts';
import type { EpollLoop } from './epoll-loop.ts';
import type { Carried, RelayThreads } from './relay-threads.ts';

/** Read at once; also the most that is kept for a direction. */
export const relayBufferBytes = 64 * 1024;

/** Reads in a row from one connection before others have their turn. */
const readsInARow = 8;

export interface EpollRelayOptions {
  readonly loop: EpollLoop;
  /** Shared by all relays of the thread: nothing stays in it. */
  readonly buffer: Uint8Array;
  readonly client: EpollConnection;
  readonly backend: EpollConnection;
  /** Its preface and words together have at most `relayBufferBytes`. */
  readonly options?: RelayOptions | undefined;
  /** Where it may go on once it has proved to be long; undefined: nowhere. */
  readonly threads?: RelayThreads | undefined;
  /** Kept up to date for another thread: bytes from the client, and from the backend. */
  readonly tally?: Float64Array | undefined;
}

export class EpollRelay implements Relay, Mover {
  readonly done: Promise<RelayEnd>;
  private readonly loop: EpollLoop;
  private readonly buffer: Uint8Array;
  private readonly client: EpollConnection;
  private readonly backend: EpollConnection;
  private readonly settle: (end: RelayEnd) => void;
  /** Undefined when nothing is kept, or no longer. */
  private words: ClientWords | undefined;
  private readonly threads: RelayThreads | undefined;
  private readonly tally: Float64Array | undefined;
  /** Reads so far, where that decides something. */
  private reads = 0;
  private stays = false;
  /** Set while another thread carries it; what it did before is in ours. */
  private carried: Carried | undefined;
  private fromClient = 0;
  private fromBackend = 0;
  /** Nothing is to be done here any more: it has ended, or goes on elsewhere. */
  private over = false;

  constructor({ loop, buffer, client, backend, options, threads, tally }: EpollRelayOptions) {
    this.loop = loop;
    this.buffer = buffer;
    this.client = client;
    this.backend = backend;
    const { promise, resolve } = Promise.withResolvers<RelayEnd>();
    this.done = promise;
    this.settle = resolve;
    this.words = options?.words;
    this.threads = threads;
    this.tally = tally;
    client.join(this);
    backend.join(this);
    if (client.closed) this.lost(client);
    else if (backend.closed) this.lost(backend);
    else {
      if (options !== undefined) this.begin(options);
      this.pump(client, backend);
      this.pump(backend, client);
    }
  }

  /** What the backend hears before anything new. */
  private begin({ preface, words }: RelayOptions): void {
    const { buffer, client, backend } = this;
    const before = preface?.length ?? 0;
    const said = words?.bytes ?? new Uint8Array(0);
    if (preface !== undefined) buffer.set(preface);
    buffer.set(said, before);
    this.fromClient = said.length;
    if (before + said.length > 0) this.write(backend, before + said.length);
    // An end that an earlier backend was told of is nowhere to be read any more.
    if (client.ended && !this.over) this.passEnd(client, backend);
  }

  get bytesFromClient(): number {
    return this.fromClient + (this.carried?.bytesFromClient ?? 0);
  }

  get bytesFromBackend(): number {
    return this.fromBackend + (this.carried?.bytesFromBackend ?? 0);
  }

  destroy(): void {
    if (this.carried === undefined) this.finish('destroyed', 'reset');
    else this.carried.end('destroyed');
  }

  /** One side was destroyed by somebody else. */
  destroySide(end: 'client-failed' | 'backend-failed'): void {
    this.finish(end, 'reset');
  }

  moved(side: EpollConnection): void {
    const other = side === this.client ? this.backend : this.client;
    if (side.unsent !== undefined) this.flush(other, side);
    this.pump(side, other);
  }

  lost(side: EpollConnection): void {
    if (side === this.backend && this.words?.complete === true) return this.leaveUnanswered();
    this.finish(side === this.client ? 'client-failed' : 'backend-failed', 'reset');
  }

  /** Reads from one side what there is and writes it to the other, for as long as that takes it. */
  private pump(from: EpollConnection, to: EpollConnection): void {
    const { libc } = this.loop;
    for (let reads = 0; from.readable && !from.ended && to.unsent === undefined; reads++) {
      if (this.over) return;
      if (reads === readsInARow) return this.loop.later(() => this.pump(from, to));
      const count = libc.receive(from.fd, this.buffer);
      if (count > 0) {
        if (this.words !== undefined) this.heard(from, count);
        this.count(from, count);
        this.write(to, count);
        // All there was: what comes later is told, but for an end that is there already.
        if (count < this.buffer.length && !from.endsSoon) from.readable = false;
        if (this.threads !== undefined && this.goesAway(this.threads)) return;
      } else if (count === 0) {
        if (from === this.backend && this.words?.complete === true) return this.leaveUnanswered();
        from.ended = true;
        return this.passEnd(from, to);
      } else if (count === -errnos.EAGAIN) from.readable = false;
      else if (count !== -errnos.EINTR) return this.lost(from);
    }
  }

  private count(from: EpollConnection, count: number): void {
    if (from === this.client) this.fromClient += count;
    else this.fromBackend += count;
    const { tally } = this;
    if (tally === undefined) return;
    tally[0] = this.fromClient;
    tally[1] = this.fromBackend;
  }

  /**
   * Goes on in another thread when it has lasted and one has room. Only with nothing kept here: what one thread holds
   * the other does not know. Returns whether it went, or ended.
   */
  private goesAway(threads: RelayThreads): boolean {
    if (this.over) return true;
    if (this.stays || ++this.reads < threads.after) return false;
    const { client, backend } = this;
    if (this.words !== undefined || isBusy(client) || isBusy(backend)) return false;
    const fds = { client: client.fd, backend: backend.fd };
    this.carried = threads.carry(fds, (end) => this.cameBack(end));
    if (this.carried === undefined) {
      this.stays = true;
      return false;
    }
    const { carried } = this;
    this.over = true;
    client.lend(() => carried.end('client-failed'));
    backend.lend(() => carried.end('backend-failed'));
    carried.begin();
    return true;
  }

  /** The other thread is done with both descriptors. */
  private cameBack(end: RelayEnd | 'thread-failed'): void {
    const how = end === 'thread-failed' ? 'reset' : 'close';
    this.client.end(how);
    this.backend.end(how);
    this.settle(end === 'thread-failed' ? 'destroyed' : end);
  }

  /** Keeps the client's words, until there are too many or an answer. */
  private heard(from: EpollConnection, count: number): void {
    const { words } = this;
    if (from === this.client) words?.add(this.buffer.subarray(0, count));
    else words?.forget();
    if (words?.complete !== true) this.words = undefined;
  }

  /** The backend goes without a word; the client stays, for another one. */
  private leaveUnanswered(): void {
    if (this.over) return;
    this.over = true;
    this.backend.end('reset');
    this.client.leave();
    this.settle('unanswered');
  }

  /** Writes the first `count` bytes of the shared buffer. */
  private write(to: EpollConnection, count: number): void {
    const { libc } = this.loop;
    let sent = libc.send(to.fd, this.buffer, count);
    while (sent === -errnos.EINTR) sent = libc.send(to.fd, this.buffer, count);
    if (sent === count) return;
    if (sent < 0 && sent !== -errnos.EAGAIN) return this.lost(to);
    to.unsent = this.buffer.slice(Math.max(sent, 0), count);
    to.awaitWritable();
  }

  /** Writes what was kept for `to`, then reads on. */
  private flush(from: EpollConnection, to: EpollConnection): void {
    while (to.unsent !== undefined) {
      const { unsent } = to;
      const sent = this.loop.libc.send(to.fd, unsent, unsent.length);
      if (sent === -errnos.EAGAIN) return;
      if (sent === -errnos.EINTR) continue;
      if (sent < 0) return this.lost(to);
      to.unsent = sent === unsent.length ? undefined : unsent.subarray(sent);
    }
    if (from.ended) this.passEnd(from, to);
    else this.pump(from, to);
  }

  /** `from` has ended: so has what goes to `to`, once everything is written. */
  private passEnd(from: EpollConnection, to: EpollConnection): void {
    if (to.unsent !== undefined) return;
    // The last end needs no shutdown of its own: closing says the same.
    if (to.ended && from.unsent === undefined) return this.finish('finished', 'close');
    const result = this.loop.libc.shutdownWriting(to.fd);
    if (result < 0) this.lost(to);
  }

  private finish(end: RelayEnd, how: 'reset' | 'close'): void {
    if (this.over) return;
    this.over = true;
    if (this.stays) this.threads?.stayed();
    this.client.end(how);
    this.backend.end(how);
    this.settle(end);
  }
}

function isBusy(side: EpollConnection): boolean {
  return side.unsent !== undefined || side.ended || side.closed;
}
