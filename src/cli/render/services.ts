/** ServicePorts as a table with a line for each frontend, and below it why some do not answer. */
import type { FrontendView, ServicePortView } from '../../control/index.ts';
import type { Paint } from '../paint.ts';
import { absent, listSome, renderTable, type Column } from './table.ts';

interface Row {
  readonly service: ServicePortView;
  /** Undefined for a ServicePort that is reached nowhere. */
  readonly frontend: FrontendView | undefined;
}

export interface ServicesOptions {
  readonly showNamespace: boolean;
  readonly paint: Paint;
}

export function renderServices(
  services: readonly ServicePortView[],
  { showNamespace, paint }: ServicesOptions,
): string {
  const rows = services.flatMap((service): readonly Row[] =>
    service.frontends.length === 0
      ? [{ service, frontend: undefined }]
      : service.frontends.map((frontend) => ({ service, frontend })),
  );
  const columns = showNamespace ? [namespaceColumn, ...serviceColumns] : serviceColumns;
  return renderTable(columns, rows, paint) + renderProblems(rows, paint);
}

const namespaceColumn: Column<Row> = {
  header: 'NAMESPACE',
  cell: ({ service }) => service.namespace,
};

const serviceColumns: readonly Column<Row>[] = [
  { header: 'NAME', cell: ({ service }) => service.name },
  {
    header: 'PORT',
    cell: ({ service }) => `${service.port === '' ? absent : service.port}/${service.protocol}`,
  },
  { header: 'FRONTEND', cell: ({ frontend }) => frontend?.kind ?? absent },
  { header: 'ADDRESS', cell: ({ frontend }) => frontend?.declared ?? absent },
  {
    header: 'REACHED-AT',
    cell: ({ frontend }) => reachedAt(frontend),
    tone: ({ frontend }) => (frontend?.problem === undefined ? undefined : 'red'),
  },
  {
    header: 'READY',
    cell: ({ service }) => `${service.ready}/${service.endpoints}`,
    tone: ({ service }) => (service.ready === 0 ? 'red' : undefined),
  },
  { header: 'SCHEDULER', cell: ({ service }) => schedulerOf(service) },
  { header: 'AFFINITY', cell: ({ service }) => service.affinity },
];

function schedulerOf({ scheduler, standIn }: ServicePortView): string {
  return standIn === undefined ? scheduler : `${scheduler} (by ${standIn})`;
}

function reachedAt(frontend: FrontendView | undefined): string {
  if (frontend === undefined) return absent;
  if (frontend.reachable.length > 0) return listSome(frontend.reachable);
  return frontend.problem === undefined ? absent : `no: ${frontend.problem.code}`;
}

function renderProblems(rows: readonly Row[], paint: Paint): string {
  const texts = rows.flatMap(({ frontend }) => {
    if (frontend?.problem === undefined) return [];
    const { message, remedy } = frontend.problem;
    const advice = remedy === undefined ? '' : `  try: ${remedy}\n`;
    return [`${paint('red', message)}\n${advice}`];
  });
  // A Service without endpoints says so once, however many frontends it has.
  const distinct = [...new Set(texts)];
  return distinct.length === 0 ? '' : `\n${distinct.join('')}`;
}
