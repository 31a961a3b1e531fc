/** Service + its EndpointSlices -> VirtualServers, sharing everything that did not change with the old ones. */
import { isDeepStrictEqual } from 'node:util';
import type { EndpointSlice, Service } from '../kube/index.ts';
import {
  choosePools,
  servicePortId,
  throughGateway,
  type Endpoint,
  type NodeView,
  type VirtualServer,
} from '../model/index.ts';
import { endpointsOf } from './endpoints.ts';
import { servicePortsOf, type ServicePortDraft } from './service-ports.ts';

export interface CompileContext {
  readonly node: NodeView;
  /** The weight a Pod's label gives it; undefined when it has none. */
  readonly weightOf: (namespace: string, pod: string) => number | undefined;
  /** The live gateway's port for a per-request ServicePort; undefined when there is none. */
  readonly gatewayOf: (id: string) => Endpoint | undefined;
  /** The current VirtualServer of an id. */
  readonly before: (id: string) => VirtualServer | undefined;
}

/** The VirtualServers of one Service on one node. */
export function compileService(
  service: Service,
  slices: readonly EndpointSlice[],
  context: CompileContext,
): readonly VirtualServer[] {
  return servicePortsOf(service).map((draft) => {
    const compiled = compilePort(draft, slices, context);
    const old = context.before(compiled.id);
    return old === undefined ? compiled : keepUnchanged(old, compiled);
  });
}

function compilePort(
  { perRequest, ...draft }: ServicePortDraft,
  slices: readonly EndpointSlice[],
  { node, weightOf, gatewayOf }: CompileContext,
): VirtualServer {
  const id = servicePortId(draft.ref);
  const endpoints = endpointsOf(draft.ref, slices, { nodeName: node.name, weightOf });
  const pools = choosePools(endpoints, draft, node);
  const gateway = perRequest === undefined ? undefined : gatewayOf(id);
  return {
    id,
    ...draft,
    endpoints,
    pools: gateway === undefined ? pools : throughGateway(pools, gateway),
    perRequest: perRequest === undefined ? undefined : { affinity: perRequest, pools },
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
