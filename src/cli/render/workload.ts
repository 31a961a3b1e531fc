/** What became of a workload, in a line or two. */
import type { WorkloadView } from '../../control/index.ts';

export function renderWorkload({ kind, name, change, replicas, service }: WorkloadView): string {
  const count = replicas === undefined ? '' : `, ${replicas} ${replicas === 1 ? 'Pod' : 'Pods'}`;
  const at =
    service === undefined ? '' : `service/${service.name} created, at ${service.address}\n`;
  return `${kind}/${name} ${change}${count}\n${at}`;
}
