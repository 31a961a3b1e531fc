/** What the gateway counted, as Prometheus reads it: by Service, endpoint, status, and how long answers took. */
import type { VirtualServer } from '../model/index.ts';
import type { MetricFamily, MetricSample } from '../obs/index.ts';
import { latencyBucketsMs, type EndpointRequests, type PortRequests } from './counters.ts';
import { byName, portId } from './port-ids.ts';

type Labels = Readonly<Record<string, string>>;

interface CountedPort {
  readonly labels: Labels;
  /** Connections: undefined where they are counted elsewhere. */
  readonly requests: Omit<PortRequests, 'connections'> & {
    readonly connections: number | undefined;
  };
}

interface Known {
  readonly served: readonly VirtualServer[];
  /** What came by name, by ServicePort. */
  readonly byName: readonly PortRequests[];
  readonly serverOf: (id: string) => VirtualServer | undefined;
}

/** Each with the Service it counts for, and the way its clients came. */
export function labelledPorts(
  observed: readonly PortRequests[],
  { served, byName: named, serverOf }: Known,
): readonly CountedPort[] {
  const known = new Map<string, Labels>();
  for (const server of served) {
    for (const entry of ['cluster', 'local'] as const) {
      known.set(portId(server.id, entry), { ...labelsOf(server), entry });
    }
  }
  const own = observed.flatMap((requests): CountedPort[] => {
    const labels = known.get(requests.id);
    if (labels !== undefined) return [{ labels, requests }];
    const isTls = requests.id === byName.tls;
    if (!isTls && requests.id !== byName.plain) return [];
    // What came by name is counted for its Service below; here is what had none.
    const entry = isTls ? 'name-tls' : 'name';
    const shared = { namespace: '', service: '', port: '', family: '', entry };
    return [{ labels: shared, requests: { ...requests, endpoints: [] } }];
  });
  const others = named.flatMap((count): CountedPort[] => {
    const server = serverOf(count.id);
    if (server === undefined) return [];
    const requests = { ...count, connections: undefined };
    return [{ labels: { ...labelsOf(server), entry: 'name' }, requests }];
  });
  return [...own, ...others];
}

function labelsOf({ ref }: VirtualServer): Labels {
  const { namespace, name: service, portName: port, family } = ref;
  return { namespace, service, port, family };
}

export function requestFamilies(ports: readonly CountedPort[]): readonly MetricFamily[] {
  const perPort = (samples: (port: CountedPort) => readonly MetricSample[]): MetricSample[] =>
    ports.flatMap(samples);
  const perEndpoint = (
    samples: (count: EndpointRequests, labels: Labels) => readonly MetricSample[],
  ): MetricSample[] =>
    ports.flatMap(({ labels, requests }) =>
      requests.endpoints.flatMap((each) => samples(each, { ...labels, endpoint: each.endpoint })),
    );
  return [
    {
      name: 'switchyard_http_requests_total',
      help: 'Requests an endpoint answered, by status',
      type: 'counter',
      samples: perEndpoint(({ codes }, labels) => counted(codes, { labels, by: 'code' })),
    },
    {
      name: 'switchyard_http_request_failures_total',
      help: 'Attempts at an endpoint that came to nothing or are tried again, by what happened',
      type: 'counter',
      samples: perEndpoint(({ failures }, labels) => counted(failures, { labels, by: 'failure' })),
    },
    {
      name: 'switchyard_http_request_duration_seconds',
      help: 'How long an endpoint took until the head of its answer',
      type: 'histogram',
      samples: perEndpoint(histogram),
    },
    {
      name: 'switchyard_http_refused_total',
      help: 'Requests the gateway answered itself, by status',
      type: 'counter',
      samples: perPort(({ labels, requests }) => counted(requests.refused, { labels, by: 'code' })),
    },
    {
      name: 'switchyard_http_client_connections',
      help: 'Connections of clients that are open now',
      type: 'gauge',
      samples: perPort(({ labels, requests: { connections } }) =>
        connections === undefined ? [] : [{ labels, value: connections }],
      ),
    },
  ];
}

function counted(
  counts: Readonly<Record<string, number>>,
  { labels, by }: { readonly labels: Labels; readonly by: string },
): readonly MetricSample[] {
  return Object.entries(counts).map(([key, value]) => ({
    labels: { ...labels, [by]: key },
    value,
  }));
}

function histogram(
  { latency, latencySumMs }: EndpointRequests,
  labels: Labels,
): readonly MetricSample[] {
  const bounds = [...latencyBucketsMs.map((ms) => String(ms / 1_000)), '+Inf'];
  let total = 0;
  const buckets = bounds.map((le, i): MetricSample => {
    total += latency[i] ?? 0;
    return { suffix: '_bucket', labels: { ...labels, le }, value: total };
  });
  return [
    ...buckets,
    { suffix: '_sum', labels, value: latencySumMs / 1_000 },
    { suffix: '_count', labels, value: total },
  ];
}
