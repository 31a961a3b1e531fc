/** The connections to one endpoint: those that rest until a request needs one, and who waits for one. */
import { encodeProxyHeader } from '../codec/index.ts';
import type { Connection } from '../sys/net/index.ts';
import type { Context } from './context.ts';
import type { Exchange } from './exchange.ts';
import { Http1Backend } from './http1-backend.ts';
import { Http2Pool } from './http2-pool.ts';
import type { RoutedEndpoint } from './router.ts';

export interface PoolBounds {
  readonly maxConnections: number;
  readonly maxWaiting: number;
}

/** Connections to one endpoint, whatever they speak. */
export interface PoolOf {
  /** Connections that are open or on their way. */
  readonly open: number;
  readonly isEmpty: boolean;
  serves(endpoint: RoutedEndpoint): boolean;
  /** Attaches a connection to the exchange, now or later, or tells it why not. */
  acquire(exchange: Exchange, timeoutMs: number): void;
  /** The exchange waits no longer. */
  leave(exchange: Exchange): void;
  /** Closes what rests; what is in use closes when it is done. */
  retire(): void;
}

export class EndpointPools {
  private readonly pools = new Map<string, PoolOf>();
  private readonly context: () => Context;
  private readonly bounds: PoolBounds;

  constructor(context: () => Context, bounds: PoolBounds) {
    this.context = context;
    this.bounds = bounds;
  }

  of(endpoint: RoutedEndpoint): PoolOf {
    let pool = this.pools.get(endpoint.key);
    if (pool !== undefined && pool.serves(endpoint)) return pool;
    pool?.retire();
    this.tidy();
    pool =
      endpoint.protocol === 'h2c'
        ? new Http2Pool(endpoint, this.bounds.maxWaiting)
        : new EndpointPool(this.context(), endpoint, this.bounds);
    this.pools.set(endpoint.key, pool);
    return pool;
  }

  /** Forgets endpoints that nobody uses any more: with each that is new, since they come with those that go. */
  private tidy(): void {
    for (const [key, pool] of this.pools) if (pool.isEmpty) this.pools.delete(key);
  }

  close(): void {
    for (const pool of this.pools.values()) pool.retire();
    this.pools.clear();
  }

  get connections(): number {
    let total = 0;
    for (const pool of this.pools.values()) total += pool.open;
    return total;
  }
}

export class EndpointPool implements PoolOf {
  /** Connections that are open or on their way. */
  open = 0;
  private readonly context: Context;
  private readonly endpoint: RoutedEndpoint;
  private readonly bounds: PoolBounds;
  /** The one used last is taken first: what rests longest is closed. */
  private readonly idle: Http1Backend[] = [];
  private readonly waiting: Exchange[] = [];
  private connecting = 0;
  private retired = false;

  constructor(context: Context, endpoint: RoutedEndpoint, bounds: PoolBounds) {
    this.context = context;
    this.endpoint = endpoint;
    this.bounds = bounds;
  }

  serves({ protocol, proxyProtocol }: RoutedEndpoint): boolean {
    return protocol === this.endpoint.protocol && proxyProtocol === this.endpoint.proxyProtocol;
  }

  get isEmpty(): boolean {
    return this.open === 0 && this.waiting.length === 0;
  }

  /** Attaches a connection to the exchange, now or later, or tells it why not. */
  acquire(exchange: Exchange, timeoutMs: number): void {
    const resting = this.takeResting(exchange);
    if (resting !== undefined) return resting.serve(exchange, true);
    if (this.endpoint.proxyProtocol !== 'none') return void this.connectFor(exchange, timeoutMs);
    if (this.waiting.length >= this.bounds.maxWaiting) return exchange.connectFailed('connect');
    this.waiting.push(exchange);
    this.connectIfNeeded(timeoutMs);
  }

  /** What may not be said twice goes only where somebody listens, which is asked of the system first. */
  private takeResting(exchange: Exchange): Http1Backend | undefined {
    let resting = this.idle.pop();
    while (resting !== undefined && !exchange.isIdempotent && !resting.isQuiet()) {
      resting.close();
      resting = this.idle.pop();
    }
    return resting;
  }

  /** The exchange waits no longer. */
  leave(exchange: Exchange): void {
    const at = this.waiting.indexOf(exchange);
    if (at >= 0) this.waiting.splice(at, 1);
  }

  /** A connection is free. */
  release(backend: Http1Backend): void {
    const next = this.waiting.shift();
    if (next !== undefined) return backend.serve(next, true);
    if (this.retired) backend.close();
    else this.idle.push(backend);
  }

  /** A connection is gone; `resting`: it was free. */
  closed(backend: Http1Backend, resting: boolean): void {
    this.open--;
    if (resting) {
      const at = this.idle.lastIndexOf(backend);
      if (at >= 0) this.idle.splice(at, 1);
    }
    this.connectIfNeeded(connectAgainMs);
  }

  /** Closes what rests; what is in use closes when it is done. */
  retire(): void {
    this.retired = true;
    for (const backend of this.idle.splice(0)) backend.close();
  }

  private connectIfNeeded(timeoutMs: number): void {
    const enough = this.connecting >= this.waiting.length;
    if (!enough && this.open < this.bounds.maxConnections) void this.connect(timeoutMs);
  }

  /** Never rejects. */
  private async connect(timeoutMs: number): Promise<void> {
    this.connecting++;
    const connection = await this.openConnection(timeoutMs);
    this.connecting--;
    if (connection === undefined) {
      this.open--;
      return this.waiting.shift()?.connectFailed('connect');
    }
    const backend = new Http1Backend(this.context, { pool: this, connection, reusable: true });
    const next = this.waiting.shift();
    if (next === undefined) this.release(backend);
    else backend.serve(next, false);
  }

  /** A connection that speaks for one client is of no use to another. */
  private async connectFor(exchange: Exchange, timeoutMs: number): Promise<void> {
    const { proxyProtocol } = this.endpoint;
    this.waiting.push(exchange);
    const connection = await this.openConnection(timeoutMs);
    const waits = this.waiting.includes(exchange);
    this.leave(exchange);
    if (connection === undefined || !waits || proxyProtocol === 'none') {
      this.open--;
      connection?.destroy();
      if (waits) exchange.connectFailed('connect');
      return;
    }
    const backend = new Http1Backend(this.context, { pool: this, connection, reusable: false });
    const ends = { source: exchange.clientAddress, destination: exchange.clientLocal };
    backend.introduce(encodeProxyHeader(proxyProtocol, ends));
    backend.serve(exchange, false);
  }

  private async openConnection(timeoutMs: number): Promise<Connection | undefined> {
    this.open++;
    try {
      return await this.context.engine.connect(this.endpoint, { timeoutMs });
    } catch {
      return undefined; // Which endpoint failed is told by the exchange; the others are tried.
    }
  }
}

const connectAgainMs = 5_000;
