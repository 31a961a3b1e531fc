/** What the server counted, under CoreDNS' names where they mean the same: plain data for whoever exposes it. */
import type { MetricFamily, MetricSample } from '../obs/index.ts';
import { durationBounds, type DnsCounters } from './counters.ts';

export interface MetricSources {
  readonly counters: DnsCounters;
  /** Where it answers: CoreDNS' `server` label. */
  readonly server: string;
  /** With a dot at the end, as CoreDNS writes it. */
  readonly zone: string;
  /** Answers of others that are kept now. */
  readonly cacheEntries: number;
}

export function dnsMetrics(sources: MetricSources): readonly MetricFamily[] {
  const { counters, server, zone, cacheEntries } = sources;
  const own = { server, zone };
  const counts = counters.read();
  const one = (value: number): readonly MetricSample[] => [{ labels: { server }, value }];
  return [
    counter('coredns_dns_requests_total', 'Queries that came in.', requests(counters, own)),
    counter(
      'coredns_dns_responses_total',
      'Answers by their code.',
      Object.entries(counts.responsesTotal).map(([rcode, value]) => ({
        labels: { ...own, rcode },
        value,
      })),
    ),
    {
      name: 'coredns_dns_request_duration_seconds',
      help: 'From a query to its answer.',
      type: 'histogram',
      samples: histogram(counters, own),
    },
    {
      name: 'coredns_cache_entries',
      help: 'Answers of others that are kept.',
      type: 'gauge',
      samples: one(cacheEntries),
    },
    counter(
      'coredns_cache_requests_total',
      'Questions the cache was looked up for.',
      one(counts.cacheHitsTotal + counts.cacheMissesTotal),
    ),
    counter('coredns_cache_hits_total', 'Of those, answered.', one(counts.cacheHitsTotal)),
    counter(
      'coredns_cache_misses_total',
      'Of those, asked upstream.',
      one(counts.cacheMissesTotal),
    ),
    counter(
      'coredns_cache_served_stale_total',
      'Answers past their time that were served because nobody answered.',
      one(counts.cacheServedStaleTotal),
    ),
    counter(
      'coredns_forward_requests_total',
      'Questions sent upstream.',
      one(counts.forwardRequestsTotal),
    ),
    counter(
      'coredns_forward_max_concurrent_rejects_total',
      'Questions refused because too many were under way.',
      one(counts.forwardRefusedTotal),
    ),
    counter(
      'switchyard_dns_forward_failures_total',
      'Questions sent upstream that were not answered in time.',
      one(counts.forwardFailuresTotal),
    ),
  ];
}

function counter(name: string, help: string, samples: readonly MetricSample[]): MetricFamily {
  return { name, help, type: 'counter', samples };
}

type Labels = Readonly<Record<string, string>>;

function requests(counters: DnsCounters, own: Labels): readonly MetricSample[] {
  return (['udp', 'tcp'] as const).flatMap((proto) =>
    Object.entries(counters.requestsOver(proto)).map(([type, value]) => ({
      labels: { ...own, proto, type },
      value,
    })),
  );
}

/** Each bucket holds those before it, too. */
function histogram(
  { durations, durationSumMs }: DnsCounters,
  own: Labels,
): readonly MetricSample[] {
  const samples: MetricSample[] = [];
  let count = 0;
  for (const [i, inBucket] of durations.entries()) {
    count += inBucket;
    const bound = durationBounds[i];
    const le = bound === undefined ? '+Inf' : String(bound);
    samples.push({ suffix: '_bucket', labels: { ...own, le }, value: count });
  }
  samples.push({ suffix: '_sum', labels: own, value: durationSumMs / 1_000 });
  samples.push({ suffix: '_count', labels: own, value: count });
  return samples;
}
