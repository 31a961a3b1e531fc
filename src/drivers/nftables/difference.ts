/** From what the kernel has of some VirtualServers to what it shall have, as one batch. */
import type { ElementSpec, NftBatch } from '../../codec/nftables/index.ts';
import type { IpFamily } from '../../model/index.ts';
import { affinityChain, affinityRules, affinitySet } from './affinity.ts';
import { families, tableName } from './family.ts';
import { rulesOf, type PieceChain, type PieceElement, type Pieces } from './render.ts';

/** One VirtualServer's step. */
export interface PieceChange {
  readonly before: Pieces | undefined;
  readonly after: Pieces | undefined;
}

/** What a table of ours holds that VirtualServers share; lost and made anew with the table. */
export class Shared {
  private readonly counts = new Map<string, number>();
  private readonly timeouts = new Set<number>();

  /** True when it is the first to want it. */
  take(key: string): boolean {
    const count = this.counts.get(key) ?? 0;
    this.counts.set(key, count + 1);
    return count === 0;
  }

  /** True when nobody wants it any more. */
  leave(key: string): boolean {
    const count = (this.counts.get(key) ?? 0) - 1;
    if (count > 0) this.counts.set(key, count);
    else this.counts.delete(key);
    return count === 0;
  }

  /** True when there is no map for this timeout yet. */
  needsTimeout(seconds: number): boolean {
    if (this.timeouts.has(seconds)) return false;
    this.timeouts.add(seconds);
    return true;
  }
}

type Grouped = Map<string, ElementSpec[]>;

/** Writes the steps of one family into the batch. */
export function writeChanges(
  batch: NftBatch,
  changes: Iterable<PieceChange>,
  { family, shared }: { readonly family: IpFamily; readonly shared: Shared },
): void {
  const collected = new Collected(shared);
  for (const change of changes) collected.collect(change);
  batch.in({ family: families[family].number, name: tableName });
  for (const [set, elements] of collected.oldElements) batch.deleteElements(set, elements);
  for (const seconds of collected.timeouts) writeTimeout(batch, family, seconds);
  for (const chain of collected.newChains) batch.addChain(chain.name, { comment: chain.comment });
  for (const chain of collected.changedChains) batch.flushChain(chain.name);
  for (const chain of [...collected.newChains, ...collected.changedChains]) {
    for (const rule of rulesOf(chain)) batch.addRule(rule);
  }
  for (const [set, elements] of collected.newElements) batch.addElements(set, elements);
  for (const { name } of collected.oldChains) {
    batch.flushChain(name);
    batch.deleteChain(name);
  }
}

function writeTimeout(batch: NftBatch, family: IpFamily, seconds: number): void {
  batch.addSet(affinitySet(families[family], seconds));
  for (const pool of ['cluster', 'local'] as const) {
    batch.addChain(affinityChain(seconds, pool));
    for (const rule of affinityRules(families[family], seconds, pool)) batch.addRule(rule);
  }
}

class Collected {
  readonly oldElements: Grouped = new Map();
  readonly newElements: Grouped = new Map();
  readonly newChains: PieceChain[] = [];
  readonly changedChains: PieceChain[] = [];
  readonly oldChains: PieceChain[] = [];
  readonly timeouts: number[] = [];
  private readonly shared: Shared;

  constructor(shared: Shared) {
    this.shared = shared;
  }

  collect({ before, after }: PieceChange): void {
    const seconds = after?.affinitySeconds;
    if (seconds !== undefined && this.shared.needsTimeout(seconds)) this.timeouts.push(seconds);
    this.collectChains(before?.chains ?? [], after?.chains ?? []);
    this.collectElements(before?.elements ?? [], after?.elements ?? []);
  }

  private collectChains(before: readonly PieceChain[], after: readonly PieceChain[]): void {
    const had = new Map(before.map((chain) => [chain.name, chain]));
    for (const chain of after) {
      const old = had.get(chain.name);
      had.delete(chain.name);
      if (old === undefined) this.newChains.push(chain);
      else if (!sameRules(old, chain)) this.changedChains.push(chain);
    }
    this.oldChains.push(...had.values());
  }

  private collectElements(before: readonly PieceElement[], after: readonly PieceElement[]): void {
    if (before.length === 0) {
      for (const element of after) this.come(element);
      return;
    }
    const had = new Map(before.map((element) => [keyOf(element), element]));
    for (const element of after) {
      const key = keyOf(element);
      const old = had.get(key);
      had.delete(key);
      if (old === undefined) this.come(element);
      else if (!sameData(old.data, element.data)) {
        push(this.oldElements, old);
        push(this.newElements, element);
      }
    }
    for (const element of had.values()) this.go(element);
  }

  private come(element: PieceElement): void {
    if (element.shared !== true || this.shared.take(keyOf(element))) {
      push(this.newElements, element);
    }
  }

  private go(element: PieceElement): void {
    if (element.shared !== true || this.shared.leave(keyOf(element))) {
      push(this.oldElements, element);
    }
  }
}

function push(groups: Grouped, element: PieceElement): void {
  const group = groups.get(element.set);
  if (group === undefined) groups.set(element.set, [element]);
  else group.push(element);
}

function keyOf({ set, key }: PieceElement): string {
  return `${set} ${Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')}`;
}

function sameData(a: PieceElement['data'], b: PieceElement['data']): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  return JSON.stringify(a) === JSON.stringify(b);
}

function sameRules(a: PieceChain, b: PieceChain): boolean {
  return JSON.stringify(a.rules) === JSON.stringify(b.rules);
}
