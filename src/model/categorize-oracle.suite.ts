/**
 * CategorizeEndpoints of kube-proxy 1.36 (pkg/proxy/topology.go), told again step by step in its own order and
 * without a thought for cost: what `choosePools` is held against.
 */
import type { Endpoint } from './service-port.ts';
import type { NodePlace, PoolNeeds } from './topology.ts';

export interface Categories {
  readonly cluster: readonly Endpoint[];
  readonly local: readonly Endpoint[];
  readonly hasAny: boolean;
}

export function categorizeNaively(
  endpoints: readonly Endpoint[],
  needs: PoolNeeds,
  place: NodePlace,
): Categories {
  let cluster: Endpoint[] = [];
  let local: Endpoint[] = [];
  let hasAny = false;
  if (endpoints.length === 0) return { cluster, local, hasAny };

  let externallyAccessible = false;
  for (const frontend of needs.frontends) {
    if (frontend.kind === 'nodePort') externallyAccessible = true;
    if (frontend.kind === 'loadBalancer') externallyAccessible = true;
    if (frontend.kind === 'externalIP') externallyAccessible = true;
  }
  const internalLocal = needs.internalTrafficPolicy === 'Local';
  const externalLocal = needs.externalTrafficPolicy === 'Local';
  const usesCluster = !internalLocal || externallyAccessible;
  const usesLocal = internalLocal || (externalLocal && externallyAccessible);

  if (usesCluster) {
    const mode = modeFromHints(endpoints, place);
    for (const e of endpoints) if (e.ready && availableForTopology(e, mode, place)) cluster.push(e);
    if (cluster.length === 0) cluster = servingTerminating(endpoints);
    hasAny = cluster.length > 0;
  }
  if (!usesLocal) return { cluster, local, hasAny };

  let anyLocalReady = false;
  for (const e of endpoints) {
    if (e.ready || (e.serving && e.terminating)) hasAny = true;
    if (e.local && e.ready) anyLocalReady = true;
  }
  for (const e of endpoints) if (e.local && e.ready) local.push(e);
  if (!anyLocalReady) local = servingTerminating(endpoints).filter((e) => e.local);
  return { cluster, local, hasAny };
}

function servingTerminating(endpoints: readonly Endpoint[]): Endpoint[] {
  const found: Endpoint[] = [];
  for (const e of endpoints) if (e.serving && e.terminating) found.push(e);
  return found;
}

function modeFromHints(endpoints: readonly Endpoint[], place: NodePlace): string {
  let allHaveNodeHints = true;
  let someNameMyNode = false;
  let allHaveZoneHints = true;
  let someNameMyZone = false;
  for (const e of endpoints) {
    if (!e.ready) continue;
    if (e.nodeHints.length === 0) allHaveNodeHints = false;
    if (e.zoneHints.length === 0) allHaveZoneHints = false;
    for (const node of e.nodeHints) if (node === place.name) someNameMyNode = true;
    for (const zone of e.zoneHints) if (zone === place.zone && zone !== '') someNameMyZone = true;
  }
  if (allHaveNodeHints && someNameMyNode) return 'PreferSameNode';
  if (allHaveZoneHints && someNameMyZone) return 'PreferSameZone';
  return '';
}

function availableForTopology(endpoint: Endpoint, mode: string, place: NodePlace): boolean {
  if (mode === '') return true;
  if (mode === 'PreferSameNode') return endpoint.nodeHints.some((node) => node === place.name);
  return endpoint.zoneHints.some((zone) => zone === place.zone);
}
