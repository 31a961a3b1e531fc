/** Joins two connections of the portable engine: bytes, half-close, resets and back-pressure. */
import type { Socket } from 'node:net';
import type { Relay, RelayEnd } from './engine.ts';
import type { PortableConnection } from './portable-connection.ts';

export class PortableRelay implements Relay {
  bytesFromClient = 0;
  bytesFromBackend = 0;
  readonly done: Promise<RelayEnd>;
  private readonly client: PortableConnection;
  private readonly backend: PortableConnection;
  private end: RelayEnd = 'finished';
  private open = 2;
  private readonly settle: (end: RelayEnd) => void;

  constructor(client: PortableConnection, backend: PortableConnection, preface?: Uint8Array) {
    this.client = client;
    this.backend = backend;
    const { promise, resolve } = Promise.withResolvers<RelayEnd>();
    this.done = promise;
    this.settle = resolve;
    if (preface !== undefined) backend.socket.write(preface);
    this.pump();
    client.onClosed(() => this.sideClosed(client, backend, 'client-failed'));
    backend.onClosed(() => this.sideClosed(backend, client, 'backend-failed'));
  }

  destroy(): void {
    if (this.end === 'finished' && this.open > 0) this.end = 'destroyed';
    this.client.destroy('reset');
    this.backend.destroy('reset');
  }

  private pump(): void {
    const client = this.client.socket;
    const backend = this.backend.socket;
    client.on('data', (bytes) => {
      this.bytesFromClient += bytes.length;
      if (!backend.write(bytes)) client.pause();
    });
    backend.on('data', (bytes) => {
      this.bytesFromBackend += bytes.length;
      if (!client.write(bytes)) backend.pause();
    });
    client.on('drain', () => backend.resume());
    backend.on('drain', () => client.resume());
    passEnd(client, backend);
    passEnd(backend, client);
  }

  /** A side that went without ending both its directions takes the other with it, the way it went. */
  private sideClosed(side: PortableConnection, other: PortableConnection, failed: RelayEnd): void {
    this.open--;
    if (!side.endedWell()) {
      if (this.end === 'finished') this.end = failed;
      other.destroy('reset');
    }
    if (this.open === 0) this.settle(this.end);
  }
}

/** An end without a byte before it is emitted also while nobody reads: it may be over already. */
function passEnd(from: Socket, to: Socket): void {
  if (from.readableEnded) to.end();
  else from.once('end', () => to.end());
}
