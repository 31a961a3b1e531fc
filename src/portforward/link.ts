/** Messages between the two ends of an upgraded connection: WebSocket's, or bytes as they are. */
import { randomBytes } from 'node:crypto';
import { encodeWebSocketFrame, WebSocketReader } from '../codec/websocket/index.ts';
import type { ByteStream } from '../sys/net/index.ts';

export interface LinkEvents {
  readonly onMessage: (bytes: Buffer) => void;
  /** What was sent is taken, after `send` returned false. */
  readonly onDrain: () => void;
  /** Called once; `problem` when it ended otherwise than both meant it. */
  readonly onClosed: (problem: string | undefined) => void;
}

export interface Link {
  /** Nothing is read before; called once. */
  start(events: LinkEvents): void;
  /** False: the peer reads slowly. */
  send(bytes: Uint8Array): boolean;
  pause(): void;
  resume(): void;
  close(): void;
}

/** More than any server sends at once; what is larger is a mistake or an attack. */
const maxMessageBytes = 4 << 20;

/** The stream as it is: its pieces are the messages. */
export function plainLink(stream: ByteStream): Link {
  return {
    start: ({ onMessage, onDrain, onClosed }) =>
      stream.start({
        onBytes: onMessage,
        onDrain,
        onEnd: () => stream.destroy(),
        onClosed: () => onClosed(undefined),
      }),
    send: (bytes) => stream.write(bytes),
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    close: () => stream.end(),
  };
}

export function webSocketLink(stream: ByteStream, side: 'client' | 'server'): Link {
  return new WebSocketLink(stream, side);
}

class WebSocketLink implements Link {
  private readonly stream: ByteStream;
  private readonly side: 'client' | 'server';
  private readonly reader: WebSocketReader;
  private problem: string | undefined;
  private isClosing = false;

  constructor(stream: ByteStream, side: 'client' | 'server') {
    this.stream = stream;
    this.side = side;
    const from = side === 'client' ? 'server' : 'client';
    this.reader = new WebSocketReader({ from, maxMessageBytes });
  }

  start({ onMessage, onDrain, onClosed }: LinkEvents): void {
    this.stream.start({
      onBytes: (bytes) => this.read(bytes, onMessage),
      onDrain,
      onEnd: () => this.stream.destroy(),
      // Who ends a WebSocket says so first.
      onClosed: () => onClosed(this.problem ?? (this.isClosing ? undefined : 'it was cut off')),
    });
  }

  send(bytes: Uint8Array): boolean {
    return this.isClosing || this.frame('binary', bytes);
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  close(): void {
    if (this.isClosing) return;
    // 1000: that was all.
    this.frame('close', Buffer.from([0x03, 0xe8]));
    this.isClosing = true;
    this.stream.end();
    this.stream.setIdleTimeout(closeMs);
  }

  private read(bytes: Buffer, onMessage: (bytes: Buffer) => void): void {
    for (const event of this.reader.read(bytes)) {
      switch (event.kind) {
        case 'message':
          onMessage(event.bytes);
          break;
        case 'ping':
          if (!this.isClosing) this.frame('pong', event.bytes);
          break;
        case 'close':
          this.problem = event.reason === '' ? undefined : event.reason;
          this.close();
          break;
        case 'broken':
          this.problem = event.why;
          this.stream.destroy();
          break;
      }
    }
  }

  private frame(kind: 'binary' | 'close' | 'pong', payload: Uint8Array): boolean {
    const mask = this.side === 'client' ? randomBytes(4) : undefined;
    return this.stream.write(encodeWebSocketFrame({ kind, payload, mask }));
  }
}

/** How long a peer may take to close its own direction. */
const closeMs = 5_000;
