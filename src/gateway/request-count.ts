/** What happened to the requests of one ServicePort, endpoint by endpoint, as drivers count connections. */
import { endpointKey, type Endpoint, type EndpointCounters } from '../model/index.ts';

export interface RequestCounters {
  requests: number;
  open: number;
  failures: number;
}

/** Endpoints that are gone and idle are forgotten at the next change. */
export class RequestCount {
  private readonly counters = new Map<string, RequestCounters>();
  private readonly waiting = new Map<string, (() => void)[]>();

  /** What is counted of the endpoint of this key; good until the next `retain`, and while anything is open. */
  of(key: string): RequestCounters {
    let counters = this.counters.get(key);
    if (counters === undefined) this.counters.set(key, (counters = { ...untouched }));
    return counters;
  }

  /** A request of the endpoint of this key is over. */
  closed(key: string, counters: RequestCounters, failed: boolean): void {
    counters.open--;
    if (failed) counters.failures++;
    if (counters.open > 0 || this.waiting.size === 0) return;
    for (const wake of this.waiting.get(key) ?? []) wake();
    this.waiting.delete(key);
  }

  /** Resolves when the endpoint has no request. */
  async idle(endpoint: Endpoint): Promise<void> {
    const key = endpointKey(endpoint);
    if ((this.counters.get(key)?.open ?? 0) === 0) return;
    await new Promise<void>((resolve) => {
      this.waiting.set(key, [...(this.waiting.get(key) ?? []), resolve]);
    });
  }

  retain(endpoints: readonly Endpoint[]): void {
    const named = new Set(endpoints.map(endpointKey));
    for (const [key, { open }] of this.counters) {
      if (open === 0 && !named.has(key)) this.counters.delete(key);
    }
  }

  /** As a driver tells of connections: here each is a request. */
  observe(endpoints: readonly Endpoint[]): ReadonlyMap<string, EndpointCounters> {
    const keys = new Set([...endpoints.map(endpointKey), ...this.counters.keys()]);
    return new Map(
      [...keys].map((key) => {
        const { requests, open, failures } = this.counters.get(key) ?? untouched;
        const bytes = { bytesIn: undefined, bytesOut: undefined };
        return [key, { connections: requests, open, failures, ...bytes }];
      }),
    );
  }
}

const untouched: RequestCounters = { requests: 0, open: 0, failures: 0 };
