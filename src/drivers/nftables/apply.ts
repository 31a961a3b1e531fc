/**
 * Follows Plans: what a Delta touches is rendered as it was and as it shall be, and the difference goes to the
 * kernel as one commit. Without a Delta, or when the frame itself differs, both tables are made anew in one.
 */
import { NftBatch } from '../../codec/nftables/index.ts';
import {
  claimantsOf,
  serversOf,
  type Cidr,
  type Delta,
  type IpFamily,
  type Plan,
  type Random,
  type VirtualServer,
} from '../../model/index.ts';
import { affinityName, maxClients } from './affinity.ts';
import { Shared, writeChanges, type PieceChange } from './difference.ts';
import type { InheritedAffinity } from './inherited-affinity.ts';
import { families, tableName } from './family.ts';
import { frameOf } from './frame.ts';
import { tableComment } from './kernel.ts';
import { detectionIn, type Detection, type LocalPods } from './local-pods.ts';
import { Places, type Placement } from './placement.ts';
import { renderNode } from './render-node.ts';
import { renderServer, type Pieces } from './render.ts';

export interface Placed {
  readonly server: VirtualServer;
  readonly placement: Placement;
}

/** What the kernel has, as far as we made it. */
export interface Standing {
  readonly plan: Plan;
  readonly servers: Map<string, Placed>;
  readonly places: Places;
  readonly shared: Readonly<Record<IpFamily, Shared>>;
}

/** A commit that is ready, and what is true when the kernel has taken it. */
export interface Staged {
  readonly batch: NftBatch;
  /** What it changes, by id; undefined for what goes. `whole`: it makes everything anew. */
  readonly next: ReadonlyMap<string, Placed | undefined> | 'whole';
  /** Makes it true. */
  settle(): Standing;
}

const familyNames = ['IPv4', 'IPv6'] as const satisfies readonly IpFamily[];

/** Rendered together: what is rendered is many times larger than the bytes that become of it. */
const atOnce = 256;

/** Everything from nothing. */
export function stageWhole(
  plan: Plan,
  {
    random,
    localPods,
    inherited,
  }: {
    readonly random: Random;
    readonly localPods: LocalPods | undefined;
    /** What the tables that go knew of clients. */
    readonly inherited?: Readonly<Record<IpFamily, InheritedAffinity>> | undefined;
  },
): Staged {
  const standing: Standing = {
    plan,
    servers: new Map(),
    places: new Places(random),
    shared: { IPv4: new Shared(), IPv6: new Shared() },
  };
  const batch = new NftBatch(1 << 16);
  for (const { servers } of Object.values(inherited ?? {}))
    standing.places.reserve(servers.values());
  for (const [id, server] of plan.servers) {
    const affinity = inherited?.[server.ref.family].servers.get(id);
    const placement = standing.places.place(server, affinity && { affinity });
    standing.servers.set(id, { server, placement });
  }
  for (const family of familyNames) {
    writeWhole(batch, family, { standing, localPods });
    if (inherited === undefined) continue;
    const own = [...standing.servers.values()].filter(({ server }) => server.ref.family === family);
    writeClients(batch, own, inherited[family]);
  }
  return { batch, next: 'whole', settle: () => standing };
}

/** Clients stay where they were, for as long as they had left. */
function writeClients(
  batch: NftBatch,
  own: readonly Placed[],
  { clients }: InheritedAffinity,
): void {
  const room = new Map<string, number>();
  for (const { server, placement } of own) {
    if (server.affinity.kind !== 'clientIP' || placement.affinity === undefined) continue;
    const afterMs = server.affinity.timeoutSeconds * 1_000;
    const map = affinityName(server.affinity.timeoutSeconds);
    // A map that overflows would have the kernel refuse everything.
    const left = room.get(map) ?? maxClients;
    const those = (clients.get(placement.affinity.number) ?? []).slice(0, left);
    room.set(map, left - those.length);
    const elements = those.map(({ key, data, leftMs }) => ({
      key,
      data,
      expires: { afterMs, leftMs: Math.min(leftMs, afterMs) },
    }));
    if (elements.length > 0) batch.addElements(map, elements);
  }
}

/** Everything of a family that stands. `rendered` is told of each VirtualServer's pieces. */
export function writeWhole(
  batch: NftBatch,
  family: IpFamily,
  {
    standing: { plan, servers, shared: all },
    localPods,
    rendered = () => undefined,
  }: {
    readonly standing: Omit<Standing, 'places'>;
    readonly localPods: LocalPods | undefined;
    readonly rendered?: (id: string, pieces: Pieces) => void;
  },
): void {
  const shared = all[family];
  const pods = detectionIn(family, plan.node, localPods);
  writeFrame(batch, family, { plan, localPods: pods });
  const node = renderNode(family, plan.node, pods);
  writeChanges(batch, [{ before: undefined, after: node }], { family, shared });
  const own = [...servers.values()].filter(({ server }) => server.ref.family === family);
  for (let i = 0; i < own.length; i += atOnce) {
    const changes = own.slice(i, i + atOnce).map(({ server, placement }) => {
      const after = renderServer(plan, server, placement);
      rendered(server.id, after);
      return { before: undefined, after };
    });
    writeChanges(batch, changes, { family, shared });
  }
}

/** What follows from a Delta. */
export function stageDelta(
  standing: Standing,
  plan: Plan,
  { delta, localPods }: { delta: Delta; localPods: LocalPods | undefined },
): Staged {
  const batch = new NftBatch();
  const touched = touchedBy(standing, plan, delta);
  const next = new Map<string, Placed | undefined>();
  for (const id of touched) {
    const server = plan.servers.get(id);
    const before = standing.servers.get(id)?.placement;
    next.set(
      id,
      server === undefined
        ? undefined
        : { server, placement: standing.places.place(server, before) },
    );
  }
  for (const family of familyNames) {
    const changes = [...next].flatMap(([id, after]): PieceChange[] => {
      const before = standing.servers.get(id);
      if ((after ?? before)?.server.ref.family !== family) return [];
      return [
        {
          before: before && renderServer(standing.plan, before.server, before.placement),
          after: after && renderServer(plan, after.server, after.placement),
        },
      ];
    });
    if (delta.nodeChanged) {
      const nodeIn = ({ node }: Plan): Pieces =>
        renderNode(family, node, detectionIn(family, node, localPods));
      changes.push({
        before: nodeIn(standing.plan),
        after: nodeIn(plan),
      });
    }
    if (changes.length > 0) {
      writeChanges(batch, changes, { family, shared: standing.shared[family] });
    }
  }
  return { batch, next, settle: () => settleDelta(standing, plan, next) };
}

function settleDelta(
  standing: Standing,
  plan: Plan,
  next: ReadonlyMap<string, Placed | undefined>,
): Standing {
  const { servers, places } = standing;
  for (const [id, after] of next) {
    const before = servers.get(id);
    if (before !== undefined) places.release(before.placement, after?.placement);
    if (after === undefined) servers.delete(id);
    else servers.set(id, after);
  }
  return { ...standing, plan };
}

/** True when the tables' frame would be another, which only a whole rendering can give them. */
export function needsWhole(before: Plan, after: Plan): boolean {
  return (
    before.node.masqueradeAll !== after.node.masqueradeAll ||
    before.node.detectsLocalPods !== after.node.detectsLocalPods ||
    familiesOf(before.node.podRanges) !== familiesOf(after.node.podRanges)
  );
}

function familiesOf(ranges: readonly Cidr[] | undefined): string {
  return [...new Set(ranges?.map(({ family }) => family))].toSorted().join();
}

function writeFrame(
  batch: NftBatch,
  name: IpFamily,
  { plan, localPods }: { plan: Plan; localPods: Detection | undefined },
): void {
  const family = families[name];
  batch.in({ family: family.number, name: tableName });
  // Added first, so that there is one to delete.
  batch.addTable();
  batch.deleteTable();
  batch.addTable(tableComment);
  const { masqueradeAll } = plan.node;
  const { sets, chains, rules } = frameOf(family, { masqueradeAll, localPods });
  for (const set of sets) batch.addSet(set);
  for (const chain of chains) batch.addChain(chain.name, chain);
  for (const rule of rules) batch.addRule(rule);
}

/** The ids whose pieces may differ after this Delta. */
function touchedBy(standing: Standing, plan: Plan, delta: Delta): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const server of serversOf(delta)) {
    ids.add(server.id);
    for (const frontend of server.frontends) {
      for (const { id } of claimantsOf(plan.frontends, server, frontend)) ids.add(id);
    }
  }
  if (delta.nodeChanged) {
    // Source ranges are compared with the node's addresses when they are rendered.
    for (const [id, { server }] of standing.servers) {
      if (server.sourceRanges.length > 0) ids.add(id);
    }
  }
  return ids;
}
