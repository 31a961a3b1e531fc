/** What happened to the requests of one ServicePort, endpoint by endpoint, as drivers count connections. */
import { endpointKey, type Clock, type Endpoint, type EndpointCounters } from '../model/index.ts';

export interface RequestCounters {
  readonly requests: number;
  readonly open: number;
  readonly failures: number;
  opened(): void;
  closed(failed: boolean): void;
}

export interface RequestCountOptions {
  readonly clock: Clock;
  /** Where several threads count; undefined: only this one does. */
  readonly shared?: SharedCount | undefined;
}

export interface SharedCount {
  /** What is counted of the endpoint of this key by all of them. */
  countersOf(key: string): RequestCounters;
  /** Whether all of them choose among the endpoints there are now. */
  readonly isKnown: boolean;
}

/** How often it is looked whether what other threads have open is done. */
const lookMs = 10;

/** Endpoints that are gone and idle are forgotten at the next change. */
export class RequestCount {
  private readonly options: RequestCountOptions;
  private readonly counters = new Map<string, RequestCounters>();
  private readonly waiting = new Map<string, (() => void)[]>();

  constructor(options: RequestCountOptions) {
    this.options = options;
  }

  /** What is counted of the endpoint of this key; good until the next `retain`, and while anything is open. */
  of(key: string): RequestCounters {
    let counters = this.counters.get(key);
    if (counters === undefined) {
      counters = this.options.shared?.countersOf(key) ?? new OwnCounters();
      this.counters.set(key, counters);
    }
    return counters;
  }

  /** A request of the endpoint of this key is over. */
  closed(key: string, counters: RequestCounters, failed: boolean): void {
    counters.closed(failed);
    if (counters.open > 0 || this.waiting.size === 0) return;
    for (const wake of this.waiting.get(key) ?? []) wake();
    this.waiting.delete(key);
  }

  /** Resolves when the endpoint has no request, or when `signal` aborts. */
  async idle(endpoint: Endpoint, signal: AbortSignal): Promise<void> {
    const key = endpointKey(endpoint);
    const { clock, shared } = this.options;
    const isIdle = (): boolean =>
      (this.counters.get(key)?.open ?? 0) === 0 && shared?.isKnown !== false;
    while (shared !== undefined && !isIdle() && !signal.aborted) await clock.sleep(lookMs, signal);
    if (isIdle() || signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.waiting.set(key, [...(this.waiting.get(key) ?? []), resolve]);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  retain(endpoints: readonly Endpoint[]): void {
    const named = new Set(endpoints.map(endpointKey));
    for (const [key, { open }] of this.counters) {
      if (open === 0 && !named.has(key)) this.counters.delete(key);
    }
    // Whom another thread chooses is to be seen here too.
    if (this.options.shared !== undefined) for (const key of named) this.of(key);
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

class OwnCounters implements RequestCounters {
  requests = 0;
  open = 0;
  failures = 0;

  opened(): void {
    this.requests++;
    this.open++;
  }

  closed(failed: boolean): void {
    this.open--;
    if (failed) this.failures++;
  }
}

const untouched = new OwnCounters();
