/**
 * Plan: the immutable set of a node's VirtualServers. Delta: the difference of two Plans.
 *
 * Making the next Plan costs as much as the change; `apply` gets the Delta, so that drivers pay the same.
 */
import { familyOf, type Cidr } from './address.ts';
import { BucketMap, type Change } from './bucket-map.ts';
import {
  claimsOf,
  indexChanges,
  nodePortKey,
  winner,
  type Claim,
  type FrontendIndex,
} from './frontend-index.ts';
import type { Protocol, VirtualServer } from './service-port.ts';

/** What a Plan knows of its node. Compared by reference. */
export interface NodeView {
  readonly name: string;
  readonly zone: string | undefined;
  /** Every address of the node itself. */
  readonly addresses: readonly string[];
  /** Where NodePorts answer. */
  readonly nodePortAddresses: readonly string[];
  /** The Service ranges: an address inside that no Service has is dropped, not passed. */
  readonly serviceRanges: readonly Cidr[];
  /** Masquerade ClusterIP traffic whatever its source. */
  readonly masqueradeAll: boolean;
  /** True when it is known which sources are local Pods; masquerade of the others rests on it. */
  readonly detectsLocalPods: boolean;
  /** Where the cluster has the node's Pods; undefined when nobody asked, or it has not said. */
  readonly podRanges?: readonly Cidr[] | undefined;
}

export interface Plan {
  /** Grows by at least one from Plan to Plan of one node. */
  readonly revision: number;
  readonly node: NodeView;
  /** By ServicePort id. */
  readonly servers: BucketMap<VirtualServer>;
  readonly frontends: FrontendIndex;
}

export interface ServerUpdate {
  readonly before: VirtualServer;
  readonly after: VirtualServer;
}

/** What turns one Plan into another. */
export interface Delta {
  readonly fromRevision: number;
  readonly toRevision: number;
  readonly added: readonly VirtualServer[];
  readonly updated: readonly ServerUpdate[];
  readonly removed: readonly VirtualServer[];
  readonly nodeChanged: boolean;
}

/** Every VirtualServer a Delta is about; those that changed as they were and as they are. */
export function serversOf({ added, removed, updated }: Delta): readonly VirtualServer[] {
  return [...added, ...removed, ...updated.flatMap(({ before, after }) => [before, after])];
}

export function emptyPlan(node: NodeView): Plan {
  return {
    revision: 0,
    node,
    servers: BucketMap.empty(),
    frontends: BucketMap.empty(),
  };
}

/**
 * Changes to a Plan: VirtualServers to set, ids to remove, and the node's view when it changed. An id that is in
 * both is set.
 */
export interface PlanChange {
  readonly set: readonly VirtualServer[];
  readonly remove: readonly string[];
  readonly node?: NodeView | undefined;
}

/** The next Plan and its Delta; undefined when nothing differs. */
export function nextPlan(
  plan: Plan,
  change: PlanChange,
): { readonly plan: Plan; readonly delta: Delta } | undefined {
  const added: VirtualServer[] = [];
  const updated: ServerUpdate[] = [];
  const removed: VirtualServer[] = [];
  const servers: Change<VirtualServer>[] = [];
  for (const [id, after] of wanted(change)) {
    const before = plan.servers.get(id);
    if (before === after) continue;
    if (after === undefined) removed.push(...(before === undefined ? [] : [before]));
    else if (before === undefined) added.push(after);
    else updated.push({ before, after });
    servers.push([id, after]);
  }
  const node = change.node ?? plan.node;
  const nodeChanged = node !== plan.node;
  if (servers.length === 0 && !nodeChanged) return undefined;
  const gone = [...removed, ...updated.map((u) => u.before)];
  const come = [...added, ...updated.map((u) => u.after)];
  const revision = plan.revision + 1;
  return {
    plan: {
      revision,
      node,
      servers: plan.servers.with(servers),
      frontends: plan.frontends.with(indexChanges(plan.frontends, gone, come)),
    },
    delta: {
      fromRevision: plan.revision,
      toRevision: revision,
      added,
      updated,
      removed,
      nodeChanged,
    },
  };
}

/** Each id once, with what it shall be. */
function wanted(change: PlanChange): ReadonlyMap<string, VirtualServer | undefined> {
  const all = new Map<string, VirtualServer | undefined>();
  for (const id of change.remove) all.set(id, undefined);
  for (const server of change.set) all.set(server.id, server);
  return all;
}

/** The VirtualServer that has an address and port, with the frontend it is reached at. */
export function findFrontend(
  plan: Plan,
  protocol: Protocol,
  address: string,
  port: number,
): Claim | undefined {
  const exact = winner(plan.frontends.get(address), protocol, port);
  if (exact !== undefined || !plan.node.nodePortAddresses.includes(address)) return exact;
  const key = nodePortKey(protocol, familyOf(address), port);
  return winner(plan.frontends.get(key), protocol, port);
}

/** True when a Service has the address as ClusterIP, whatever its ports. */
export function isClusterIp(plan: Plan, address: string): boolean {
  const claims = claimsOf(plan.frontends.get(address));
  return claims.some(({ frontend }) => frontend.kind === 'clusterIP');
}
