/** What the gateway counts, per ServicePort and endpoint: plain data that is read when somebody asks. */
import { ClientTally } from './client-tally.ts';
import type { FailureKind, Outcome } from './router.ts';

/** Upper ends of the latency buckets in milliseconds; what is above the last is in one more. */
export const latencyBucketsMs = [
  0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000,
] as const;

export interface EndpointRequests {
  readonly endpoint: string;
  /** Attempts that are over. */
  readonly requests: number;
  /** Answers by status. */
  readonly codes: Readonly<Record<number, number>>;
  readonly failures: Readonly<Partial<Record<FailureKind, number>>>;
  /** Answers no later than each of `latencyBucketsMs`, and one more for the rest; not cumulative. */
  readonly latency: readonly number[];
  readonly latencySumMs: number;
}

export interface PortRequests {
  readonly id: string;
  /** Client connections that are open. */
  readonly connections: number;
  /** Requests that were answered here, by status: refused, malformed. */
  readonly refused: Readonly<Record<number, number>>;
  readonly endpoints: readonly EndpointRequests[];
}

/** Endpoints that are counted at a time, for a port. */
const maxEndpoints = 4096;

class EndpointCount {
  requests = 0;
  latencySumMs = 0;
  readonly codes = new Map<number, number>();
  readonly failures = new Map<FailureKind, number>();
  readonly latency: number[] = Array.from({ length: latencyBucketsMs.length + 1 }, () => 0);

  take({ status, latencyMs, failure }: Outcome): void {
    this.requests++;
    if (failure !== undefined) this.failures.set(failure, (this.failures.get(failure) ?? 0) + 1);
    if (status === undefined) return;
    this.codes.set(status, (this.codes.get(status) ?? 0) + 1);
    this.latencySumMs += latencyMs;
    let bucket = 0;
    while (latencyMs > (latencyBucketsMs[bucket] ?? Infinity)) bucket++;
    this.latency[bucket] = (this.latency[bucket] ?? 0) + 1;
  }
}

export class PortCount {
  readonly clients: ClientTally;
  private readonly endpoints = new Map<string, EndpointCount>();
  private readonly refusals = new Map<number, number>();

  constructor(clients = new ClientTally()) {
    this.clients = clients;
  }

  ended(endpoint: string, outcome: Outcome): void {
    let count = this.endpoints.get(endpoint);
    if (count === undefined) {
      // Endpoints come and go for as long as a Service lives; those that came first are forgotten first.
      const [oldest] = this.endpoints.keys();
      if (this.endpoints.size >= maxEndpoints && oldest !== undefined)
        this.endpoints.delete(oldest);
      this.endpoints.set(endpoint, (count = new EndpointCount()));
    }
    count.take(outcome);
  }

  refused(status: number): void {
    this.refusals.set(status, (this.refusals.get(status) ?? 0) + 1);
  }

  view(id: string): PortRequests {
    return {
      id,
      connections: this.clients.own,
      refused: Object.fromEntries(this.refusals),
      endpoints: [...this.endpoints].map(([endpoint, count]) => ({
        endpoint,
        requests: count.requests,
        codes: Object.fromEntries(count.codes),
        failures: Object.fromEntries(count.failures),
        latency: [...count.latency],
        latencySumMs: count.latencySumMs,
      })),
    };
  }
}

/** What several threads counted, as one: by port or ServicePort, and by endpoint. */
export function sumCounts(counts: readonly PortRequests[]): readonly PortRequests[] {
  return sumBy(
    counts,
    ({ id }) => id,
    (one, other) => ({
      id: one.id,
      connections: one.connections + other.connections,
      refused: sumRecords(one.refused, other.refused),
      endpoints: sumBy(
        [...one.endpoints, ...other.endpoints],
        ({ endpoint }) => endpoint,
        sumEndpoints,
      ),
    }),
  );
}

function sumEndpoints(one: EndpointRequests, other: EndpointRequests): EndpointRequests {
  return {
    endpoint: one.endpoint,
    requests: one.requests + other.requests,
    codes: sumRecords(one.codes, other.codes),
    failures: sumRecords(one.failures, other.failures),
    latency: one.latency.map((each, i) => each + (other.latency[i] ?? 0)),
    latencySumMs: one.latencySumMs + other.latencySumMs,
  };
}

function sumBy<T>(
  all: readonly T[],
  keyOf: (one: T) => string,
  sum: (one: T, other: T) => T,
): readonly T[] {
  const sums = new Map<string, T>();
  for (const each of all) {
    const before = sums.get(keyOf(each));
    sums.set(keyOf(each), before === undefined ? each : sum(before, each));
  }
  return [...sums.values()];
}

function sumRecords(
  one: Readonly<Record<string, number>>,
  other: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const sums = { ...one };
  for (const [key, value] of Object.entries(other)) sums[key] = (sums[key] ?? 0) + value;
  return sums;
}
