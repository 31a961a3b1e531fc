/** Joins two connections of the portable engine: bytes, half-close, resets and back-pressure. */
import type { Socket } from 'node:net';
import type { ClientWords } from './client-words.ts';
import type { Relay, RelayEnd, RelayOptions } from './engine.ts';
import type { PortableConnection } from './portable-connection.ts';

export class PortableRelay implements Relay {
  bytesFromClient = 0;
  bytesFromBackend = 0;
  readonly done: Promise<RelayEnd>;
  private readonly client: PortableConnection;
  private readonly backend: PortableConnection;
  private end: RelayEnd = 'finished';
  private open = 2;
  /** Undefined when nothing is kept, or no longer. */
  private words: ClientWords | undefined;
  /** The client is no longer ours. */
  private left = false;
  private readonly settle: (end: RelayEnd) => void;

  constructor(client: PortableConnection, backend: PortableConnection, options?: RelayOptions) {
    this.client = client;
    this.backend = backend;
    this.words = options?.words;
    const { promise, resolve } = Promise.withResolvers<RelayEnd>();
    this.done = promise;
    this.settle = resolve;
    if (options?.preface !== undefined) backend.socket.write(options.preface);
    if (options?.words !== undefined) {
      this.bytesFromClient = options.words.bytes.length;
      if (this.bytesFromClient > 0) backend.socket.write(options.words.bytes);
    }
    this.pump();
    client.onClosed(() => this.sideClosed(client, backend, 'client-failed'));
    backend.onClosed(() => this.sideClosed(backend, client, 'backend-failed'));
  }

  destroy(): void {
    if (this.left) return;
    if (this.end === 'finished' && this.open > 0) this.end = 'destroyed';
    this.client.destroy('reset');
    this.backend.destroy('reset');
  }

  private pump(): void {
    const client = this.client.socket;
    const backend = this.backend.socket;
    client.on('data', this.onClientData).on('drain', this.onClientDrain);
    backend.on('data', this.onBackendData).on('drain', this.onBackendDrain);
    passEnd(client, this.onClientEnd);
    passEnd(backend, this.onBackendEnd);
    // One that an earlier relay left is paused.
    client.resume();
  }

  private readonly onClientData = (bytes: Buffer): void => {
    this.bytesFromClient += bytes.length;
    if (this.words !== undefined) this.keep(this.words, bytes);
    if (!this.backend.socket.write(bytes)) this.client.socket.pause();
  };

  private readonly onBackendData = (bytes: Buffer): void => {
    this.bytesFromBackend += bytes.length;
    if (this.words !== undefined) this.answered(this.words);
    if (!this.client.socket.write(bytes)) this.backend.socket.pause();
  };

  private readonly onClientDrain = (): void => void this.backend.socket.resume();

  private readonly onBackendDrain = (): void => void this.client.socket.resume();

  private readonly onClientEnd = (): void => void this.backend.socket.end();

  private readonly onBackendEnd = (): void => {
    if (this.words?.complete === true) this.leaveUnanswered();
    else this.client.socket.end();
  };

  private keep(words: ClientWords, bytes: Uint8Array): void {
    words.add(bytes);
    if (!words.complete) this.words = undefined;
  }

  private answered(words: ClientWords): void {
    words.forget();
    this.words = undefined;
  }

  /** The backend goes without a word; the client stays, for another one. */
  private leaveUnanswered(): void {
    if (this.left) return;
    this.left = true;
    const { socket } = this.client;
    socket.off('data', this.onClientData).off('drain', this.onClientDrain);
    socket.off('end', this.onClientEnd).pause();
    this.backend.destroy('reset');
    this.settle('unanswered');
  }

  /** A side that went without ending both its directions takes the other with it, the way it went. */
  private sideClosed(side: PortableConnection, other: PortableConnection, failed: RelayEnd): void {
    if (this.left) return;
    const clientStays = side === this.backend && this.open === 2 && this.end === 'finished';
    if (clientStays && this.words?.complete === true) return this.leaveUnanswered();
    this.open--;
    if (!side.endedWell()) {
      if (this.end === 'finished') this.end = failed;
      other.destroy('reset');
    }
    if (this.open === 0) this.settle(this.end);
  }
}

/** An end without a byte before it is emitted also while nobody reads: it may be over already. */
function passEnd(from: Socket, pass: () => void): void {
  if (from.readableEnded) pass();
  else from.once('end', pass);
}
