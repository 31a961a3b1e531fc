/** What kube-proxy says of its health, in its JSON and by its rules, for load balancers, kubelets and people. */
import type { Clock, IpFamily } from '../model/index.ts';

export interface ProxyHealthOptions {
  readonly clock: Clock;
  /** A change that waits for longer than twice this is trouble. */
  readonly syncMs: number;
  readonly families: readonly IpFamily[];
  readonly isNodeEligible: () => boolean;
  /** Since when the API is away; undefined while it answers. */
  readonly apiAwaySinceMs: () => number | undefined;
}

export interface HealthAnswer {
  readonly status: 200 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType: 'application/json';
  readonly body: string;
}

export class ProxyHealth {
  readonly counts = { healthz: new Map<number, number>(), livez: new Map<number, number>() };
  /** 0 before the first change. */
  lastQueuedMs = 0;
  private readonly options: ProxyHealthOptions;
  private updatedAt: number | undefined;
  private queuedAt: number | undefined;

  constructor(options: ProxyHealthOptions) {
    this.options = options;
  }

  /** A change waits; the oldest one counts. */
  queued(): void {
    this.lastQueuedMs = this.options.clock.now();
    this.queuedAt ??= this.lastQueuedMs;
  }

  /** Everything that waited is forwarded. */
  synced(): void {
    this.updatedAt = this.options.clock.now();
    this.queuedAt = undefined;
  }

  isHealthy(): boolean {
    const { clock, syncMs } = this.options;
    if (this.updatedAt === undefined) return false;
    return this.queuedAt === undefined || clock.now() - this.queuedAt < 2 * syncMs;
  }

  /** `livez` does not care for the node. */
  answer(page: 'healthz' | 'livez'): HealthAnswer {
    const { clock, families, isNodeEligible, apiAwaySinceMs } = this.options;
    const healthy = this.isHealthy();
    const nodeEligible = isNodeEligible();
    const lastUpdated = timeOf(this.updatedAt);
    const away = apiAwaySinceMs();
    const body = {
      lastUpdated,
      currentTime: timeOf(clock.now()),
      ...(page === 'healthz' ? { nodeEligible } : {}),
      healthy,
      status: Object.fromEntries(families.map((family) => [family, { lastUpdated, healthy }])),
      // Ours: kube-proxy says nothing of it. It forwards all the same, so it is healthy.
      ...(away === undefined ? {} : { apiAwaySince: timeOf(away) }),
    };
    const status = healthy && (page === 'livez' || nodeEligible) ? 200 : 503;
    this.counts[page].set(status, (this.counts[page].get(status) ?? 0) + 1);
    return {
      status,
      headers: noSniff,
      contentType: 'application/json',
      body: JSON.stringify(body),
    };
  }

  /** What a load balancer is told of a Service with externalTrafficPolicy Local. */
  serviceAnswer(
    service: { namespace: string; name: string },
    localEndpoints: number,
  ): HealthAnswer {
    const serviceProxyHealthy = this.isHealthy();
    return {
      status: localEndpoints > 0 && serviceProxyHealthy ? 200 : 503,
      headers: { ...noSniff, 'X-Load-Balancing-Endpoint-Weight': String(localEndpoints) },
      contentType: 'application/json',
      body: JSON.stringify({ service, localEndpoints, serviceProxyHealthy }),
    };
  }
}

const noSniff = { 'X-Content-Type-Options': 'nosniff' };

/** Go's zero time before the first. */
function timeOf(ms: number | undefined): string {
  return ms === undefined ? '0001-01-01T00:00:00Z' : new Date(ms).toISOString();
}
