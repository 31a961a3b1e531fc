/** The HTTP/2 connections to one endpoint: few, each with many requests. */
import { connectHttp2, type Http2Link } from '../sys/http2/index.ts';
import type { PoolOf } from './endpoint-pool.ts';
import type { Exchange } from './exchange.ts';
import { Http2Backend } from './http2-backend.ts';
import type { RoutedEndpoint } from './router.ts';

export class Http2Pool implements PoolOf {
  open = 0;
  private readonly endpoint: RoutedEndpoint;
  private readonly maxWaiting: number;
  private readonly links: Http2Link[] = [];
  private readonly waiting: Exchange[] = [];
  private connecting = false;
  private retired = false;

  constructor(endpoint: RoutedEndpoint, maxWaiting: number) {
    this.endpoint = endpoint;
    this.maxWaiting = maxWaiting;
  }

  serves({ protocol }: RoutedEndpoint): boolean {
    return protocol === 'h2c';
  }

  get isEmpty(): boolean {
    return this.open === 0 && this.waiting.length === 0;
  }

  acquire(exchange: Exchange, timeoutMs: number): void {
    const link = this.links.find((each) => !each.closing && each.streams < each.maxStreams);
    if (link !== undefined) return this.begin(link, exchange);
    if (this.waiting.length >= this.maxWaiting) return exchange.connectFailed('connect');
    this.waiting.push(exchange);
    if (!this.connecting) void this.connect(timeoutMs);
  }

  leave(exchange: Exchange): void {
    const at = this.waiting.indexOf(exchange);
    if (at >= 0) this.waiting.splice(at, 1);
  }

  retire(): void {
    this.retired = true;
    for (const link of this.links) link.close();
  }

  private begin(link: Http2Link, exchange: Exchange): void {
    void new Http2Backend(link, exchange);
  }

  /** Never rejects. */
  private async connect(timeoutMs: number): Promise<void> {
    this.connecting = true;
    this.open++;
    try {
      const link: Http2Link = await connectHttp2(this.endpoint, {
        timeoutMs,
        onClosed: () => this.closed(link),
      });
      this.connecting = false;
      this.links.push(link);
      if (this.retired) link.close();
      this.serve(link, timeoutMs);
    } catch {
      this.connecting = false;
      this.open--;
      for (const exchange of this.waiting.splice(0)) exchange.connectFailed('connect');
    }
  }

  private serve(link: Http2Link, timeoutMs: number): void {
    while (link.streams < link.maxStreams && !link.closing) {
      const exchange = this.waiting.shift();
      if (exchange === undefined) return;
      this.begin(link, exchange);
    }
    if (this.waiting.length > 0) void this.connect(timeoutMs);
  }

  private closed(link: Http2Link): void {
    this.open--;
    const at = this.links.indexOf(link);
    if (at >= 0) this.links.splice(at, 1);
  }
}
