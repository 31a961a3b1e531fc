/** Service + its EndpointSlices -> VirtualServers, sharing everything that did not change with the old ones. */
import { isDeepStrictEqual } from 'node:util';
import type { EndpointSlice, Service } from '../kube/index.ts';
import { choosePools, servicePortId, type NodeView, type VirtualServer } from '../model/index.ts';
import { endpointsOf } from './endpoints.ts';
import { servicePortsOf, type ServicePortDraft } from './service-ports.ts';

/** The VirtualServers of one Service on one node; `before` finds the current one of an id. */
export function compileService(
  service: Service,
  slices: readonly EndpointSlice[],
  node: NodeView,
  before: (id: string) => VirtualServer | undefined,
): readonly VirtualServer[] {
  return servicePortsOf(service).map((draft) => {
    const compiled = compilePort(draft, slices, node);
    const old = before(compiled.id);
    return old === undefined ? compiled : keepUnchanged(old, compiled);
  });
}

function compilePort(
  draft: ServicePortDraft,
  slices: readonly EndpointSlice[],
  node: NodeView,
): VirtualServer {
  const endpoints = endpointsOf(draft.ref, slices, node.name);
  return {
    id: servicePortId(draft.ref),
    ...draft,
    endpoints,
    pools: choosePools(endpoints, draft, node),
  };
}

/**
 * The old object where nothing differs, and old pools where they did not: a driver's scheduler state belongs to
 * a pool array, so an unrelated edit of the Service must not restart its round robin.
 */
function keepUnchanged(old: VirtualServer, next: VirtualServer): VirtualServer {
  if (isDeepStrictEqual(old, next)) return old;
  const cluster = keep(old.pools.cluster, next.pools.cluster);
  const local = keep(old.pools.local, next.pools.local);
  return {
    ...next,
    endpoints: keep(old.endpoints, next.endpoints),
    pools: { cluster, local, hasAny: next.pools.hasAny },
  };
}

function keep<T>(old: T, next: T): T {
  return isDeepStrictEqual(old, next) ? old : next;
}
