/** Endpoints as a table, with what the driver counted of each. */
import type { EndpointView } from '../../control/index.ts';
import type { Paint, Tone } from '../paint.ts';
import { absent, formatBytes, formatCount, formatMs, renderTable, type Column } from './table.ts';

export interface EndpointsOptions {
  readonly showNamespace: boolean;
  readonly paint: Paint;
}

export function renderEndpoints(
  endpoints: readonly EndpointView[],
  { showNamespace, paint }: EndpointsOptions,
): string {
  const columns = showNamespace ? [namespaceColumn, ...endpointColumns] : endpointColumns;
  return renderTable(columns, endpoints, paint);
}

const namespaceColumn: Column<EndpointView> = {
  header: 'NAMESPACE',
  cell: ({ namespace }) => namespace,
};

const stateTones: Readonly<Record<EndpointView['state'], Tone | undefined>> = {
  ready: undefined,
  serving: 'yellow',
  terminating: 'yellow',
  'not-ready': 'red',
};

const endpointColumns: readonly Column<EndpointView>[] = [
  { header: 'SERVICE', cell: ({ service }) => service },
  { header: 'PORT', cell: ({ port }) => (port === '' ? absent : port) },
  { header: 'ADDRESS', cell: ({ address }) => address },
  { header: 'POD', cell: (endpoint) => podOf(endpoint.pod, endpoint.namespace) },
  { header: 'NODE', cell: ({ node }) => node ?? absent },
  { header: 'STATE', cell: ({ state }) => state, tone: ({ state }) => stateTones[state] },
  { header: 'WEIGHT', align: 'right', cell: ({ weight }) => String(weight) },
  { header: 'CONNECTIONS', align: 'right', cell: (e) => formatCount(e.connections) },
  { header: 'OPEN', align: 'right', cell: ({ open }) => formatCount(open) },
  {
    header: 'FAILED',
    align: 'right',
    cell: ({ failures }) => formatCount(failures),
    tone: ({ failures = 0 }) => (failures > 0 ? 'red' : undefined),
  },
  { header: 'CONNECT', align: 'right', cell: (e) => formatMs(meanConnectMs(e)) },
  { header: 'IN', align: 'right', cell: (e) => bytesOf(e, 'bytesIn') },
  { header: 'OUT', align: 'right', cell: (e) => bytesOf(e, 'bytesOut') },
];

function bytesOf(endpoint: EndpointView, column: 'bytesIn' | 'bytesOut'): string {
  return endpoint.bytesUnknown === undefined ? formatBytes(endpoint[column]) : 'off';
}

function meanConnectMs({ connectLatency: latency }: EndpointView): number | undefined {
  return latency === undefined || latency.count === 0 ? undefined : latency.sumMs / latency.count;
}

/** The name alone where the namespace is the Service's own, which it always is for selected Pods. */
export function podOf(pod: string | undefined, namespace: string): string {
  if (pod === undefined) return absent;
  return pod.startsWith(`${namespace}/`) ? pod.slice(namespace.length + 1) : pod;
}
