/** Live rates, as what two looks at the counters differ by. */
import type { EndpointView, TrafficView } from '../../control/index.ts';
import type { Paint } from '../paint.ts';
import { bar } from './bar.ts';
import { podOf } from './endpoints.ts';
import { absent, formatBytes, formatCount, formatMs, renderTable, type Column } from './table.ts';

export type TopSubject = 'endpoints' | 'services';

/** One endpoint, or all of one Service port. Rates are a second's; undefined: the driver cannot know. */
export interface TopRow {
  readonly namespace: string;
  readonly service: string;
  readonly port: string;
  /** Undefined for a Service port. */
  readonly address: string | undefined;
  readonly pod: string | undefined;
  readonly connectionsPerSecond: number | undefined;
  readonly open: number | undefined;
  readonly failuresPerSecond: number | undefined;
  readonly bytesInPerSecond: number | undefined;
  readonly bytesOutPerSecond: number | undefined;
  /** Mean of the connects of the interval; undefined without any. */
  readonly connectMs: number | undefined;
  /** Of the new connections of its Service port, or of all; 0 to 1. */
  readonly share: number;
}

export interface TopView {
  readonly subject: TopSubject;
  readonly seconds: number;
  readonly planRevision: number;
  readonly limited: TrafficView['limited'];
  readonly rows: readonly TopRow[];
}

/** What happened between two looks; the rows of the later. */
export function topView(subject: TopSubject, before: TrafficView, after: TrafficView): TopView {
  const seconds = Math.max(0.001, (after.atMs - before.atMs) / 1000);
  const earlier = new Map(before.endpoints.map((each) => [keyOf(each), each]));
  const single = after.endpoints.map((each) => rowOf(each, earlier.get(keyOf(each)), seconds));
  const rows = subject === 'endpoints' ? single : merged(single);
  return {
    subject,
    seconds,
    planRevision: after.planRevision,
    limited: after.limited,
    rows: withShares(rows, subject === 'endpoints' ? portOf : () => ''),
  };
}

interface Counted extends Omit<TopRow, 'share' | 'connectMs'> {
  readonly connects: number;
  readonly connectsMs: number;
}

function rowOf(now: EndpointView, before: EndpointView | undefined, seconds: number): Counted {
  // A counter that went back began anew: its endpoint was gone in between.
  const rate = (later: number | undefined, sooner = 0): number | undefined =>
    later === undefined ? undefined : (later - (sooner <= later ? sooner : 0)) / seconds;
  const { connectLatency: latency } = now;
  const isNew = (latency?.count ?? 0) < (before?.connectLatency?.count ?? 0);
  const past = isNew ? undefined : before?.connectLatency;
  return {
    namespace: now.namespace,
    service: now.service,
    port: now.port,
    address: now.address,
    pod: now.pod,
    open: now.open,
    connectionsPerSecond: rate(now.connections, before?.connections),
    failuresPerSecond: rate(now.failures, before?.failures),
    bytesInPerSecond: rate(now.bytesIn, before?.bytesIn),
    bytesOutPerSecond: rate(now.bytesOut, before?.bytesOut),
    connects: (latency?.count ?? 0) - (past?.count ?? 0),
    connectsMs: (latency?.sumMs ?? 0) - (past?.sumMs ?? 0),
  };
}

/** All endpoints of a Service port as one row. */
function merged(rows: readonly Counted[]): readonly Counted[] {
  const sum = (some: readonly Counted[], of: (row: Counted) => number | undefined) =>
    some.every((row) => of(row) === undefined)
      ? undefined
      : some.reduce((total, row) => total + (of(row) ?? 0), 0);
  return [...Map.groupBy(rows, portOf).values()].flatMap((some) => {
    const [first] = some;
    if (first === undefined) return [];
    return [
      {
        ...first,
        address: undefined,
        pod: undefined,
        open: sum(some, (row) => row.open),
        connectionsPerSecond: sum(some, (row) => row.connectionsPerSecond),
        failuresPerSecond: sum(some, (row) => row.failuresPerSecond),
        bytesInPerSecond: sum(some, (row) => row.bytesInPerSecond),
        bytesOutPerSecond: sum(some, (row) => row.bytesOutPerSecond),
        connects: sum(some, (row) => row.connects) ?? 0,
        connectsMs: sum(some, (row) => row.connectsMs) ?? 0,
      },
    ];
  });
}

function withShares(rows: readonly Counted[], group: (row: Counted) => string): readonly TopRow[] {
  const totals = new Map<string, number>();
  for (const row of rows) {
    totals.set(group(row), (totals.get(group(row)) ?? 0) + (row.connectionsPerSecond ?? 0));
  }
  return rows.map((row) => {
    const { connects, connectsMs, ...rest } = row;
    const total = totals.get(group(row)) ?? 0;
    return {
      ...rest,
      connectMs: connects === 0 ? undefined : connectsMs / connects,
      share: total === 0 ? 0 : (row.connectionsPerSecond ?? 0) / total,
    };
  });
}

const keyOf = (each: EndpointView): string => `${portOf(each)} ${each.address}`;

const portOf = (each: Pick<TopRow, 'namespace' | 'service' | 'port'>): string =>
  `${each.namespace}/${each.service}:${each.port}`;

export interface RenderTopOptions {
  readonly showNamespace: boolean;
  readonly paint: Paint;
}

const barWidth = 20;

export function renderTop(view: TopView, { showNamespace, paint }: RenderTopOptions): string {
  const columns = [
    ...(showNamespace ? [namespaceColumn] : []),
    ...serviceColumns,
    ...(view.subject === 'endpoints' ? endpointColumns : []),
    ...rateColumns,
  ];
  return `${renderTable(columns, view.rows, paint)}${limitNote(view.limited)}`;
}

/** What the driver refused so far, in a line; nothing when it refused nothing. */
export function limitNote(limited: TrafficView['limited']): string {
  const notes = [
    ...(limited !== undefined && limited.connections > 0
      ? [`${limited.connections} connections were reset because too many were open`]
      : []),
    ...(limited !== undefined && limited.flows > 0
      ? [`${limited.flows} UDP flows ended early because too many were open`]
      : []),
  ];
  return notes.length === 0 ? '' : `Limits: ${notes.join('; ')}\n`;
}

const namespaceColumn: Column<TopRow> = {
  header: 'NAMESPACE',
  cell: ({ namespace }) => namespace,
};

const serviceColumns: readonly Column<TopRow>[] = [
  { header: 'SERVICE', cell: ({ service }) => service },
  { header: 'PORT', cell: ({ port }) => (port === '' ? absent : port) },
];

const endpointColumns: readonly Column<TopRow>[] = [
  { header: 'ADDRESS', cell: ({ address }) => address ?? absent },
  { header: 'POD', cell: ({ pod, namespace }) => podOf(pod, namespace) },
];

const rateColumns: readonly Column<TopRow>[] = [
  { header: 'CONN/S', align: 'right', cell: (row) => formatRate(row.connectionsPerSecond) },
  { header: 'OPEN', align: 'right', cell: ({ open }) => formatCount(open) },
  {
    header: 'FAIL/S',
    align: 'right',
    cell: (row) => formatRate(row.failuresPerSecond),
    tone: ({ failuresPerSecond = 0 }) => (failuresPerSecond > 0 ? 'red' : undefined),
  },
  { header: 'IN/S', align: 'right', cell: (row) => formatBytes(row.bytesInPerSecond) },
  { header: 'OUT/S', align: 'right', cell: (row) => formatBytes(row.bytesOutPerSecond) },
  { header: 'CONNECT', align: 'right', cell: ({ connectMs }) => formatMs(connectMs) },
  { header: 'SHARE', align: 'right', cell: ({ share }) => `${Math.round(share * 100)} %` },
  { header: '', cell: ({ share }) => bar(share * barWidth), tone: () => 'cyan' },
];

function formatRate(perSecond: number | undefined): string {
  if (perSecond === undefined) return absent;
  return perSecond === 0 || perSecond >= 100 ? perSecond.toFixed(0) : perSecond.toFixed(1);
}
