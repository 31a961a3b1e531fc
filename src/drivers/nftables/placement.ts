/**
 * Where a VirtualServer's pools stand among the slots that all Services share. Slots are numbered once and given
 * back; a pool that stays as it was keeps its slots, and with them its turn and its counters.
 */
import {
  createSchedulerState,
  effectiveScheduler,
  endpointKey,
  EndpointLoads,
  type Endpoint,
  type PoolName,
  type Random,
  type VirtualServer,
} from '../../model/index.ts';
import { nftablesCapabilities, type NftablesScheduler } from './capabilities.ts';

export interface PlacedPool {
  readonly endpoints: readonly Endpoint[];
  readonly scheduler: NftablesScheduler;
  /** The number of its first slot. */
  readonly base: number;
  /** Slot -> index in `endpoints`; for a scheduler that takes turns it begins at a random place. */
  readonly ring: Uint32Array;
}

/** With ClientIP affinity endpoints have numbers of their own, which stay as long as the endpoint does. */
export interface PlacedAffinity {
  /** What all its numbers have in common. */
  readonly number: number;
  /** By endpoint key. */
  readonly endpoints: ReadonlyMap<string, number>;
  /** Where the search for the next number begins. */
  readonly next: number;
}

export interface Placement {
  readonly pools: Readonly<Partial<Record<PoolName, PlacedPool>>>;
  readonly affinity: PlacedAffinity | undefined;
}

/** What is left of a placement: all of it, or what a table that is made anew remembers. */
export type Former = Pick<Placement, 'affinity'> & Partial<Placement>;

/** These schedulers never ask for loads. */
const noLoads = new EndpointLoads();

/** Numbers of endpoints with affinity have this bit and no slot of a ring has it. */
export const affinityBit = 0x4000_0000;

/** Endpoints of one ServicePort with affinity; bits of their numbers below those of the ServicePort. */
export const maxAffinityEndpoints = 1 << 14;

/** The lowest slot is 1: a mark of 0 says that nothing was chosen. */
const firstSlot = 1;

export class Places {
  private readonly random: Random;
  private nextSlot = firstSlot;
  private nextServer = 0;
  private readonly freeBlocks = new Map<number, number[]>();
  private readonly freeServers: number[] = [];

  constructor(random: Random) {
    this.random = random;
  }

  /** Numbers of affinity that an earlier table gave out: nobody else is to get them. */
  reserve(inherited: Iterable<PlacedAffinity>): void {
    for (const { number } of inherited) {
      const index = (number - affinityBit) / maxAffinityEndpoints;
      this.nextServer = Math.max(this.nextServer, index + 1);
    }
  }

  /** What has not changed since `before` stays where it was. */
  place(server: VirtualServer, before: Former | undefined): Placement {
    const pools: Partial<Record<PoolName, PlacedPool>> = {};
    for (const name of poolsUsed(server)) {
      const pool = this.placePool(server, name, before?.pools?.[name]);
      if (pool !== undefined) pools[name] = pool;
    }
    return { pools, affinity: this.placeAffinity(server, before?.affinity) };
  }

  /** Gives back what `before` had and `after` has not. */
  release(before: Placement, after: Placement | undefined): void {
    const kept = new Set(Object.values(after?.pools ?? {}).map(({ base }) => base));
    for (const pool of Object.values(before.pools)) {
      if (!kept.has(pool.base)) this.freeBlock(pool.base, pool.ring.length);
    }
    const { affinity } = before;
    if (affinity !== undefined && after?.affinity === undefined) {
      this.freeServers.push(affinity.number);
    }
  }

  private placePool(
    server: VirtualServer,
    name: PoolName,
    before: PlacedPool | undefined,
  ): PlacedPool | undefined {
    const endpoints = server.pools[name];
    const { scheduler } = effectiveScheduler(server.scheduler, nftablesCapabilities.schedulers);
    if (
      before !== undefined &&
      before.scheduler === scheduler &&
      sameEndpoints(before.endpoints, endpoints)
    ) {
      return before;
    }
    const { ring, cursor } = createSchedulerState(scheduler, endpoints, noLoads, this.random);
    if (endpoints.length === 0) return undefined;
    if (takesTurns(scheduler)) {
      const turned = rotate(ring, cursor[0] ?? 0);
      return { endpoints, scheduler, base: this.takeBlock(ring.length), ring: turned };
    }
    // Nobody's turn is lost: of a table of thousands only the slots change that lead elsewhere.
    const stays = before?.scheduler === scheduler && before.ring.length === ring.length;
    return { endpoints, scheduler, base: stays ? before.base : this.takeBlock(ring.length), ring };
  }

  private placeAffinity(
    server: VirtualServer,
    before: PlacedAffinity | undefined,
  ): PlacedAffinity | undefined {
    if (server.affinity.kind === 'none') return undefined;
    const number = before?.number ?? this.takeServer();
    const keys = [...server.pools.cluster, ...server.pools.local].map(endpointKey);
    const endpoints = new Map<string, number>();
    for (const key of keys) {
      const known = before?.endpoints.get(key);
      if (known !== undefined) endpoints.set(key, known);
    }
    const used = new Set(before?.endpoints.values());
    let next = before?.next ?? 0;
    for (const key of keys) {
      if (endpoints.has(key) || used.size === maxAffinityEndpoints) continue;
      // Round and round: an old entry of a client must not soon name another endpoint.
      while (used.has(number + next)) next = (next + 1) % maxAffinityEndpoints;
      used.add(number + next);
      endpoints.set(key, number + next);
      next = (next + 1) % maxAffinityEndpoints;
    }
    return { number, endpoints, next };
  }

  private takeBlock(size: number): number {
    const free = this.freeBlocks.get(size)?.pop();
    if (free !== undefined) return free;
    const base = this.nextSlot;
    this.nextSlot += size;
    return base;
  }

  private freeBlock(base: number, size: number): void {
    const free = this.freeBlocks.get(size);
    if (free === undefined) this.freeBlocks.set(size, [base]);
    else free.push(base);
  }

  private takeServer(): number {
    return this.freeServers.pop() ?? affinityBit + this.nextServer++ * maxAffinityEndpoints;
  }
}

/** The pools its frontends can lead to. */
export function poolsUsed(server: VirtualServer): readonly PoolName[] {
  const used = new Set<PoolName>();
  for (const { kind } of server.frontends) {
    if (kind === 'clusterIP') {
      used.add(server.internalTrafficPolicy === 'Local' ? 'local' : 'cluster');
    } else {
      // Short-circuits lead to the cluster's pool also where the policy is Local.
      used.add('cluster');
      if (server.externalTrafficPolicy === 'Local') used.add('local');
    }
  }
  return [...used];
}

function takesTurns(scheduler: NftablesScheduler): boolean {
  return scheduler === 'rr' || scheduler === 'wrr';
}

function rotate(ring: Uint32Array, by: number): Uint32Array {
  return Uint32Array.from(ring, (_, i) => ring[(i + by) % ring.length] ?? 0);
}

function sameEndpoints(a: readonly Endpoint[], b: readonly Endpoint[]): boolean {
  if (a === b) return true;
  return (
    a.length === b.length &&
    a.every((one, i) => {
      const other = b[i];
      return (
        other !== undefined &&
        one.address === other.address &&
        one.port === other.port &&
        one.weight === other.weight
      );
    })
  );
}
