/**
 * Which endpoints each path of a ServicePort may use: kube-proxy 1.36's CategorizeEndpoints
 * (pkg/proxy/topology.go), as pure data in, data out.
 */
import type {
  Endpoint,
  Frontend,
  PoolName,
  Pools,
  TrafficPolicy,
  VirtualServer,
} from './service-port.ts';

/** What of a ServicePort decides which pools it needs. */
export interface PoolNeeds {
  readonly frontends: readonly Frontend[];
  readonly internalTrafficPolicy: TrafficPolicy;
  readonly externalTrafficPolicy: TrafficPolicy;
}

/** Where the node stands: its name and zone. */
export interface NodePlace {
  readonly name: string;
  readonly zone: string | undefined;
}

export type TopologyMode = 'PreferSameNode' | 'PreferSameZone' | '';

const isFallback = (e: Endpoint): boolean => e.serving && e.terminating;

/** Ready endpoints; if there are none, those still serving while they terminate. */
export function usableEndpoints(all: readonly Endpoint[]): readonly Endpoint[] {
  const ready = all.filter((e) => e.ready);
  if (ready.length === all.length) return all;
  return ready.length > 0 ? ready : all.filter(isFallback);
}

/** Hints count only when every ready endpoint has them and some of them name this node or zone. */
export function topologyMode(ready: readonly Endpoint[], place: NodePlace): TopologyMode {
  if (ready.length === 0) return '';
  const sameNode =
    ready.every((e) => e.nodeHints.length > 0) &&
    ready.some((e) => e.nodeHints.includes(place.name));
  if (sameNode) return 'PreferSameNode';
  const zone = place.zone;
  if (zone === undefined || zone === '') return '';
  const sameZone =
    ready.every((e) => e.zoneHints.length > 0) && ready.some((e) => e.zoneHints.includes(zone));
  return sameZone ? 'PreferSameZone' : '';
}

function available(endpoint: Endpoint, mode: TopologyMode, place: NodePlace): boolean {
  if (mode === 'PreferSameNode') return endpoint.nodeHints.includes(place.name);
  if (mode === 'PreferSameZone') return endpoint.zoneHints.includes(place.zone ?? '');
  return true;
}

/** Topology never filters `local`; `cluster` and `local` fall back to terminating endpoints apart. */
export function choosePools(all: readonly Endpoint[], needs: PoolNeeds, place: NodePlace): Pools {
  if (all.length === 0) return { cluster: all, local: all, hasAny: false };
  const external = needs.frontends.some((f) => f.kind !== 'clusterIP');
  const usesCluster = needs.internalTrafficPolicy !== 'Local' || external;
  const usesLocal =
    needs.internalTrafficPolicy === 'Local' ||
    (needs.externalTrafficPolicy === 'Local' && external);
  const cluster = usesCluster ? clusterPool(all, place) : [];
  const local = usesLocal ? usableEndpoints(all.filter((e) => e.local)) : [];
  const hasAny = cluster.length > 0 || (usesLocal && all.some((e) => e.ready || isFallback(e)));
  return { cluster, local, hasAny };
}

/**
 * The pools of a per-request ServicePort as drivers see them: where there was an endpoint there is the gateway,
 * where there was none there is none, so that policies, REJECT and DROP stay as they are.
 */
export function throughGateway(pools: Pools, gateway: Record<PoolName, Endpoint>): Pools {
  const behind = (pool: PoolName): readonly Endpoint[] =>
    pools[pool].length === 0 ? pools[pool] : [gateway[pool]];
  return { cluster: behind('cluster'), local: behind('local'), hasAny: pools.hasAny };
}

/** Whether a gateway stands for its endpoints; undefined where nothing tells, since it has none. */
export function leadsToGateway({
  pools,
  perRequest,
}: Pick<VirtualServer, 'pools' | 'perRequest'>): boolean | undefined {
  if (perRequest === undefined) return false;
  // A pool that no policy uses is empty, and led nowhere.
  const used = (['cluster', 'local'] as const).filter((pool) => pools[pool].length > 0);
  if (used.length === 0) return undefined;
  return used.some((pool) => pools[pool] !== perRequest.pools[pool]);
}

function clusterPool(all: readonly Endpoint[], place: NodePlace): readonly Endpoint[] {
  const ready = all.filter((e) => e.ready);
  const mode = topologyMode(ready, place);
  if (mode === '') return usableEndpoints(all);
  const near = ready.filter((e) => available(e, mode, place));
  return near.length > 0 ? near : all.filter(isFallback);
}
