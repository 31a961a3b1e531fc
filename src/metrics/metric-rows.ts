/** Every metric of our own, as data: what a scrape answers and what docs/metrics.md lists. */

export type MetricType = 'counter' | 'gauge' | 'histogram';

export interface MetricRow {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly labels: readonly string[];
}

const servicePort = ['namespace', 'service', 'port', 'protocol', 'family'] as const;
const endpoint = [...servicePort, 'endpoint', 'pod'] as const;

/** Names of kube-proxy where they mean the same, so that its dashboards go on working. */
export const metricRows = {
  connections: {
    name: 'switchyard_endpoint_connections_total',
    type: 'counter',
    help: 'Connections and UDP flows an endpoint was given',
    labels: endpoint,
  },
  open: {
    name: 'switchyard_endpoint_open_connections',
    type: 'gauge',
    help: 'Connections and UDP flows open at an endpoint now',
    labels: endpoint,
  },
  failures: {
    name: 'switchyard_endpoint_failures_total',
    type: 'counter',
    help: 'Connections an endpoint refused, did not answer in time, or left without an answer',
    labels: endpoint,
  },
  bytesIn: {
    name: 'switchyard_endpoint_received_bytes_total',
    type: 'counter',
    help: 'Bytes from clients to an endpoint',
    labels: endpoint,
  },
  bytesOut: {
    name: 'switchyard_endpoint_sent_bytes_total',
    type: 'counter',
    help: 'Bytes from an endpoint to its clients',
    labels: endpoint,
  },
  connectLatency: {
    name: 'switchyard_endpoint_connect_duration_seconds',
    type: 'histogram',
    help: 'How long an endpoint took to accept a TCP connection',
    labels: endpoint,
  },
  endpoints: {
    name: 'switchyard_service_endpoints',
    type: 'gauge',
    help: 'Endpoints of a Service port',
    labels: servicePort,
  },
  readyEndpoints: {
    name: 'switchyard_service_ready_endpoints',
    type: 'gauge',
    help: 'Endpoints of a Service port that are ready',
    labels: servicePort,
  },
  leftOut: {
    name: 'switchyard_endpoints_left_out',
    type: 'gauge',
    help: 'Endpoints in use without series of their own: a scrape tells of 10,000 at most',
    labels: [],
  },
  limited: {
    name: 'switchyard_limit_reached_total',
    type: 'counter',
    help: 'Connections refused (limit connections) or UDP flows ended early (limit flows) because too many were open',
    labels: ['limit'],
  },
  planRevision: {
    name: 'switchyard_plan_revision',
    type: 'gauge',
    help: 'Revision of the Plan that the driver has applied',
    labels: [],
  },
  servicePorts: {
    name: 'switchyard_service_ports',
    type: 'gauge',
    help: 'Service ports that are forwarded, each IP family counted',
    labels: [],
  },
  frontendFailures: {
    name: 'switchyard_frontend_failures',
    type: 'gauge',
    help: 'Frontends that cannot be served now',
    labels: [],
  },
  standIns: {
    name: 'switchyard_frontend_stand_ins',
    type: 'gauge',
    help: 'Frontends served at another address or port than the Service says',
    labels: [],
  },
  syncDuration: {
    name: 'kubeproxy_sync_proxy_rules_duration_seconds',
    type: 'histogram',
    help: 'How long the driver took to apply a Plan',
    labels: [],
  },
  fullSyncDuration: {
    name: 'kubeproxy_sync_full_proxy_rules_duration_seconds',
    type: 'histogram',
    help: 'How long the driver took to apply a whole Plan',
    labels: [],
  },
  partialSyncDuration: {
    name: 'kubeproxy_sync_partial_proxy_rules_duration_seconds',
    type: 'histogram',
    help: 'How long the driver took to apply what had changed of a Plan',
    labels: [],
  },
  lastSync: {
    name: 'kubeproxy_sync_proxy_rules_last_timestamp_seconds',
    type: 'gauge',
    help: 'When the driver last applied a Plan, in Unix time',
    labels: [],
  },
  syncFailures: {
    name: 'switchyard_sync_failures_total',
    type: 'counter',
    help: 'Plans that the driver could not apply',
    labels: [],
  },
  build: {
    name: 'switchyard_build_info',
    type: 'gauge',
    help: 'The version that runs and its driver; always 1',
    labels: ['version', 'driver'],
  },
} as const satisfies Readonly<Record<string, MetricRow>>;

export type MetricKey = keyof typeof metricRows;

/** One series: its labels in the order of the row. */
export interface Sample {
  readonly labels: readonly string[];
  readonly value: number;
}

/** One histogram: what fell in each bucket alone, one more than there are bounds. */
export interface HistogramSample {
  readonly labels: readonly string[];
  readonly buckets: readonly number[];
  readonly sum: number;
}
