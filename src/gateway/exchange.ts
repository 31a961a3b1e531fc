/**
 * One request and its answer: asks the router where to, gets a connection there, passes both bodies on, and tries
 * another endpoint when one fails before it answered. Speaks to both sides by the interfaces of messages.ts, so it
 * knows no version of HTTP. Objects are used again.
 */
import { ByteWriter } from '../codec/http1/index.ts';
import type { SocketAddress } from '../model/index.ts';
import type { Context, ServedPort } from './context.ts';
import type { PoolOf } from './endpoint-pool.ts';
import {
  idempotentMethods,
  type BackendSide,
  type ClientSide,
  type FieldList,
  type IncomingRequest,
  type IncomingResponse,
  type TunnelEnd,
} from './messages.ts';
import { retryRequest } from './retry-request.ts';
import type { FailureKind, Forwarded, Outcome } from './router.ts';
import type { Limited } from './deadlines.ts';

/** A body up to here is kept while it may be sent again. */
const replayBytes = 64 * 1024;

/** An endpoint that restarts leaves as many behind as rested there; they are noticed within moments. */
const maxStale = 64;

/** A head that was larger leaves no buffer of its size behind. */
const usualBytes = 4 * 1024;

export class Exchange implements Limited {
  deadline = Infinity;
  /** What goes to the backend, from the first byte for as long as it may be sent again. */
  out = new ByteWriter(usualBytes / 2);
  /** Of HTTP/2: the head; then `out` holds the body alone. */
  list: FieldList | undefined;
  method = '';
  scheme: 'http' | 'https' = 'http';
  clientAddress: SocketAddress = { address: '', port: 0 };
  clientLocal: SocketAddress = { address: '', port: 0 };
  upgrades = false;
  routed: Forwarded | undefined;
  /** The head of an answer has been passed on. */
  answered = false;
  requestDone = false;
  trailers: FieldList = [];
  private readonly context: Context;
  private port: ServedPort | undefined;
  private client: ClientSide | undefined;
  private backend: BackendSide | undefined;
  private waitingAt: PoolOf | undefined;
  private sent = 0;
  private replayable = false;
  private reused = false;
  private attempt = 0;
  /** Resting connections that turned out to be closed: they say nothing of an endpoint, and cost no retry. */
  private stale = 0;
  private readonly tried: string[] = [];
  private startedAt = 0;
  private status: number | undefined;
  private statusAt = 0;
  private logged = false;
  private path = '';
  private chunked = false;
  private corked = false;

  constructor(context: Context) {
    this.context = context;
  }

  get active(): boolean {
    return this.client !== undefined;
  }

  get isHead(): boolean {
    return this.method === 'HEAD';
  }

  /** It may be said twice. */
  get isIdempotent(): boolean {
    return idempotentMethods.has(this.method);
  }

  /** Takes a request; `refuse` may be called on the client before this returns. */
  begin(client: ClientSide, request: IncomingRequest, port: ServedPort): void {
    this.client = client;
    this.port = port;
    this.method = request.method;
    this.scheme = request.scheme;
    this.clientAddress = request.client;
    this.clientLocal = request.local;
    this.upgrades = request.upgrades;
    this.chunked = request.chunked;
    this.corked = true;
    this.attempt = 0;
    this.stale = 0;
    this.answered = false;
    this.status = undefined;
    this.requestDone = !request.hasBody;
    this.trailers = [];
    this.logged = this.context.accessLog.samples();
    if (this.logged) this.path = request.path;
    this.startedAt = this.context.clock.monotonic();
    const routed = port.router.route(request);
    if (routed.kind === 'refuse') return this.refuse(routed.status, routed.reason);
    this.routed = routed;
    this.replayable = routed.policy.retries > 0;
    if (routed.endpoint.protocol === 'h2c') {
      this.list = request.listHttp2();
      this.chunked = false;
    } else request.writeHttp1(this.out, routed.endpoint);
    this.acquire(routed);
  }

  /** Part of the request's body. */
  requestBody(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    if (this.chunked) this.out.chunk(bytes, start, end);
    else this.out.raw(bytes, start, end);
  }

  /** Sends what there is of the request. False: wait for `resumeRequest` before more. */
  flushRequest(): boolean {
    this.corked = false;
    return this.sendRequest();
  }

  private sendRequest(): boolean {
    const { backend, out } = this;
    // Head and body that came together go together.
    if (this.corked) return true;
    if (out.length > replayBytes) this.replayable = false;
    if (backend === undefined) return out.length <= replayBytes;
    let room = true;
    if (out.length > this.sent) {
      const unsent = this.sent === 0 ? out.bytes : out.bytes.subarray(this.sent);
      room = backend.send(unsent, out.length - this.sent);
      this.sent = out.length;
      if (!this.replayable) this.sent = out.length = 0;
    }
    // While the client still sends, how long it may take is for its own side to say.
    this.deadline = this.requestDone ? this.responseDeadline() : Infinity;
    if (this.requestDone) backend.finishRequest(this.trailers);
    return room;
  }

  /** The request is whole. */
  finishRequest(trailers: FieldList): void {
    this.requestDone = true;
    this.trailers = trailers;
    if (this.chunked) {
      this.out.text('0\r\n');
      for (let i = 0; i + 1 < trailers.length; i += 2) {
        this.out.field(trailers[i] ?? '', trailers[i + 1] ?? '');
      }
      this.out.text('\r\n');
    }
    this.sendRequest();
  }

  /** A connection is there. */
  attach(backend: BackendSide, reused: boolean): void {
    this.waitingAt = undefined;
    this.backend = backend;
    this.reused = reused;
    this.sent = 0;
    this.sendRequest();
    if (!this.requestDone) this.client?.resumeRequest();
  }

  /** No connection could be had. */
  connectFailed(kind: FailureKind): void {
    this.waitingAt = undefined;
    this.failed(kind);
  }

  onInformational(response: IncomingResponse): void {
    this.client?.informational(response);
    this.client?.flushResponse();
  }

  onResponse(response: IncomingResponse): void {
    const { routed } = this;
    if (routed === undefined) return;
    this.status = response.status;
    this.statusAt = this.context.clock.monotonic();
    if (routed.policy.retryOn.includes(response.status) && this.mayRetry()) {
      return this.failed('status');
    }
    this.answered = true;
    this.client?.respond(response, routed.addToResponse);
  }

  onBody(bytes: Uint8Array, start: number, end: number): void {
    this.client?.responseBody(bytes, start, end);
  }

  /** What came in one read is passed on. Returns false when the client is slow. */
  flushResponse(): boolean {
    if (this.client === undefined) return true;
    this.deadline = this.responseDeadline();
    return this.client.flushResponse();
  }

  /** The answer is whole. Returns whether the backend's connection is of further use. */
  onEnd(trailers: FieldList): boolean {
    const { client, requestDone } = this;
    if (client === undefined) return false;
    this.backend = undefined;
    this.finish(undefined);
    client.responseEnd(trailers);
    return requestDone;
  }

  /** The backend speaks another protocol from here on. */
  onUpgraded(response: IncomingResponse, backend: TunnelEnd): TunnelEnd | undefined {
    const { client } = this;
    this.status = response.status;
    this.statusAt = this.context.clock.monotonic();
    this.backend = undefined;
    this.finish(undefined);
    return client?.tunnel(backend, response);
  }

  /** The backend or the way to it failed. */
  failed(kind: FailureKind): void {
    const { client, backend } = this;
    if (client === undefined) return;
    this.backend = undefined;
    backend?.cancel();
    if (this.answered) {
      this.finish(kind);
      return client.abortResponse();
    }
    if (this.shouldRetry(kind)) return this.retry(kind);
    this.refuse(kind === 'timeout' ? 504 : kind === 'connect' ? 503 : 502, words[kind], kind);
  }

  /** The client went, or may wait no longer. */
  clientGone(): void {
    const { backend, waitingAt } = this;
    if (this.client === undefined) return;
    this.backend = undefined;
    this.waitingAt = undefined;
    waitingAt?.leave(this);
    this.finish('client-gone');
    backend?.cancel();
  }

  clientDrained(): void {
    this.backend?.resume();
  }

  backendDrained(): void {
    this.client?.resumeRequest();
  }

  onDeadline(): void {
    const { waitingAt } = this;
    if (waitingAt === undefined) return this.failed('timeout');
    waitingAt.leave(this);
    this.connectFailed('connect');
  }

  /** Ends without a backend: the client is told why. */
  private refuse(status: number, reason: string, failure?: FailureKind): void {
    const { client, port } = this;
    if (client === undefined) return;
    port?.count.refused(status);
    this.finish(failure, status);
    client.refuse(status, reason);
  }

  private acquire(routed: Forwarded): void {
    const pool = this.context.pools.of(routed.endpoint);
    this.waitingAt = pool;
    this.deadline = this.context.deadlines.in(routed.policy.connectTimeoutMs);
    pool.acquire(this, routed.policy.connectTimeoutMs);
  }

  private responseDeadline(): number {
    return this.context.deadlines.in(this.routed?.policy.responseTimeoutMs ?? Infinity);
  }

  private mayRetry(): boolean {
    const { routed } = this;
    return (
      routed !== undefined &&
      this.replayable &&
      this.requestDone &&
      this.attempt < routed.policy.retries &&
      this.isIdempotent
    );
  }

  private shouldRetry(kind: FailureKind): boolean {
    const { routed } = this;
    if (routed === undefined || !this.replayable) return false;
    // Nothing was sent to anybody: any request may be tried again, with what came of its body so far.
    if (kind === 'connect') return this.attempt < routed.policy.retries;
    if (kind === 'status') return this.mayRetry();
    if (kind === 'reset' && this.reused && this.isIdempotent) {
      // It closed an idle connection as the request was on its way, which says nothing of the request.
      return this.requestDone && this.stale < maxStale;
    }
    if (kind !== 'reset' && kind !== 'timeout') return false;
    return routed.policy.retryOn.includes(kind) && this.mayRetry();
  }

  private retry(kind: FailureKind): void {
    const { routed, port } = this;
    if (routed === undefined || port === undefined) return;
    const stale = kind === 'reset' && this.reused;
    if (stale) this.stale++;
    else {
      this.attempt++;
      this.tried.push(routed.endpoint.key);
    }
    this.report(stale ? 'stale' : kind);
    this.status = undefined;
    const request = retryRequest(this, { attempt: this.attempt, tried: this.tried });
    const next = port.router.route(request);
    this.routed = undefined;
    if (next.kind === 'refuse') return this.refuse(next.status, next.reason);
    this.routed = next;
    const framing = next.endpoint.protocol === 'h2c';
    if (framing !== (this.list !== undefined)) {
      return this.refuse(502, 'the next endpoint speaks another version of HTTP', kind);
    }
    this.acquire(next);
  }

  /** Tells whoever chose the endpoint what came of it. */
  private report(failure: FailureKind | undefined): void {
    const { routed, port } = this;
    if (routed === undefined) return;
    const { status } = this;
    const latencyMs = status === undefined ? 0 : this.statusAt - this.startedAt;
    const atMs = failure === undefined && status !== undefined ? this.statusAt : undefined;
    const outcome: Outcome = { status, latencyMs, atMs, failure };
    port?.count.ended(routed.endpoint.key, outcome);
    routed.ended(outcome);
  }

  private finish(failure: FailureKind | undefined, refused?: number): void {
    this.report(failure);
    if (this.logged) this.log(failure, refused);
    this.client = undefined;
    this.routed = undefined;
    this.list = undefined;
    this.deadline = Infinity;
    this.sent = 0;
    this.out.clear();
    if (this.out.bytes.length > usualBytes) this.out = new ByteWriter(usualBytes / 2);
    if (this.tried.length > 0) this.tried.length = 0;
    this.context.exchanges.giveBack(this);
  }

  private log(failure: FailureKind | undefined, refused: number | undefined): void {
    this.context.accessLog.write({
      port: this.port?.id ?? '',
      method: this.method,
      path: this.path,
      status: refused ?? this.status,
      endpoint: this.routed?.endpoint.key,
      failure,
      attempts: this.attempt + 1,
      tookMs: this.context.clock.monotonic() - this.startedAt,
    });
  }
}

const words: Readonly<Record<FailureKind, string>> = {
  connect: 'no endpoint could be reached',
  stale: 'the endpoint had closed the connection',
  reset: 'the endpoint closed the connection before it answered',
  timeout: 'the endpoint did not answer in time',
  malformed: 'the endpoint answered what is no HTTP',
  'client-gone': 'the client is gone',
  status: 'the endpoint failed',
};
