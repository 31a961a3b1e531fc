/** Service + its EndpointSlices -> VirtualServers, sharing everything that did not change with the old ones. */
import { isDeepStrictEqual } from 'node:util';
import type { EndpointSlice, Service } from '../kube/index.ts';
import {
  choosePools,
  servicePortId,
  throughGateway,
  type Endpoint,
  type Frontend,
  type NodeView,
  type PoolName,
  type Pools,
  type SchedulerName,
  type VirtualServer,
} from '../model/index.ts';
import { endpointsOf } from './endpoints.ts';
import { servicePortsOf, type ServicePortDraft } from './service-ports.ts';

export type FrontendsOf = (draft: ServicePortDraft) => readonly Frontend[] | undefined;

export interface CompileContext {
  readonly node: NodeView;
  /** The weight a Pod's label gives it; undefined when it has none. */
  readonly weightOf: (namespace: string, pod: string) => number | undefined;
  /** The live gateway's port for a per-request ServicePort; undefined when there is none. */
  readonly gatewayOf: (id: string, pool: PoolName) => Endpoint | undefined;
  /** Where a ServicePort answers here instead of where its Service says; undefined leaves it out of the Plan. */
  readonly frontendsOf?: FrontendsOf | undefined;
  /** Of Services that name none; round robin when undefined. */
  readonly defaultScheduler?: SchedulerName | undefined;
  /** The current VirtualServer of an id. */
  readonly before: (id: string) => VirtualServer | undefined;
}

/** The VirtualServers of one Service on one node. */
export function compileService(
  service: Service,
  slices: readonly EndpointSlice[],
  context: CompileContext,
): readonly VirtualServer[] {
  const { defaultScheduler, frontendsOf } = context;
  return servicePortsOf(service, defaultScheduler).flatMap((draft) => {
    const frontends = frontendsOf === undefined ? draft.frontends : frontendsOf(draft);
    if (frontends === undefined) return [];
    const compiled = compilePort({ ...draft, frontends }, slices, context);
    const old = context.before(compiled.id);
    return [old === undefined ? compiled : keepUnchanged(old, compiled)];
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
  const cluster = perRequest === undefined ? undefined : gatewayOf(id, 'cluster');
  const local = cluster === undefined ? undefined : gatewayOf(id, 'local');
  return {
    id,
    ...draft,
    endpoints,
    pools:
      cluster === undefined || local === undefined
        ? pools
        : throughGateway(pools, { cluster, local }),
    perRequest: perRequest === undefined ? undefined : { ...perRequest, pools },
  };
}

/**
 * The old object where nothing differs, and old pools where they did not: a driver's scheduler state belongs to
 * a pool array, so an unrelated edit of the Service must not restart its round robin.
 */
function keepUnchanged(old: VirtualServer, next: VirtualServer): VirtualServer {
  if (isDeepStrictEqual(old, next)) return old;
  const perRequest =
    next.perRequest === undefined
      ? undefined
      : {
          ...next.perRequest,
          pools: keepPools(old.perRequest?.pools ?? old.pools, next.perRequest.pools),
        };
  return {
    ...next,
    endpoints: keep(old.endpoints, next.endpoints),
    // Without a gateway both are the same pools, and stay that.
    pools:
      perRequest !== undefined && next.pools === next.perRequest?.pools
        ? perRequest.pools
        : keepPools(old.pools, next.pools),
    perRequest,
  };
}

function keepPools(old: Pools, next: Pools): Pools {
  const cluster = keep(old.cluster, next.cluster);
  return { cluster, local: keep(old.local, next.local), hasAny: next.hasAny };
}

function keep<T>(old: T, next: T): T {
  return isDeepStrictEqual(old, next) ? old : next;
}
