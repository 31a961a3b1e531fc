/**
 * Joins two connections of the epoll engine. Bytes go from one descriptor into a buffer that all relays share
 * and straight on into the other; only what the other does not take is kept, and then no more is read.
 */
import { errnos } from '../ffi/index.ts';
import type { ClientWords } from './client-words.ts';
import type { Relay, RelayEnd, RelayOptions } from './engine.ts';
import type { EpollConnection, Mover } from './epoll-connection.ts';
import type { EpollLoop } from './epoll-loop.ts';

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
}

export class EpollRelay implements Relay, Mover {
  bytesFromClient = 0;
  bytesFromBackend = 0;
  readonly done: Promise<RelayEnd>;
  private readonly loop: EpollLoop;
  private readonly buffer: Uint8Array;
  private readonly client: EpollConnection;
  private readonly backend: EpollConnection;
  private readonly settle: (end: RelayEnd) => void;
  /** Undefined when nothing is kept, or no longer. */
  private words: ClientWords | undefined;
  private over = false;

  constructor({ loop, buffer, client, backend, options }: EpollRelayOptions) {
    this.loop = loop;
    this.buffer = buffer;
    this.client = client;
    this.backend = backend;
    const { promise, resolve } = Promise.withResolvers<RelayEnd>();
    this.done = promise;
    this.settle = resolve;
    this.words = options?.words;
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
    this.bytesFromClient = said.length;
    if (before + said.length > 0) this.write(backend, before + said.length);
    // An end that an earlier backend was told of is nowhere to be read any more.
    if (client.ended && !this.over) this.passEnd(client, backend);
  }

  destroy(): void {
    this.finish('destroyed', 'reset');
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
        if (from === this.client) this.bytesFromClient += count;
        else this.bytesFromBackend += count;
        this.write(to, count);
        // All there was: what comes later is told, but for an end that is there already.
        if (count < this.buffer.length && !from.endsSoon) from.readable = false;
      } else if (count === 0) {
        if (from === this.backend && this.words?.complete === true) return this.leaveUnanswered();
        from.ended = true;
        return this.passEnd(from, to);
      } else if (count === -errnos.EAGAIN) from.readable = false;
      else if (count !== -errnos.EINTR) return this.lost(from);
    }
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
    this.client.end(how);
    this.backend.end(how);
    this.settle(end);
  }
}
