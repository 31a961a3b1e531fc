/**
 * A client's connection of HTTP/1.1: reads its requests, answers them in their order. One request is under way at
 * a time; what came after it waits, and its sender with it.
 */
import { hasHeadEnd, problems, type Problem } from '../codec/http1/index.ts';
import type { Stream, StreamHandlers } from '../sys/net/index.ts';
import { BodyReader } from './body-reader.ts';
import { answerOf, writeInformational, writeLastChunk, writeResponse } from './client-answers.ts';
import type { Context, ServedPort } from './context.ts';
import type { Limited } from './deadlines.ts';
import type { Exchange } from './exchange.ts';
import type { Forwarding } from './forwarded.ts';
import type { Http1ClientOptions } from './http1-client-options.ts';
import { Http1Request } from './http1-request.ts';
import type { ClientSide, FieldList, IncomingResponse, TunnelEnd } from './messages.ts';
import { PartialHead } from './partial-head.ts';

type State = 'head' | 'body' | 'answering' | 'leaving' | 'tunnel' | 'gone';

/** How long a client that was told to go is listened to: closing at once could lose it the answer (RFC 9112, 9.6). */
const leavingMs = 2_000;

/** Bodies written without a copy from here on. */
const directBytes = 16 * 1024;

export class Http1Client implements StreamHandlers, ClientSide, TunnelEnd, Limited {
  deadline: number;
  readonly stream: Stream;
  private readonly context: Context;
  private readonly port: ServedPort;
  private readonly forwarding: Forwarding;
  private readonly onGone: (client: Http1Client) => void;
  private readonly onHttp2: Http1ClientOptions['onHttp2'];
  private readonly partial: PartialHead;
  private state: State = 'head';
  private exchange: Exchange | undefined;
  private backend: TunnelEnd | undefined;
  private readonly body: BodyReader;
  private processing = false;
  private ended = false;
  /** The client takes what it is sent. */
  private room = true;
  /** The next request waits until the client has taken what it was answered. */
  private heldBack = false;
  private draining = false;
  /** Of the request under way. */
  private keepsAlive = true;
  private minor = 1;
  private isHead = false;
  private chunkedAnswer = false;
  private served = 0;
  private request: Http1Request | undefined;

  constructor(context: Context, options: Http1ClientOptions) {
    this.context = context;
    this.port = options.port;
    this.forwarding = options.forwarding;
    this.onGone = options.onGone;
    this.onHttp2 = options.onHttp2;
    this.partial = new PartialHead(options.port.bounds.maxHeadBytes);
    this.deadline = context.deadlines.in(options.port.bounds.headTimeoutMs);
    this.stream = options.open(this);
    context.deadlines.add(this);
    this.body = new BodyReader(context.trailers, (bytes, start, end) =>
      this.exchange?.requestBody(bytes, start, end),
    );
  }

  /**
   * Ends the connection with the answer to the request under way, or to the next, whose first bytes may be on their way:
   * a connection is closed at once only where nobody has said a word for so long.
   */
  drain(patienceMs: number): void {
    this.draining = true;
    if (this.state !== 'head' || this.partial.length > 0) return;
    if (patienceMs === 0) this.stream.destroy('close');
    else this.deadline = Math.min(this.deadline, this.context.deadlines.in(patienceMs));
  }

  destroy(): void {
    this.stream.destroy('reset');
  }

  onBytes(bytes: Uint8Array, length: number): void {
    if (this.state === 'leaving') return;
    if (this.state === 'tunnel') {
      if (this.backend?.send(bytes, length) === false) this.stream.pause();
      return;
    }
    const before = this.partial.length;
    const held = this.partial.join(bytes, length);
    if (held === undefined) return this.process(bytes, length);
    // A head that comes in crumbs is read when it may be whole, not with every crumb.
    if (this.state === 'head' && !hasHeadEnd(held, before - 3))
      return this.keep(held, 0, held.length);
    this.process(held, held.length);
  }

  onEnd(): void {
    this.ended = true;
    if (this.state === 'tunnel') return this.backend?.finish();
    if (this.heldBack) return;
    // A client that sent its request whole may end its direction and wait for the answer.
    if (this.state !== 'answering') this.stream.destroy('close');
  }

  onDrain(): void {
    this.room = true;
    if (this.state === 'tunnel') this.backend?.resume();
    else if (this.heldBack) this.goOn();
    else this.exchange?.clientDrained();
  }

  onClosed(): void {
    const { exchange, state } = this;
    this.state = 'gone';
    this.exchange = undefined;
    this.context.deadlines.remove(this);
    exchange?.clientGone();
    if (state === 'tunnel') this.backend?.destroy();
    this.onGone(this);
  }

  onDeadline(): void {
    this.deadline = Infinity;
    const waits = this.state === 'head' && this.partial.length === 0;
    if (this.heldBack) return this.stream.destroy('reset');
    if (waits || this.state === 'leaving') return this.stream.destroy('close');
    if (this.state === 'gone' || this.state === 'answering') return;
    if (this.giveUpRequest()) this.reject(408, 'the request did not come whole in time');
  }

  informational(response: IncomingResponse): void {
    if (this.minor === 1) writeInformational(this.context.wire, response);
  }

  respond(response: IncomingResponse, added: readonly (readonly [string, string])[]): void {
    // Whoever is still sending would have to be read to the end before the next request could be found.
    if (this.state !== 'answering' || this.draining || this.ended) this.keepsAlive = false;
    const { minor, isHead } = this;
    const written = writeResponse(this.context.wire, response, {
      added,
      minor,
      isHead,
      keepsAlive: this.keepsAlive,
    });
    this.chunkedAnswer = written.chunked;
    this.keepsAlive = written.keepsAlive;
  }

  responseBody(bytes: Uint8Array, start: number, end: number): void {
    const { wire } = this.context;
    if (this.chunkedAnswer) {
      if (end > start) wire.chunk(bytes, start, end);
    } else if (end - start >= directBytes && wire.length <= start) {
      // Where the backend's head was, ours goes: one write for both, and the body is nowhere copied.
      const from = start - wire.length;
      bytes.set(wire.bytes.subarray(0, wire.length), from);
      wire.clear();
      this.room = this.stream.write(bytes.subarray(from, end));
    } else wire.raw(bytes, start, end);
  }

  responseEnd(trailers: FieldList): void {
    if (this.chunkedAnswer) writeLastChunk(this.context.wire, trailers);
    this.flushResponse();
    this.exchange = undefined;
    this.chunkedAnswer = false;
    if (this.keepsAlive) this.next();
    else this.leave();
  }

  flushResponse(): boolean {
    const { wire } = this.context;
    if (wire.length > 0) {
      this.room = this.stream.write(wire.bytes, wire.length);
      wire.clear();
    }
    return this.room;
  }

  refuse(status: number, reason: string): void {
    this.exchange = undefined;
    const whole = this.state === 'answering';
    if (!whole || this.draining || this.ended) this.keepsAlive = false;
    this.answer(status, reason);
    if (this.keepsAlive) this.next();
    else this.leave();
  }

  abortResponse(): void {
    this.exchange = undefined;
    // What is missing cannot be told from what was meant to end here, but by a connection that breaks.
    this.stream.destroy('reset');
  }

  pauseRequest(): void {
    this.stream.pause();
  }

  resumeRequest(): void {
    if (this.state !== 'answering') this.stream.resume();
  }

  tunnel(backend: TunnelEnd, response: IncomingResponse): TunnelEnd {
    this.exchange = undefined;
    this.backend = backend;
    this.state = 'tunnel';
    this.deadline = Infinity;
    writeInformational(this.context.wire, response);
    this.flushResponse();
    const early = this.partial.take();
    if (early !== undefined) backend.send(early, early.length);
    this.stream.resume();
    return this;
  }

  send(bytes: Uint8Array, length: number): boolean {
    return this.stream.write(bytes, length);
  }

  finish(): void {
    this.stream.end();
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  private process(bytes: Uint8Array, length: number): void {
    this.processing = true;
    let at = 0;
    while (at >= 0 && at < length) {
      if (this.state === 'head' && !this.room) {
        this.holdBack();
        this.keep(bytes, at, length);
        at = -1;
      } else if (this.state === 'head') at = this.readHead(bytes, at, length);
      else if (this.state === 'answering') {
        this.keep(bytes, at, length);
        this.stream.pause();
        at = -1;
      } else at = this.state === 'body' ? this.readBody(bytes, at, length) : -1;
    }
    this.processing = false;
    if (this.exchange !== undefined && this.exchange.flushRequest() === false) {
      if (this.state !== 'answering') this.stream.pause();
    }
  }

  /** Returns where it stopped; -1: nothing more is to be read now. */
  private readHead(bytes: Uint8Array, at: number, length: number): number {
    const { requestHead, exchanges, deadlines } = this.context;
    const { bounds } = this.port;
    const after = requestHead.read(bytes, at, length);
    if (after === 0) {
      if (at > 0 || this.deadline === Infinity) this.deadline = deadlines.in(bounds.headTimeoutMs);
      this.keep(bytes, at, length);
      return -1;
    }
    if (after < 0) {
      if (requestHead.method === 'PRI' && this.served === 0 && this.onHttp2 !== undefined) {
        return this.becomeHttp2(bytes.subarray(at, length));
      }
      return this.rejectProblem(requestHead.problem ?? 'request line');
    }
    this.served++;
    if (after - at > bounds.maxHeadBytes) return this.rejectProblem('head too large');
    const { framing } = requestHead;
    if (framing.contentLength > bounds.maxBodyBytes) return this.rejectProblem('body too large');
    this.minor = requestHead.minor;
    this.keepsAlive = requestHead.keepsAlive;
    this.isHead = requestHead.method === 'HEAD';
    this.deadline = Infinity;
    this.state = 'answering';
    if (framing.chunked || framing.contentLength > 0) {
      this.state = 'body';
      this.body.begin(framing.chunked ? 'chunks' : 'length', framing.contentLength);
      this.deadline = deadlines.in(bounds.bodyTimeoutMs);
    }
    this.exchange = exchanges.take();
    this.request ??= new Http1Request(requestHead, this.forwarding);
    this.exchange.begin(this, this.request.begin(this.forwarding), this.port);
    return after;
  }

  private readBody(bytes: Uint8Array, at: number, length: number): number {
    const { body } = this;
    const { bounds } = this.port;
    if (this.exchange === undefined) return -1;
    this.deadline = this.context.deadlines.in(bounds.bodyTimeoutMs);
    const after = body.read(bytes, at, length);
    if (body.seen > bounds.maxBodyBytes) return this.rejectBody('body too large');
    if (after < 0) return this.rejectBody(body.problem ?? 'chunk size');
    if (body.whole) this.requestWhole(body.trailers);
    return after;
  }

  private requestWhole(trailers: FieldList): void {
    this.state = 'answering';
    this.deadline = Infinity;
    this.exchange?.finishRequest(trailers);
  }

  private keep(bytes: Uint8Array, start: number, end: number): void {
    // What waits behind a request is what was read at once, as nothing more is read then; a head has its own bound.
    if (this.state !== 'head' || this.heldBack) this.partial.keepAll(bytes, start, end);
    else if (!this.partial.keep(bytes, start, end)) this.rejectProblem('head too large');
  }

  /** Whoever asks on and on without reading would have us keep all the answers. */
  private holdBack(): void {
    this.heldBack = true;
    this.deadline = this.context.deadlines.in(this.port.bounds.idleTimeoutMs);
    this.stream.pause();
  }

  private goOn(): void {
    this.heldBack = false;
    if (this.ended && this.partial.length === 0) return this.leave();
    if (this.partial.length === 0) this.stream.resume();
    this.next();
  }

  /** The next request, if it has begun already. */
  private next(): void {
    const { bounds } = this.port;
    this.state = 'head';
    if (this.processing) return;
    if (!this.room) return this.holdBack();
    const hasBegun = this.partial.length > 0;
    this.deadline = this.context.deadlines.in(bounds[hasBegun ? 'headTimeoutMs' : 'idleTimeoutMs']);
    if (!hasBegun) return;
    // Not from within the answer to the one before, whose connection is free only after it.
    queueMicrotask(() => {
      if (this.state !== 'head') return;
      // More may come from within: it is put behind what is held, and read with it.
      this.stream.resume();
      const held = this.state === 'head' && !this.heldBack ? this.partial.take() : undefined;
      if (held !== undefined) this.process(held, held.length);
    });
  }

  private becomeHttp2(early: Uint8Array): -1 {
    this.state = 'gone';
    this.context.deadlines.remove(this);
    this.onHttp2?.(this.stream, early, this.forwarding);
    this.onGone(this);
    return -1;
  }

  private rejectProblem(problem: Problem): -1 {
    const status = problems[problem] === 502 ? 400 : problems[problem];
    return this.reject(status, `the request cannot be read: ${problem}`);
  }

  /** The body is wrong: the backend must not take what came of it for the whole. */
  private rejectBody(problem: Problem): -1 {
    return this.giveUpRequest() ? this.rejectProblem(problem) : -1;
  }

  /** Tells the backend that nothing more comes. False: an answer has begun, so none of ours can be given. */
  private giveUpRequest(): boolean {
    const { exchange } = this;
    this.exchange = undefined;
    const answered = exchange?.answered === true;
    exchange?.clientGone();
    if (answered) this.stream.destroy('reset');
    return !answered;
  }

  private reject(status: number, reason: string): -1 {
    this.port.count.refused(status);
    this.keepsAlive = false;
    this.minor = 1;
    this.answer(status, reason);
    this.leave();
    return -1;
  }

  private answer(status: number, reason: string): void {
    const { isHead, keepsAlive } = this;
    answerOf(this.context.wire, { status, reason, isHead, keepsAlive });
    this.flushResponse();
  }

  /** Ends our direction and listens for a moment, to nothing. */
  private leave(): void {
    this.state = 'leaving';
    this.partial.take();
    if (this.ended) return this.stream.destroy('close');
    this.stream.end();
    this.stream.resume();
    this.deadline = this.context.deadlines.in(leavingMs);
  }
}
