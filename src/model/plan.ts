/**
 * Plan: the immutable set of a node's VirtualServers. Delta: the difference of two Plans.
 *
 * Making the next Plan costs as much as the change; `apply` gets the Delta, so that drivers pay the same.
 */
import { familyOf, type Cidr } from './address.ts';
import { BucketMap, type Change } from './bucket-map.ts';
import type { Frontend, Protocol, VirtualServer } from './service-port.ts';

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
}

export interface Plan {
  /** Grows by at least one from Plan to Plan of one node. */
  readonly revision: number;
  readonly node: NodeView;
  /** By ServicePort id. */
  readonly servers: BucketMap<VirtualServer>;
  /** By `frontendKey`: the VirtualServers that claim it, in order of id; the first one has it. */
  readonly frontends: BucketMap<readonly VirtualServer[]>;
  /** By address: how many ServicePorts have it as ClusterIP, whatever the port. */
  readonly clusterIps: BucketMap<number>;
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

/** `TCP/10.96.0.1:80`; the address is `nodePort` for a NodePort, which all node addresses share. */
export function frontendKey(
  protocol: Protocol,
  frontend: Pick<Frontend, 'address' | 'port'>,
): string {
  return `${protocol}/${frontend.address ?? 'nodePort'}:${frontend.port}`;
}

/** NodePorts of the two families are apart; every other key has its family in the address. */
export function frontendKeyOf(server: VirtualServer, frontend: Frontend): string {
  return frontend.address === undefined
    ? nodePortKey(server.ref.protocol, server.ref.family, frontend.port)
    : frontendKey(server.ref.protocol, frontend);
}

function nodePortKey(protocol: Protocol, family: string, port: number): string {
  return `${protocol}/nodePort ${family}:${port}`;
}

export function emptyPlan(node: NodeView): Plan {
  return {
    revision: 0,
    node,
    servers: BucketMap.empty(),
    frontends: BucketMap.empty(),
    clusterIps: BucketMap.empty(),
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
      frontends: plan.frontends.with(frontendChanges(plan, gone, come)),
      clusterIps: plan.clusterIps.with(clusterIpChanges(plan, gone, come)),
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

function frontendChanges(
  plan: Plan,
  gone: readonly VirtualServer[],
  come: readonly VirtualServer[],
): Change<readonly VirtualServer[]>[] {
  const claims = new Map<string, VirtualServer[]>();
  const claimsOf = (key: string): VirtualServer[] => {
    const found = claims.get(key) ?? [...(plan.frontends.get(key) ?? [])];
    claims.set(key, found);
    return found;
  };
  for (const server of gone) {
    for (const frontend of server.frontends) {
      const claimants = claimsOf(frontendKeyOf(server, frontend));
      const at = claimants.findIndex((c) => c.id === server.id);
      if (at >= 0) claimants.splice(at, 1);
    }
  }
  for (const server of come) {
    for (const frontend of server.frontends) {
      const claimants = claimsOf(frontendKeyOf(server, frontend));
      if (!claimants.includes(server)) claimants.push(server);
      claimants.sort((a, b) => (a.id < b.id ? -1 : 1));
    }
  }
  return [...claims].map(([key, value]) => [key, value.length === 0 ? undefined : value] as const);
}

function clusterIpChanges(
  plan: Plan,
  gone: readonly VirtualServer[],
  come: readonly VirtualServer[],
): Change<number>[] {
  const counts = new Map<string, number>();
  const add = (servers: readonly VirtualServer[], by: number): void => {
    for (const server of servers) {
      for (const frontend of server.frontends) {
        if (frontend.kind !== 'clusterIP' || frontend.address === undefined) continue;
        const before = counts.get(frontend.address) ?? plan.clusterIps.get(frontend.address) ?? 0;
        counts.set(frontend.address, before + by);
      }
    }
  };
  add(gone, -1);
  add(come, 1);
  return [...counts].map(([address, count]) => [address, count === 0 ? undefined : count] as const);
}

/** The VirtualServer that has an address and port, with the frontend it is reached at. */
export function findFrontend(
  plan: Plan,
  protocol: Protocol,
  address: string,
  port: number,
): { readonly server: VirtualServer; readonly frontend: Frontend } | undefined {
  const exact = plan.frontends.get(frontendKey(protocol, { address, port }))?.[0];
  if (exact !== undefined) {
    const frontend = exact.frontends.find((f) => f.address === address && f.port === port);
    return frontend === undefined ? undefined : { server: exact, frontend };
  }
  if (!plan.node.nodePortAddresses.includes(address)) return undefined;
  const server = plan.frontends.get(nodePortKey(protocol, familyOf(address), port))?.[0];
  const frontend = server?.frontends.find((f) => f.kind === 'nodePort' && f.port === port);
  return server === undefined || frontend === undefined ? undefined : { server, frontend };
}
