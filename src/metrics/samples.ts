/** What a scrape tells, from what driver and Plan say when it is asked for. Pure. */
import {
  connectLatencyBoundsMs,
  formatSocketAddress,
  endpointKey,
  type ApplyReport,
  type EndpointCounters,
  type Observation,
  type Plan,
  type VirtualServer,
} from '../model/index.ts';
import type { HistogramSample, MetricKey, Sample } from './metric-rows.ts';
import { syncBounds, type SyncTimes } from './sync-times.ts';

export interface Observed {
  readonly version: string;
  readonly driver: string;
  readonly plan: Plan;
  readonly report: ApplyReport | undefined;
  readonly observation: Observation;
  readonly syncs: Pick<SyncTimes, 'failures' | 'lastSeconds' | 'read'>;
}

export interface Samples {
  readonly plain: Readonly<Partial<Record<MetricKey, readonly Sample[]>>>;
  readonly histograms: Readonly<
    Partial<
      Record<
        MetricKey,
        { readonly bounds: readonly number[]; readonly samples: readonly HistogramSample[] }
      >
    >
  >;
}

/** So many endpoints have series of their own: 13 series each of a histogram make a long answer. */
const maxEndpoints = 10_000;

interface Used {
  readonly labels: readonly string[];
  readonly counters: EndpointCounters;
}

export function samplesOf(observed: Observed): Samples {
  const { plan, report, observation, syncs } = observed;
  const { shown, leftOut } = usedEndpoints(plan, observation);
  const each = (value: (counters: EndpointCounters) => number | undefined): readonly Sample[] =>
    shown.flatMap(({ labels, counters }) => {
      const known = value(counters);
      return known === undefined ? [] : [{ labels, value: known }];
    });
  const servers = [...plan.servers.values()].map((server) => ({
    server,
    labels: labelsOf(server),
  }));
  const limited = Object.entries(observation.limited ?? {});
  const full = syncs.read('full');
  const partial = syncs.read('partial');
  return {
    plain: {
      connections: each((c) => c.connections),
      open: each((c) => c.open),
      failures: each((c) => c.failures),
      bytesIn: each((c) => c.bytesIn),
      bytesOut: each((c) => c.bytesOut),
      endpoints: servers.map(({ server, labels }) => ({ labels, value: server.endpoints.length })),
      readyEndpoints: servers.map(({ server, labels }) => ({
        labels,
        value: server.endpoints.filter(({ ready }) => ready).length,
      })),
      leftOut: one(leftOut),
      limited: limited.map(([limit, value]) => ({ labels: [limit], value })),
      planRevision: one(plan.revision),
      servicePorts: one(servers.length),
      frontendFailures: one(report?.failures.length ?? 0),
      standIns: one(report?.standIns.length ?? 0),
      lastSync: one(syncs.lastSeconds),
      syncFailures: one(syncs.failures),
      build: [{ labels: [observed.version, observed.driver], value: 1 }],
    },
    histograms: {
      connectLatency: {
        bounds: connectLatencyBoundsMs.map((ms) => ms / 1000),
        samples: shown.flatMap(({ labels, counters: { connectLatency: latency } }) =>
          latency === undefined
            ? []
            : [{ labels, buckets: latency.buckets, sum: latency.sumMs / 1000 }],
        ),
      },
      syncDuration: {
        bounds: syncBounds,
        samples: [
          {
            labels: [],
            buckets: full.buckets.map((count, i) => count + (partial.buckets[i] ?? 0)),
            sum: full.sumSeconds + partial.sumSeconds,
          },
        ],
      },
      fullSyncDuration: {
        bounds: syncBounds,
        samples: [{ labels: [], buckets: full.buckets, sum: full.sumSeconds }],
      },
      partialSyncDuration: {
        bounds: syncBounds,
        samples: [{ labels: [], buckets: partial.buckets, sum: partial.sumSeconds }],
      },
    },
  };
}

/** Of the ServicePorts of the Plan, those that anything was ever sent to. */
function usedEndpoints(
  plan: Plan,
  observation: Observation,
): { readonly shown: readonly Used[]; readonly leftOut: number } {
  const shown: Used[] = [];
  let leftOut = 0;
  for (const [id, ofServer] of observation.endpoints) {
    const server = plan.servers.get(id);
    if (server === undefined) continue;
    const known = new Map(server.endpoints.map((each) => [endpointKey(each), each]));
    for (const [key, counters] of ofServer) {
      if (counters.connections === 0 && (counters.failures ?? 0) === 0) continue;
      if (shown.length >= maxEndpoints) {
        leftOut++;
        continue;
      }
      const endpoint = known.get(key);
      const address = endpoint === undefined ? key : formatSocketAddress(endpoint);
      shown.push({ labels: [...labelsOf(server), address, endpoint?.pod ?? ''], counters });
    }
  }
  return { shown, leftOut };
}

function labelsOf({ ref }: VirtualServer): readonly string[] {
  return [ref.namespace, ref.name, ref.portName, ref.protocol, ref.family];
}

const one = (value: number): readonly Sample[] => [{ labels: [], value }];
