/** From the endpoints of each port to the ones a connection may really be sent to. */
import { annotations } from '../kube/index.ts';
import type { Endpoint, VirtualServer } from '../model/index.ts';
import { isReady } from './pod-trouble.ts';
import { tellScheduler } from './scheduler-stage.ts';
import {
  endpointPools,
  readyAddresses,
  usableOf,
  type PortCase,
  type ServiceCase,
} from './service-case.ts';
import { tellTopology } from './topology-stage.ts';
import { endpointLabel, placedLabel } from './wording.ts';
import { subjectOf } from './world.ts';

export function tellEndpoints(c: ServiceCase): void {
  for (const port of c.ports) {
    const { server } = port;
    if (server === undefined) continue;
    tellReadiness(c, port, server);
    if (usableOf(server).length === 0) continue;
    tellTopology(c, port, server);
    tellPolicies(c, port, server);
    tellChoice(c, port, server);
  }
}

/** What the name of a headless Service resolves to. */
export function tellHeadless(c: ServiceCase): void {
  const name = `${c.name}.${c.namespace}.svc`;
  const addresses = readyAddresses(c.slices);
  const on = subjectOf(c.slices[0] ?? c.service, 'endpoints');
  if (addresses.length > 0) {
    c.notes.add('headless-names', { on, values: { name, addresses } });
    return;
  }
  const all = c.slices.flatMap((slice) => slice.endpoints ?? []).length;
  if (all > 0) tellNoneReady(c, `Service ${c.key}`, all);
  c.notes.add('headless-nothing', { on, values: { name } });
}

function tellReadiness(c: ServiceCase, port: PortCase, server: VirtualServer): void {
  const { notes, slices, service } = c;
  const on = subjectOf(slices[0] ?? service, 'endpoints[].conditions');
  const all = server.endpoints.length;
  const ready = server.endpoints.filter((endpoint) => endpoint.ready).length;
  const usable = usableOf(server);
  if (all === 0) notes.add('endpoints-none', { on, values: { port: port.label } });
  else if (ready > 0)
    notes.add('endpoints-ready', { on, values: { ready, all, port: port.label } });
  else if (usable.length > 0) {
    const serving = usable.map(endpointLabel);
    notes.add('terminating-only', { on, values: { port: port.label, serving } });
  } else tellNoneReady(c, `port ${port.label}`, all);
}

function tellNoneReady(c: ServiceCase, what: string, all: number): void {
  const { notes, slices, service } = c;
  const on = subjectOf(slices[0] ?? service, 'endpoints[].conditions');
  const ready = c.pods.filter(isReady).map((pod) => pod.metadata.name);
  if (c.selector === undefined)
    notes.add('endpoints-unready-manual', { on, values: { all, what } });
  else if (ready.length > 0) notes.add('endpoints-stale', { on, values: { all, what, ready } });
  else notes.add('endpoints-unready', { on, values: { all, what } });
}

function tellPolicies(c: ServiceCase, port: PortCase, server: VirtualServer): void {
  const { notes, service, world } = c;
  const node = world.plan.node.name;
  const { cluster, local } = endpointPools(server);
  const elsewhere = usableOf(server).map(placedLabel);
  const base = { port: port.label, node };
  const internal = subjectOf(service, 'spec.internalTrafficPolicy');
  if (server.internalTrafficPolicy === 'Cluster') {
    const values = { port: port.label, endpoints: cluster.length };
    notes.add('policy-internal-cluster', { on: internal, values });
  } else if (local.length > 0) {
    const values = { ...base, endpoints: local.length };
    notes.add('policy-internal-local', { on: internal, values });
  } else {
    notes.add('policy-internal-local-none', { on: internal, values: { ...base, elsewhere } });
  }
  if (!server.frontends.some((frontend) => frontend.kind !== 'clusterIP')) return;
  const external = subjectOf(service, 'spec.externalTrafficPolicy');
  if (server.externalTrafficPolicy === 'Cluster') {
    const values = { port: port.label, endpoints: cluster.length };
    notes.add('policy-external-cluster', { on: external, values });
  } else if (local.length > 0) {
    const values = { ...base, endpoints: local.length };
    notes.add('policy-external-local', { on: external, values });
  } else {
    notes.add('policy-external-local-none', { on: external, values: { ...base, elsewhere } });
  }
}

function tellChoice(c: ServiceCase, port: PortCase, server: VirtualServer): void {
  const { notes, slices, service } = c;
  const { cluster, local } = endpointPools(server);
  const inside = server.internalTrafficPolicy === 'Local' ? local : cluster;
  const isLocalOutside =
    server.externalTrafficPolicy === 'Local' && server.internalTrafficPolicy === 'Cluster';
  const outside = isLocalOutside ? local : [];
  if (inside.length === 0 && outside.length === 0) return;
  tellScheduler(c, port, server);
  if (!tellWeights(c, port, inside)) return;
  const on = subjectOf(slices[0] ?? service, 'endpoints');
  const takers = inside.filter(takesNew).map(endpointLabel);
  if (takers.length > 0) {
    notes.add('endpoint-choice', { on, values: { port: port.label, endpoints: takers } });
  }
  if (outside.length > 0) {
    const endpoints = outside.filter(takesNew).map(endpointLabel);
    notes.add('endpoint-choice-outside', { on, values: { port: port.label, endpoints } });
  }
}

const takesNew = (endpoint: Endpoint): boolean => endpoint.weight > 0;

/** False when nobody takes a new connection. */
function tellWeights(c: ServiceCase, port: PortCase, pool: readonly Endpoint[]): boolean {
  const drained = pool.filter((endpoint) => !takesNew(endpoint));
  if (drained.length === 0) return true;
  const { key: label } = annotations.weight;
  const name = drained[0]?.pod?.split('/')[1];
  const field = `metadata.labels[${label}]`;
  const on =
    name === undefined
      ? subjectOf(c.slices[0] ?? c.service, 'endpoints')
      : { kind: 'Pod', namespace: c.namespace, name, field };
  if (drained.length === pool.length) {
    c.notes.add('weights-zero', { on, values: { port: port.label, label } });
    return false;
  }
  const values = { port: port.label, drained: drained.map(endpointLabel) };
  c.notes.add('weights-some-zero', { on, values });
  return true;
}
