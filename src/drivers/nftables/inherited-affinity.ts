/**
 * Which client is where, as tables that are about to be made anew know it: those of an earlier run, or our own before
 * a whole rendering. Clients are not sent elsewhere because somebody started again.
 */
import { endpointKey, formatIp, type IpFamily } from '../../model/index.ts';
import type { TableElement } from '../../codec/nftables/index.ts';
import { families } from './family.ts';
import { affinityBit, maxAffinityEndpoints, type PlacedAffinity } from './placement.ts';

/** The elements of a set or map; empty when there is none of that name. */
type ReadElements = (set: string) => readonly TableElement[];

/** A client's entry in a map: `Service . client -> endpoint`. */
interface InheritedClient {
  readonly key: Uint8Array;
  readonly data: Uint8Array;
  readonly leftMs: number;
}

export interface InheritedAffinity {
  /** By ServicePort id: its numbers. */
  readonly servers: ReadonlyMap<string, PlacedAffinity>;
  /** By the number of a ServicePort: its clients. */
  readonly clients: ReadonlyMap<number, readonly InheritedClient[]>;
}

const serviceMask = ~(maxAffinityEndpoints - 1);
/** As `affinityChain` names it. */
const chainName = /^(affinity-\d+)-(?:cluster|local)$/;

export function readInheritedAffinity(family: IpFamily, read: ReadElements): InheritedAffinity {
  const servers = new Map<string, PlacedAffinity>();
  const clients = new Map<number, InheritedClient[]>();
  const numbers = new Map<number, string>();
  const maps = new Set<string>();
  for (const { key, comment, chain } of read('affinities')) {
    const [, map] = chainName.exec(chain ?? '') ?? [];
    const number = numberOf(key);
    if (comment === undefined || map === undefined || number === undefined) continue;
    numbers.set(serviceOf(number), comment);
    maps.add(map);
  }
  if (numbers.size === 0) return { servers, clients };
  const endpoints = readEndpoints(family, read);
  for (const [number, id] of numbers) {
    servers.set(id, { number, endpoints: endpoints.get(number) ?? new Map(), next: 0 });
  }
  for (const map of maps) {
    for (const { key, data, expires } of read(map)) {
      const number = numberOf(key);
      if (number === undefined || data?.length !== 4 || expires === undefined) continue;
      if (expires.leftMs === 0) continue;
      const own = clients.get(serviceOf(number)) ?? [];
      clients.set(serviceOf(number), own);
      own.push({ key, data, leftMs: expires.leftMs });
    }
  }
  return { servers, clients };
}

/** By the number of a ServicePort, and by endpoint key. */
function readEndpoints(family: IpFamily, read: ReadElements): Map<number, Map<string, number>> {
  const { addressBytes } = families[family];
  const all = new Map<number, Map<string, number>>();
  for (const { key, data } of read('slots')) {
    const number = numberOf(key);
    if (number === undefined || (number & affinityBit) === 0) continue;
    if (data?.length !== addressBytes + 4) continue;
    const address = formatIp(data.slice(0, addressBytes));
    const port = new DataView(data.buffer, data.byteOffset).getUint16(addressBytes);
    const own = all.get(serviceOf(number)) ?? new Map<string, number>();
    all.set(serviceOf(number), own);
    own.set(endpointKey({ address, port }), number);
  }
  return all;
}

function numberOf(key: Uint8Array): number | undefined {
  if (key.length < 4) return undefined;
  return new DataView(key.buffer, key.byteOffset).getUint32(0, true);
}

/** What all numbers of a ServicePort have in common, tagged or not. */
function serviceOf(number: number): number {
  return number & serviceMask & ~(1 << 31);
}
