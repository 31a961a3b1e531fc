/**
 * One request to the cluster's API: proves who asks, waits when it is told to, ends what makes no progress, and
 * turns every way of failing into an ApiError.
 */
import { ApiError, type ApiErrorOptions } from '../kube/index.ts';
import { messageOf, type Clock, type Random } from '../model/index.ts';
import {
  createHttpClient,
  HttpError,
  type HttpClient,
  type HttpReply,
  type UpgradeReply,
} from '../sys/http/index.ts';
import type { ClusterAccess, Credentials, Proxy } from './access.ts';
import { ClusterError } from './errors.ts';
import { refusalOf } from './refusal.ts';
import { createTimeLimit, type TimeLimit } from './time-limit.ts';

export interface TransportOptions {
  readonly access: ClusterAccess;
  readonly clock: Clock;
  readonly random: Random;
  /** Who asks, for the server's logs: `switchyard/1.2.3`. */
  readonly userAgent: string;
}

export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the server: `/api/v1/services?limit=500`. */
  readonly path: string;
  readonly accept?: string | undefined;
  readonly contentType?: string | undefined;
  readonly body?: unknown;
  /** Beyond those of every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How long nothing may come. */
  readonly idleMs: number;
  readonly signal: AbortSignal;
}

/** Whether the server answers. */
export interface Contact {
  /** Since when it does not, by the clock; undefined while it does, and before the first request. */
  readonly awaySinceMs: number | undefined;
  /** Why not. */
  readonly problem: string | undefined;
}

/** What came of a call; its pieces are to be read to their end, or left. */
export interface ApiReply {
  readonly pieces: AsyncIterable<Buffer>;
}

export type Upgraded = Extract<UpgradeReply, { readonly kind: 'upgraded' }>;

/** An answer that refuses is read so far. */
const maxRefusalBytes = 1 << 20;
/** A server that asks to be asked later is asked so often. */
const maxTries = 4;
const maxWaitMs = 30_000;
/** How long a server may take to begin its answer: what takes longer is gone. */
const headMs = 30_000;

export class Transport {
  private readonly options: TransportOptions;
  private client: HttpClient | undefined;
  private clientFor = '';
  private proxy: Proxy | undefined;
  private away: Contact = { awaySinceMs: undefined, problem: undefined };

  constructor(options: TransportOptions) {
    this.options = options;
  }

  get server(): string {
    return this.options.access.server;
  }

  /** Rejects with ApiError: the server's refusals, and ServiceUnavailable when it cannot be asked. */
  async call(call: ApiCall): Promise<ApiReply> {
    return await this.repeated(call, () => this.once(call));
  }

  /** A connection that speaks another protocol from here on. Rejects as `call`. */
  async upgrade(call: ApiCall): Promise<Upgraded> {
    return await this.repeated(call, () => this.upgradeOnce(call));
  }

  private async repeated<T>(call: ApiCall, once: () => Promise<T>): Promise<T> {
    let renewed = false;
    for (let tries = 1; ; tries++) {
      try {
        return await once();
      } catch (thrown) {
        if (!(thrown instanceof ApiError) || call.signal.aborted) throw thrown;
        if (thrown.code === 'Unauthorized' && !renewed) {
          renewed = true;
          await this.renew();
          continue;
        }
        const seconds = thrown.subject?.retryAfterSeconds;
        if (seconds === undefined || tries === maxTries || call.method !== 'GET') throw thrown;
        await this.wait(seconds, call.signal);
        if (call.signal.aborted) throw thrown;
      }
    }
  }

  contact(): Contact {
    return this.away;
  }

  close(): void {
    this.client?.close();
    this.client = undefined;
  }

  private async once(call: ApiCall): Promise<ApiReply> {
    const limit = createTimeLimit(this.options.clock, headMs, call.signal);
    try {
      const reply = await this.send(call, limit.signal, (client, wanted) => client.send(wanted));
      if (reply.status >= 200 && reply.status < 300) {
        limit.allow(call.idleMs);
        this.away = { awaySinceMs: undefined, problem: undefined };
        return { pieces: this.pieces(reply, limit) };
      }
      throw await this.refusal(call, reply);
    } catch (thrown) {
      limit.end();
      const explained = this.explained(thrown, limit);
      if (!call.signal.aborted && isAway(explained)) {
        const { awaySinceMs = this.options.clock.now() } = this.away;
        this.away = { awaySinceMs, problem: messageOf(explained) };
      }
      throw explained;
    }
  }

  private async upgradeOnce(call: ApiCall): Promise<Upgraded> {
    const limit = createTimeLimit(this.options.clock, headMs, call.signal);
    try {
      const reply = await this.send(call, limit.signal, (client, wanted) => client.upgrade(wanted));
      if (reply.kind === 'upgraded') return reply;
      throw await this.refusal(call, reply.reply);
    } catch (thrown) {
      throw this.explained(thrown, limit);
    } finally {
      limit.end();
    }
  }

  private async send<T>(
    call: ApiCall,
    signal: AbortSignal,
    by: (client: HttpClient, wanted: Parameters<HttpClient['send']>[0]) => Promise<T>,
  ): Promise<T> {
    const { access, userAgent } = this.options;
    const credentials = await access.credentials();
    const { method, path, accept = 'application/json', body } = call;
    return await by(this.clientOf(credentials), {
      method,
      // The server's own path comes before the API's.
      url: new URL(`${access.server.replace(/\/$/, '')}${path}`),
      headers: {
        ...credentials.headers,
        accept,
        'user-agent': userAgent,
        ...call.headers,
        ...(body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    });
  }

  /** Connections are made anew when what they were made with has changed. */
  private clientOf({ tls, proxy }: Credentials): HttpClient {
    const made = JSON.stringify(tls);
    if (
      this.client === undefined ||
      made !== this.clientFor ||
      proxy?.agent !== this.proxy?.agent
    ) {
      this.client = createHttpClient({ tls, agent: proxy?.agent });
      this.clientFor = made;
      this.proxy = proxy;
    }
    return this.client;
  }

  private async *pieces(reply: HttpReply, limit: TimeLimit): AsyncGenerator<Buffer, void> {
    try {
      for await (const piece of reply.chunks) {
        limit.progress();
        yield piece;
      }
    } catch (thrown) {
      throw this.explained(thrown, limit);
    } finally {
      limit.end();
    }
  }

  private async refusal({ method, path }: ApiCall, reply: HttpReply): Promise<ApiError> {
    const pieces: Buffer[] = [];
    let size = 0;
    for await (const piece of reply.chunks) {
      size += piece.length;
      if (size > maxRefusalBytes) break;
      pieces.push(piece);
    }
    return refusalOf(jsonIn(Buffer.concat(pieces).toString('utf8')), {
      what: `${method} ${path.split('?')[0]}`,
      code: reply.status,
      retryAfterSeconds: secondsIn(reply.header('retry-after')),
    });
  }

  private explained(thrown: unknown, limit: TimeLimit): unknown {
    const { server } = this;
    if (limit.isOver) {
      return unavailable(`Cannot ask ${server}: nothing came in time`, { cause: thrown });
    }
    if (thrown instanceof ClusterError || thrown instanceof HttpError) {
      const { remedy } = thrown;
      const through =
        thrown instanceof HttpError && this.proxy ? `, through the proxy ${this.proxy.at}` : '';
      return unavailable(`${messageOf(thrown)}${through}`, { cause: thrown, remedy });
    }
    return thrown;
  }

  private async renew(): Promise<void> {
    try {
      await this.options.access.renew();
    } catch (cause) {
      throw unavailable(messageOf(cause), { cause });
    }
  }

  private async wait(seconds: number, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.options;
    // Those who were sent away together do not come back together.
    const ms = Math.min(maxWaitMs, seconds * 1_000) * (1 + random() / 4);
    await clock.sleep(ms, signal);
  }
}

/** The server is not there, or cannot serve us; a refusal of one request says nothing of the others. */
function isAway(thrown: unknown): boolean {
  return thrown instanceof ApiError && awayReasons.includes(thrown.code);
}

const awayReasons: readonly string[] = [
  'ServiceUnavailable',
  'InternalError',
  'Timeout',
  'Unauthorized',
  'Forbidden',
];

function unavailable(message: string, options: ApiErrorOptions): ApiError {
  return new ApiError('ServiceUnavailable', message, options);
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Seconds; the other form, a date, is not sent by API servers. */
function secondsIn(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) : undefined;
}
