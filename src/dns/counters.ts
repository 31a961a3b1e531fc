/** What the server counts: read at any time, plain numbers. */
import { formatRcode, formatType } from '../codec/dns/index.ts';

/** Named after CoreDNS' metrics where they mean the same. */
export interface DnsCounts {
  readonly requestsTotal: Readonly<Record<string, number>>;
  readonly requestTypesTotal: Readonly<Record<string, number>>;
  readonly responsesTotal: Readonly<Record<string, number>>;
  readonly cacheHitsTotal: number;
  readonly cacheMissesTotal: number;
  readonly cacheServedStaleTotal: number;
  readonly forwardRequestsTotal: number;
  readonly forwardFailuresTotal: number;
  readonly forwardRefusedTotal: number;
}

/** Upper ends of the buckets of answer times, in seconds; CoreDNS' own. */
export const durationBounds: readonly number[] = Array.from(
  { length: 16 },
  (_, i) => 0.000_25 * 2 ** i,
);

/** Types beyond these are counted as `other`: a client cannot make the table grow. */
const countedTypes = new Set([1, 2, 5, 6, 12, 15, 16, 28, 33, 64, 65, 255]);

const otherType = 256;

export class DnsCounters {
  total = 0;
  cacheHits = 0;
  cacheMisses = 0;
  cacheServedStale = 0;
  forwards = 0;
  forwardFailures = 0;
  forwardRefused = 0;
  durationSumMs = 0;
  /** How many answers took at most so long, and in the last place all that took longer. */
  readonly durations = new Float64Array(durationBounds.length + 1);
  /** By type number; 0 is malformed, `otherType` every type that is not counted by itself. */
  private readonly types = {
    udp: new Float64Array(otherType + 1),
    tcp: new Float64Array(otherType + 1),
  };
  private readonly rcodes = new Float64Array(4_096);

  request(transport: 'udp' | 'tcp', type: number | 'malformed'): void {
    this.total++;
    const counted = type === 'malformed' ? 0 : countedTypes.has(type) ? type : otherType;
    const types = this.types[transport];
    types[counted] = (types[counted] ?? 0) + 1;
  }

  response(rcode: number): void {
    this.rcodes[rcode] = (this.rcodes[rcode] ?? 0) + 1;
  }

  /** From a query's arrival to its answer. */
  took(ms: number): void {
    this.durationSumMs += ms;
    const seconds = ms / 1_000;
    let bucket = 0;
    while (bucket < durationBounds.length && seconds > (durationBounds[bucket] ?? 0)) bucket++;
    this.durations[bucket] = (this.durations[bucket] ?? 0) + 1;
  }

  /** Requests by type, of one transport. */
  requestsOver(transport: 'udp' | 'tcp'): Readonly<Record<string, number>> {
    return named(this.types[transport], typeName);
  }

  read(): DnsCounts {
    const both = this.types.udp.map((count, i) => count + (this.types.tcp[i] ?? 0));
    return {
      requestsTotal: { udp: sum(this.types.udp), tcp: sum(this.types.tcp) },
      requestTypesTotal: named(both, typeName),
      responsesTotal: named(this.rcodes, formatRcode),
      cacheHitsTotal: this.cacheHits,
      cacheMissesTotal: this.cacheMisses,
      cacheServedStaleTotal: this.cacheServedStale,
      forwardRequestsTotal: this.forwards,
      forwardFailuresTotal: this.forwardFailures,
      forwardRefusedTotal: this.forwardRefused,
    };
  }
}

function sum(counts: Float64Array): number {
  return counts.reduce((total, count) => total + count, 0);
}

function named(counts: Float64Array, name: (index: number) => string): Record<string, number> {
  return Object.fromEntries([...counts].flatMap((n, i) => (n === 0 ? [] : [[name(i), n]])));
}

function typeName(type: number): string {
  if (type === 0) return 'malformed';
  return type === otherType ? 'other' : formatType(type);
}
