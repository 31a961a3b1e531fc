/**
 * Maglev hashing (Eisenbud et al., NSDI 2016): a table in which every candidate fills its share of slots in an
 * order of its own, so that removing one moves almost nobody else. Weights as in Katran's second version: a
 * candidate takes a slot whenever its summed weight has reached the largest weight.
 *
 * A candidate's order depends on its name (`address:port`) alone, so all nodes build the same table.
 */
import { jhash } from '../jhash.ts';

/**
 * Table sizes, primes. A table has the first size of at least 100 slots a candidate: then shares differ by at most
 * 1 %, and removing one endpoint moves about 2 % of the clients of the others. Few sizes, far apart, because
 * clients are spread anew when a Service grows or shrinks past one (40, 163 and 655 endpoints); beyond 1,310
 * endpoints the largest table no longer keeps the 1 %.
 */
const tableSizes = [4_093, 16_381, 65_521, 131_071] as const;

const offsetSeed = 0x6d61_676c;
const skipSeed = 0x6576_7632;
const slotsPerCandidate = 100;
const empty = 0xffff_ffff;
const encoder = new TextEncoder();

/** The table size for a number of candidates. */
export function maglevSize(candidates: number): number {
  return (
    tableSizes.find((size) => size >= candidates * slotsPerCandidate) ?? tableSizes.at(-1) ?? 0
  );
}

/** True when a Service of so many endpoints has outgrown the largest table. */
export function maglevIsBounded(candidates: number): boolean {
  return candidates * slotsPerCandidate > maglevSize(candidates);
}

/** Slot -> candidate index; empty when every weight is 0. */
export function buildMaglev(names: readonly string[], weights: ArrayLike<number>): Uint32Array {
  const members = names.flatMap((_, i) => (weights[i]! > 0 ? [i] : []));
  if (members.length === 0) return new Uint32Array(0);
  const size = maglevSize(members.length);
  const table = new Uint32Array(size).fill(empty);
  const next = new Float64Array(names.length);
  const skip = new Float64Array(names.length);
  const credit = new Float64Array(names.length);
  let heaviest = 0;
  for (const i of members) {
    const bytes = encoder.encode(names[i]);
    next[i] = jhash(bytes, offsetSeed) % size;
    skip[i] = (jhash(bytes, skipSeed) % (size - 1)) + 1;
    heaviest = Math.max(heaviest, weights[i]!);
  }
  // Who fills first in each round gets the last free slot more often; going by name keeps that the same everywhere.
  members.sort((a, b) => (names[a]! < names[b]! ? -1 : 1));
  let filled = 0;
  while (filled < size) {
    for (const i of members) {
      credit[i] = credit[i]! + weights[i]!;
      if (credit[i]! < heaviest) continue;
      credit[i] = credit[i]! - heaviest;
      let slot = next[i]!;
      while (table[slot] !== empty) slot = (slot + skip[i]!) % size;
      table[slot] = i;
      next[i] = (slot + skip[i]!) % size;
      if (++filled === size) break;
    }
  }
  return table;
}
