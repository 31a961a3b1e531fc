/** A connection of HTTP/1.1 to a backend: reads its answers, one request after the other. */
import type { ResponseHead } from '../codec/http1/index.ts';
import type { Connection, Stream, StreamHandlers } from '../sys/net/index.ts';
import { BodyReader } from './body-reader.ts';
import type { Context } from './context.ts';
import type { EndpointPool } from './endpoint-pool.ts';
import type { Exchange } from './exchange.ts';
import { listOf } from './field-lists.ts';
import type { Limited } from './deadlines.ts';
import type { BackendSide, FieldList, IncomingResponse, TunnelEnd } from './messages.ts';
import { PartialHead } from './partial-head.ts';

/**
 * How long a connection rests. Below the five seconds after which Node's own server closes an idle one: a request
 * that is on its way by then would fail.
 */
const restMs = 4_000;

const maxHeadBytes = 64 * 1024;

type State = 'resting' | 'head' | 'body' | 'tunnel' | 'gone';

export interface Http1BackendOptions {
  readonly pool: EndpointPool;
  readonly connection: Connection;
  /** It may serve a request after another. */
  readonly reusable: boolean;
}

export class Http1Backend
  implements StreamHandlers, BackendSide, TunnelEnd, Limited, IncomingResponse
{
  deadline = Infinity;
  status = 0;
  contentLength = -1;
  hasBody = false;
  private readonly context: Context;
  private readonly pool: EndpointPool;
  private readonly stream: Stream;
  private readonly reusable: boolean;
  private readonly partial = new PartialHead(maxHeadBytes);
  private state: State = 'resting';
  private exchange: Exchange | undefined;
  private other: TunnelEnd | undefined;
  private readonly body: BodyReader;
  private keepsAlive = false;
  private slow = false;
  private whole = false;

  constructor(context: Context, { pool, connection, reusable }: Http1BackendOptions) {
    this.context = context;
    this.pool = pool;
    this.reusable = reusable;
    this.stream = context.engine.open(connection, this);
    context.deadlines.add(this);
    this.body = new BodyReader(context.trailers, (bytes, start, end) =>
      this.exchange?.onBody(bytes, start, end),
    );
  }

  /** Bytes before the first request. */
  introduce(bytes: Uint8Array): void {
    this.stream.write(bytes);
  }

  serve(exchange: Exchange, reused: boolean): void {
    this.exchange = exchange;
    this.state = 'head';
    this.deadline = Infinity;
    exchange.attach(this, reused);
  }

  /** It rests, and its peer has neither ended it nor said anything. */
  isQuiet(): boolean {
    return this.stream.isQuiet();
  }

  /** The head that was read last, while it is passed on. */
  get head(): ResponseHead {
    return this.context.responseHead;
  }

  readonly list = (): FieldList => listOf(this.context.responseHead);

  send(bytes: Uint8Array, length: number): boolean {
    return this.stream.write(bytes, length);
  }

  finishRequest(): void {
    // Its end is in its bytes.
  }

  finish(): void {
    this.stream.end();
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.slow = false;
    this.stream.resume();
  }

  cancel(): void {
    this.exchange = undefined;
    this.close();
  }

  destroy(): void {
    this.close();
  }

  close(): void {
    this.stream.destroy('close');
  }

  onDeadline(): void {
    this.close();
  }

  onBytes(bytes: Uint8Array, length: number): void {
    if (this.state === 'tunnel') {
      if (this.other?.send(bytes, length) === false) this.stream.pause();
      return;
    }
    // Nobody asked: whatever it is, it is no answer.
    if (this.exchange === undefined) return this.close();
    const held = this.partial.join(bytes, length);
    if (held === undefined) this.consume(bytes, length);
    else this.consume(held, held.length);
  }

  onEnd(): void {
    if (this.state === 'tunnel') return this.other?.finish();
    const closes = this.state === 'body' && this.body.framed === 'until close';
    if (closes && this.exchange !== undefined) {
      this.keepsAlive = false;
      return this.complete();
    }
    this.fail('reset');
  }

  onDrain(): void {
    if (this.state === 'tunnel') this.other?.resume();
    else this.exchange?.backendDrained();
  }

  onClosed(): void {
    const resting = this.state === 'resting';
    const { exchange } = this;
    const wasTunnel = this.state === 'tunnel';
    this.state = 'gone';
    this.exchange = undefined;
    this.context.deadlines.remove(this);
    this.pool.closed(this, resting);
    if (wasTunnel) this.other?.destroy();
    exchange?.failed('reset');
  }

  private consume(bytes: Uint8Array, length: number): void {
    let at = 0;
    while (at >= 0 && at < length && this.exchange !== undefined && !this.whole) {
      if (this.state === 'head') at = this.readHead(bytes, at, length);
      else at = this.readBody(bytes, at, length);
    }
    if (this.whole) {
      // What follows an answer answers nobody: a backend that says more is not believed again.
      if (at < length) this.keepsAlive = false;
      return this.complete();
    }
    if (at < 0 || this.exchange === undefined) return;
    if (!this.exchange.flushResponse() && !this.slow) {
      this.slow = true;
      this.stream.pause();
    }
  }

  /** Returns where it stopped; -1: nothing more is to be read. */
  private readHead(bytes: Uint8Array, at: number, length: number): number {
    const { responseHead } = this.context;
    const after = responseHead.read(bytes, at, length);
    if (after === 0) {
      if (!this.partial.keep(bytes, at, length)) this.fail('malformed');
      return -1;
    }
    if (after < 0) return this.fail('malformed');
    this.status = responseHead.status;
    if (this.status === 101) return this.upgrade(bytes, after, length);
    if (this.status < 200) {
      this.hasBody = false;
      this.exchange?.onInformational(this);
      return after;
    }
    this.begin(responseHead);
    this.exchange?.onResponse(this);
    if (this.exchange !== undefined && !this.hasBody) this.whole = true;
    return after;
  }

  private begin({ framing, keepsAlive }: ResponseHead): void {
    const { status, exchange } = this;
    this.contentLength = framing.contentLength;
    this.keepsAlive = keepsAlive;
    this.hasBody =
      exchange?.isHead !== true && status !== 204 && status !== 304 && framing.contentLength !== 0;
    if (!this.hasBody) return;
    this.state = 'body';
    if (framing.chunked) return this.body.begin('chunks', 0);
    if (framing.contentLength > 0) return this.body.begin('length', framing.contentLength);
    this.keepsAlive = false;
    this.body.begin('until close', 0);
  }

  private readBody(bytes: Uint8Array, at: number, length: number): number {
    const { body } = this;
    const after = body.read(bytes, at, length);
    if (after < 0) return this.fail('malformed');
    this.whole = body.whole;
    return after;
  }

  /** The answer is whole. */
  private complete(): void {
    const { exchange, hasBody, body } = this;
    const trailers = hasBody ? body.trailers : [];
    this.whole = false;
    this.exchange = undefined;
    this.state = 'resting';
    // Its answer may be whole while its request is not: then nobody knows where the next one would begin.
    const useful = exchange?.onEnd(trailers) === true;
    if (!useful || !this.keepsAlive || !this.reusable) return this.close();
    if (this.slow) this.resume();
    this.deadline = this.context.deadlines.in(restMs);
    this.pool.release(this);
  }

  private upgrade(bytes: Uint8Array, after: number, length: number): number {
    const { exchange } = this;
    if (exchange?.upgrades !== true) return this.fail('malformed');
    this.exchange = undefined;
    this.state = 'tunnel';
    this.other = exchange.onUpgraded(this, this);
    if (this.other === undefined) this.close();
    else if (after < length) this.onBytes(bytes.subarray(after, length), length - after);
    return -1;
  }

  private fail(kind: 'reset' | 'malformed'): -1 {
    const { exchange } = this;
    this.exchange = undefined;
    this.close();
    exchange?.failed(kind);
    return -1;
  }
}
