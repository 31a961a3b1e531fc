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

export class DnsCounters {
  total = 0;
  cacheHits = 0;
  cacheMisses = 0;
  cacheServedStale = 0;
  forwards = 0;
  forwardFailures = 0;
  forwardRefused = 0;
  private readonly transports = { udp: 0, tcp: 0 };
  private readonly types = new Map<number | 'malformed' | 'other', number>();
  private readonly rcodes = new Map<number, number>();

  request(transport: 'udp' | 'tcp', type: number | 'malformed'): void {
    this.total++;
    this.transports[transport]++;
    const counted = type === 'malformed' || countedTypes.has(type) ? type : 'other';
    this.types.set(counted, (this.types.get(counted) ?? 0) + 1);
  }

  response(rcode: number): void {
    this.rcodes.set(rcode, (this.rcodes.get(rcode) ?? 0) + 1);
  }

  read(): DnsCounts {
    return {
      requestsTotal: { ...this.transports },
      requestTypesTotal: Object.fromEntries(
        [...this.types].map(([type, n]) => [typeof type === 'number' ? formatType(type) : type, n]),
      ),
      responsesTotal: Object.fromEntries(
        [...this.rcodes].map(([rcode, n]) => [formatRcode(rcode), n]),
      ),
      cacheHitsTotal: this.cacheHits,
      cacheMissesTotal: this.cacheMisses,
      cacheServedStaleTotal: this.cacheServedStale,
      forwardRequestsTotal: this.forwards,
      forwardFailuresTotal: this.forwardFailures,
      forwardRefusedTotal: this.forwardRefused,
    };
  }
}
