/**
 * Connections per endpoint, from the counters of the slots: a slot counts the first packet of each connection.
 * What a slot has counted is taken over before the slot goes.
 */
import {
  endpointKey,
  type EndpointCounters,
  type IpFamily,
  type Observation,
} from '../../model/index.ts';
import type { FlowCounters, FlowCounts } from '../netfilter/index.ts';
import { isNotFound } from '../../sys/netlink/index.ts';
import type { Placed, Staged, Standing } from './apply.ts';
import { word } from './family.ts';
import type { Kernel } from './kernel.ts';

const familyNames = ['IPv4', 'IPv6'] as const satisfies readonly IpFamily[];

const none = { in: 0, out: 0 };
/** Of an endpoint that no connection leads to. */
const idle: FlowCounts = { open: 0, bytes: none };

export class Counters {
  /** By ServicePort id and endpoint key: what slots that have gone had counted. */
  private readonly past = new Map<string, Map<string, number>>();

  /** Reads the slots that a commit takes away; what it returns keeps their counts, once the kernel has taken it. */
  before(kernel: Kernel, standing: Standing, next: Staged['next']): () => void {
    const counts = next === 'whole' ? now(kernel, standing) : goingCounts(kernel, standing, next);
    return () => {
      for (const [id, endpoints] of counts) {
        for (const [endpoint, packets] of endpoints) this.add(id, endpoint, packets);
      }
    };
  }

  observe(kernel: Kernel, standing: Standing, flows: FlowCounters): Observation {
    const current = now(kernel, standing);
    const carried = flows.observe();
    const bytesUnknown = flows.accountingOff ? 'accounting-off' : undefined;
    const endpoints = new Map<string, Map<string, EndpointCounters>>();
    for (const [id, { server }] of standing.servers) {
      const own = new Map<string, EndpointCounters>();
      for (const endpoint of server.endpoints) {
        const key = endpointKey(endpoint);
        const flow = carried === undefined ? undefined : (carried.get(id)?.get(key) ?? idle);
        const bytes = bytesUnknown === undefined ? flow && (flow.bytes ?? none) : undefined;
        const connections = this.pastOf(id, key) + (current.get(id)?.get(key) ?? 0);
        own.set(key, {
          connections,
          open: flow?.open,
          failures: undefined,
          bytesIn: bytes?.in,
          bytesOut: bytes?.out,
        });
      }
      endpoints.set(id, own);
    }
    return { endpoints, bytesUnknown };
  }

  /** Forgets Services and endpoints that have gone. */
  follow({ servers }: Standing, changed: Staged['next']): void {
    for (const id of changed === 'whole' ? [...this.past.keys()] : changed.keys()) {
      const past = this.past.get(id);
      if (past === undefined) continue;
      const keys = new Set(servers.get(id)?.server.endpoints.map(endpointKey));
      for (const key of past.keys()) if (!keys.has(key)) past.delete(key);
      if (past.size === 0) this.past.delete(id);
    }
  }

  private pastOf(id: string, endpoint: string): number {
    return this.past.get(id)?.get(endpoint) ?? 0;
  }

  private add(id: string, endpoint: string, packets: number): void {
    const own = this.past.get(id) ?? new Map<string, number>();
    own.set(endpoint, (own.get(endpoint) ?? 0) + packets);
    this.past.set(id, own);
  }
}

type Counts = Map<string, Map<string, number>>;

function goingCounts(
  kernel: Kernel,
  standing: Standing,
  next: ReadonlyMap<string, Placed | undefined>,
): Counts {
  const counts: Counts = new Map();
  for (const family of familyNames) {
    const going = new Map<number, readonly [id: string, endpoint: string]>();
    for (const [id, after] of next) {
      const before = standing.servers.get(id);
      if (before === undefined || before.server.ref.family !== family) continue;
      const kept = new Map(after === undefined ? [] : slotsOf(after));
      for (const [slot, endpoint] of slotsOf(before)) {
        if (kept.get(slot) !== endpoint) going.set(slot, [id, endpoint]);
      }
    }
    if (going.size === 0) continue;
    for (const [slot, packets] of readSlots(kernel, family, [...going.keys()])) {
      const [id, endpoint] = going.get(slot) ?? [];
      if (id === undefined || endpoint === undefined) continue;
      const own = counts.get(id) ?? new Map<string, number>();
      own.set(endpoint, (own.get(endpoint) ?? 0) + packets);
      counts.set(id, own);
    }
  }
  return counts;
}

function now(kernel: Kernel, standing: Standing): Counts {
  const all: Counts = new Map();
  for (const family of familyNames) {
    const counted = new Map(readSlots(kernel, family));
    for (const [id, placed] of standing.servers) {
      if (placed.server.ref.family !== family) continue;
      const own = new Map<string, number>();
      for (const [slot, endpoint] of slotsOf(placed)) {
        own.set(endpoint, (own.get(endpoint) ?? 0) + (counted.get(slot) ?? 0));
      }
      all.set(id, own);
    }
  }
  return all;
}

/** Each slot with the endpoint behind it. */
function slotsOf({ placement }: Placed): readonly (readonly [slot: number, endpoint: string])[] {
  const { affinity, pools } = placement;
  if (affinity !== undefined) return [...affinity.endpoints].map(([key, slot]) => [slot, key]);
  return Object.values(pools).flatMap(({ base, ring, endpoints }) =>
    [...ring].flatMap((index, i): [number, string][] => {
      const endpoint = endpoints[index];
      return endpoint === undefined ? [] : [[base + i, endpointKey(endpoint)]];
    }),
  );
}

function readSlots(
  kernel: Kernel,
  family: IpFamily,
  slots?: readonly number[],
): readonly (readonly [slot: number, packets: number])[] {
  try {
    const counts = kernel.counts(family, slots?.map(word));
    return counts.map(({ key, packets }) => [
      new DataView(key.buffer, key.byteOffset).getUint32(0, true),
      Number(packets),
    ]);
  } catch (error) {
    // The table has been taken away: what it had counted is lost.
    if (isNotFound(error)) return [];
    throw error;
  }
}
