/** Reads the PROXY protocol at the beginning of a connection, then stands between it and whoever speaks on it. */
import { decodeProxyHeader, type ProxyEnds } from '../codec/index.ts';
import type { Connection, Stream, StreamEngine, StreamHandlers } from '../sys/net/index.ts';
import type { Deadlines, Limited } from './deadlines.ts';
import { PartialHead } from './partial-head.ts';

/** Longer than any header of either version that says who the client is. */
const maxIntroBytes = 1024;

export interface ProxyIntroOptions {
  readonly engine: StreamEngine;
  readonly deadlines: Deadlines;
  readonly timeoutMs: number;
  readonly connection: Connection;
  /** It said for whom it speaks; undefined: for itself. Whoever goes on calls `open` or `toSocket`. */
  readonly onIntroduced: (ends: ProxyEnds | undefined) => void;
  /** It ended before, or said something else, and is closed. */
  readonly onFailed: () => void;
}

export class ProxyIntro implements StreamHandlers, Limited {
  deadline: number;
  private readonly options: ProxyIntroOptions;
  private readonly stream: Stream;
  private readonly partial = new PartialHead(maxIntroBytes);
  private early: Uint8Array | undefined;
  private inner: StreamHandlers | undefined;
  private over = false;

  constructor(options: ProxyIntroOptions) {
    this.options = options;
    this.deadline = options.deadlines.in(options.timeoutMs);
    options.deadlines.add(this);
    this.stream = options.engine.open(options.connection, this);
  }

  /** Whoever speaks from here on; what came behind the header is the first it hears. */
  open(handlers: StreamHandlers): Stream {
    this.inner = handlers;
    const { early } = this;
    this.early = undefined;
    // Not before its constructor is through.
    if (early !== undefined) queueMicrotask(() => this.inner?.onBytes(early, early.length));
    return this.stream;
  }

  toSocket(): ReturnType<Stream['toSocket']> {
    return this.stream.toSocket(this.early);
  }

  destroy(): void {
    this.stream.destroy('close');
  }

  onBytes(bytes: Uint8Array, length: number): void {
    if (this.inner !== undefined) return this.inner.onBytes(bytes, length);
    if (this.over) return;
    const held = this.partial.join(bytes, length) ?? Uint8Array.from(bytes.subarray(0, length));
    const header = decodeProxyHeader(held);
    if (header.kind === 'invalid') return this.destroy();
    if (header.kind === 'incomplete') {
      if (!this.partial.keep(held, 0, held.length)) this.destroy();
      return;
    }
    this.settle();
    if (header.length < held.length) this.early = held.subarray(header.length);
    this.options.onIntroduced(header.ends);
  }

  onEnd(): void {
    if (this.inner !== undefined) this.inner.onEnd();
    else this.destroy();
  }

  onDrain(): void {
    this.inner?.onDrain();
  }

  onClosed(): void {
    if (this.inner !== undefined) return this.inner.onClosed();
    if (this.over) return;
    this.settle();
    this.options.onFailed();
  }

  onDeadline(): void {
    this.destroy();
  }

  private settle(): void {
    this.over = true;
    this.deadline = Infinity;
    this.options.deadlines.remove(this);
  }
}
