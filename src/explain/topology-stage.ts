/** Topology hints and load balancer source ranges: what narrows a path, and why hints that exist do not. */
import { labels } from '../kube/index.ts';
import { formatCidr, topologyMode, type Endpoint, type VirtualServer } from '../model/index.ts';
import { endpointPools, type PortCase, type ServiceCase } from './service-case.ts';
import { endpointLabel } from './wording.ts';
import { nodeSubject, subjectOf } from './world.ts';

export function tellTopology(c: ServiceCase, port: PortCase, server: VirtualServer): void {
  tellSourceRanges(c, server);
  const ready = server.endpoints.filter((endpoint) => endpoint.ready);
  const isLocalOnly =
    server.internalTrafficPolicy === 'Local' &&
    server.frontends.every((frontend) => frontend.kind === 'clusterIP');
  if (ready.length === 0 || isLocalOnly) return;
  const { node } = c.world.plan;
  const mode = topologyMode(ready, node);
  if (mode !== '') tellNarrowed(c, port, { server, mode, ready });
  else if (ready.some(isHinted)) tellIgnoredHints(c, port, ready);
  else if (c.spec.trafficDistribution !== undefined) {
    c.notes.add('topology-unhinted', {
      on: subjectOf(c.service, 'spec.trafficDistribution'),
      values: { wanted: c.spec.trafficDistribution, port: port.label, label: labels.zone },
    });
  }
}

const isHinted = (endpoint: Endpoint): boolean =>
  endpoint.zoneHints.length > 0 || endpoint.nodeHints.length > 0;

interface Narrowed {
  readonly server: VirtualServer;
  readonly mode: ReturnType<typeof topologyMode>;
  readonly ready: readonly Endpoint[];
}

function tellNarrowed(c: ServiceCase, port: PortCase, { server, mode, ready }: Narrowed): void {
  const { name, zone = '' } = c.world.plan.node;
  const place = mode === 'PreferSameNode' ? `on node ${name}` : `in zone ${zone}`;
  const chosen = endpointPools(server).cluster.length;
  c.notes.add('topology-narrows', {
    on: subjectOf(c.slices[0] ?? c.service, 'endpoints[].hints'),
    values: { port: port.label, place, chosen, ready: ready.length },
  });
}

function tellIgnoredHints(c: ServiceCase, port: PortCase, ready: readonly Endpoint[]): void {
  const { notes, slices, service, world } = c;
  const { name: node, zone = '' } = world.plan.node;
  const on = subjectOf(slices[0] ?? service, 'endpoints[].hints');
  const without = ready.filter((endpoint) => !isHinted(endpoint)).map(endpointLabel);
  if (without.length > 0) {
    notes.add('topology-incomplete', { on, values: { port: port.label, without } });
  } else if (zone === '') {
    notes.add('topology-no-zone', {
      on: { ...nodeSubject(world), field: `metadata.labels[${labels.zone}]` },
      values: { port: port.label, node, label: labels.zone },
    });
  } else {
    const hinted = [...new Set(ready.flatMap((e) => [...e.zoneHints, ...e.nodeHints]))].toSorted();
    notes.add('topology-no-match', { on, values: { port: port.label, node, zone, hinted } });
  }
}

function tellSourceRanges({ notes, service }: ServiceCase, server: VirtualServer): void {
  if (server.sourceRanges.length === 0) return;
  const addresses = server.frontends.flatMap(({ kind, address }) =>
    kind === 'loadBalancer' && address !== undefined ? [address] : [],
  );
  if (addresses.length === 0) return;
  notes.add('source-ranges', {
    on: subjectOf(service, 'spec.loadBalancerSourceRanges'),
    values: { ranges: server.sourceRanges.map(formatCidr), addresses },
  });
}
