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
  private readonly transports = { udp: 0, tcp: 0 };
  /** By type number; 0 is malformed, `otherType` every type that is not counted by itself. */
  private readonly types = new Float64Array(otherType + 1);
  private readonly rcodes = new Float64Array(4_096);

  request(transport: 'udp' | 'tcp', type: number | 'malformed'): void {
    this.total++;
    this.transports[transport]++;
    const counted = type === 'malformed' ? 0 : countedTypes.has(type) ? type : otherType;
    this.types[counted] = (this.types[counted] ?? 0) + 1;
  }

  response(rcode: number): void {
    this.rcodes[rcode] = (this.rcodes[rcode] ?? 0) + 1;
  }

  read(): DnsCounts {
    return {
      requestsTotal: { ...this.transports },
      requestTypesTotal: named(this.types, typeName),
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

function named(counts: Float64Array, name: (index: number) => string): Record<string, number> {
  return Object.fromEntries([...counts].flatMap((n, i) => (n === 0 ? [] : [[name(i), n]])));
}

function typeName(type: number): string {
  if (type === 0) return 'malformed';
  return type === otherType ? 'other' : formatType(type);
}
