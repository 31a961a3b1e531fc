/** Rules about what makes Pods: its probes, the Service a StatefulSet names, and what stands behind its Pods. */
import {
  annotations,
  isOfKind,
  statefulSetKind,
  type Container,
  type Probe,
} from '../kube/index.ts';
import { formatList } from '../model/index.ts';
import type { Findings } from './finding.ts';
import { containersOf, findService, type ManifestSet, type Workload } from './manifest-set.ts';

export function lintWorkloads(set: ManifestSet, findings: Findings): void {
  for (const workload of set.workloads) {
    for (const [i, container] of containersOf(workload).entries()) {
      const field = `${workload.field}.containers[${i}]`;
      lintProbes(container, { workload, field, findings });
    }
    lintStatefulService(set, workload, findings);
    lintBehind(workload, findings);
  }
}

interface Context {
  readonly workload: Workload;
  /** Where the container is. */
  readonly field: string;
  readonly findings: Findings;
}

function lintProbes(container: Container, { workload, field, findings }: Context): void {
  const { readinessProbe, livenessProbe, startupProbe, ports = [] } = container;
  for (const [name, probe] of Object.entries({ readinessProbe, livenessProbe, startupProbe })) {
    const asked = portOf(probe);
    if (asked === undefined) continue;
    const place = { on: workload.on, field: `${field}.${name}.${asked.handler}.port` };
    const { port } = asked;
    if (typeof port === 'string') {
      const names = ports.flatMap((candidate) => candidate.name ?? []);
      if (names.includes(port)) continue;
      const known = names.length === 0 ? 'no named port' : `ports named ${formatList(names)}`;
      findings.add('probe-port-name', place, { port, container: container.name, known });
    } else if (ports.length > 0 && !ports.some(({ containerPort }) => containerPort === port)) {
      const known = `only ${formatList(ports.map(({ containerPort }) => String(containerPort)))}`;
      findings.add('probe-port-undeclared', place, { port, container: container.name, known });
    }
  }
}

function portOf(
  probe: Probe | undefined,
): { readonly handler: string; readonly port: number | string } | undefined {
  for (const handler of ['httpGet', 'tcpSocket', 'grpc'] as const) {
    const port = probe?.[handler]?.port;
    // A probe of another host asks nothing of this container.
    const host = probe?.httpGet?.host ?? probe?.tcpSocket?.host ?? '';
    if (port !== undefined && host === '') return { handler, port };
  }
  return undefined;
}

function lintStatefulService(set: ManifestSet, workload: Workload, findings: Findings): void {
  const { on, namespace } = workload;
  if (!isOfKind(statefulSetKind, on.object)) return;
  const service = on.object.spec?.serviceName ?? '';
  if (service === '') return;
  const spec = findService(set, namespace, service)?.service.spec;
  if (spec?.clusterIP === 'None') return;
  const what = spec === undefined ? 'is not among these manifests' : 'is not headless';
  findings.add('stateful-service', { on, field: 'spec.serviceName' }, { service, what });
}

/** What `bind` calls the kinds it knows. */
const bindable: Readonly<Record<string, string>> = {
  Deployment: 'deployment/',
  StatefulSet: 'statefulset/',
  ReplicaSet: 'replicaset/',
  Pod: 'pod/',
};

function lintBehind(workload: Workload, findings: Findings): void {
  const { on, annotations: texts, isPlaced, field } = workload;
  const keys = [annotations.command.key, annotations.address.key];
  if (isPlaced || keys.some((key) => texts[key] !== undefined)) return;
  const { name, namespace = 'default' } = on.object.metadata;
  const where = namespace === 'default' ? '' : ` -N ${namespace}`;
  const bind = `switchyard bind ${bindable[on.kind.kind] ?? ''}${name}${where}`;
  findings.add('nothing-behind', { on, field }, { bind, key: annotations.command.key });
}
