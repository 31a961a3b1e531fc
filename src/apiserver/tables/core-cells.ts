/** What Tables show of the core kinds (pkg/printers/internalversion, Kubernetes 1.36). */
import type { ConfigMap, Event, Namespace, Node, Secret, Service } from '../../kube/index.ts';
import { labels as wellKnown } from '../../kube/index.ts';
import { ageSince } from './age.ts';

export type Cells = readonly (string | number)[];

const none = '<none>';

export function namespaceCells({ status }: Namespace): Cells {
  return [status?.phase ?? ''];
}

export function serviceCells(service: Service): Cells {
  const { type = 'ClusterIP', clusterIP = '', ports = [], selector } = service.spec ?? {};
  const portTexts = ports.map(({ port, nodePort = 0, protocol = 'TCP' }) =>
    nodePort > 0 ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`,
  );
  return [
    type,
    clusterIP === '' ? none : clusterIP,
    externalAddresses(service),
    portTexts.length === 0 ? none : portTexts.join(','),
    formatLabels(selector),
  ];
}

function externalAddresses({ spec = {}, status }: Service): string {
  const { type, externalIPs = [], externalName = '' } = spec;
  if (type === 'ExternalName') return externalName;
  const ingress = (status?.loadBalancer?.ingress ?? []).flatMap(
    ({ ip, hostname }) => ip ?? hostname ?? [],
  );
  if (type === 'LoadBalancer') {
    const all = [...ingress.toSorted(), ...externalIPs];
    return all.length === 0 ? '<pending>' : all.join(',');
  }
  return externalIPs.length === 0 ? none : externalIPs.join(',');
}

/** `a=1,b=2`, by key. */
function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? none : pairs.toSorted().join(',');
}

export function configMapCells({ data = {}, binaryData = {} }: ConfigMap): Cells {
  return [Object.keys(data).length + Object.keys(binaryData).length];
}

export function secretCells({ type = '', data = {} }: Secret): Cells {
  return [type, Object.keys(data).length];
}

export function nodeCells(node: Node): Cells {
  const { spec = {}, status = {} } = node;
  const ready = (status.conditions ?? []).find(({ type }) => type === 'Ready');
  const states = [
    ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady',
    ...('unschedulable' in spec && spec.unschedulable === true ? ['SchedulingDisabled'] : []),
  ];
  const roles = Object.keys(node.metadata.labels ?? {}).flatMap((key) =>
    key.startsWith(wellKnown.nodeRolePrefix) ? key.slice(wellKnown.nodeRolePrefix.length) : [],
  );
  const address = (wanted: string): string =>
    (status.addresses ?? []).find(({ type }) => type === wanted)?.address ?? none;
  const info = status.nodeInfo ?? {};
  return [
    states.join(','),
    roles.length === 0 ? none : roles.toSorted().join(','),
    info.kubeletVersion ?? '',
    address('InternalIP'),
    address('ExternalIP'),
    info.osImage ?? '<unknown>',
    info.kernelVersion ?? '<unknown>',
    info.containerRuntimeVersion ?? '<unknown>',
  ];
}

export function eventCells(event: Event, nowMs: number): Cells {
  const { involvedObject: about, source = {}, count = 1, metadata } = event;
  const first = event.firstTimestamp ?? metadata.creationTimestamp;
  const last = event.lastTimestamp ?? first;
  const target =
    about.name === undefined || about.name === ''
      ? (about.kind ?? '').toLowerCase()
      : `${(about.kind ?? '').toLowerCase()}/${about.name}`;
  const from = source.host === undefined ? source.component : `${source.component}, ${source.host}`;
  return [
    ageSince(last, nowMs),
    event.type ?? '',
    event.reason ?? '',
    target,
    '',
    from ?? '',
    (event.message ?? '').trim(),
    ageSince(first, nowMs),
    count,
    metadata.name,
  ];
}
