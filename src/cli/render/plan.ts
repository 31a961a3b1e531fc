/** The Plan as one line about the node and a table of its VirtualServers. */
import type { PlanView } from '../../control/index.ts';
import type { Paint } from '../paint.ts';
import { listSome, renderTable } from './table.ts';

export function renderPlan({ revision, node, servers }: PlanView, paint: Paint): string {
  const head = [
    `Revision ${revision} of node ${node.name}`,
    ...(node.zone === undefined ? [] : [`zone ${node.zone}`]),
    `Service range ${listSome(node.serviceRanges)}`,
  ].join(', ');
  if (servers.length === 0) return `${head}\nIt forwards nothing\n`;
  const table = renderTable(
    [
      { header: 'SERVICE-PORT', cell: (s) => s.id },
      { header: 'FRONTENDS', cell: (s) => listSome(s.frontends) },
      { header: 'SCHEDULER', cell: (s) => s.scheduler },
      { header: 'AFFINITY', cell: (s) => s.affinity },
      { header: 'CLUSTER-POOL', cell: (s) => listSome(s.cluster) },
      { header: 'LOCAL-POOL', cell: (s) => listSome(s.local) },
    ],
    servers,
    paint,
  );
  return `${head}\n\n${table}`;
}
