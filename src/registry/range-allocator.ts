/**
 * Gives out what a range holds, addresses or ports. Where the search starts follows from who asks, so that the
 * same Service gets the same address after a restart of a store that forgets.
 */

import { fnv1a } from '../model/index.ts';

export interface RangeOptions {
  /** Places in the range are 0 to size - 1. */
  readonly size: number;
  /** The first and the last place that are given out. */
  readonly first: number;
  readonly last: number;
  /** Places before this one are left to those who ask for one by name, until the others are gone. */
  readonly lowerBandEnd: number;
  /** What stands at a place. */
  itemAt(place: number): string;
  /** Shared by ranges that overlap. */
  readonly owners?: Owners;
}

/** Who has what, whichever range it came from. */
export class Owners {
  private readonly byItem = new Map<string, string>();
  /** Grows whenever something is free again. */
  releases = 0;

  get size(): number {
    return this.byItem.size;
  }

  of(item: string): string | undefined {
    return this.byItem.get(item);
  }

  /** Whether the item was free; it is the owner's now. */
  take(item: string, owner: string): boolean {
    if (this.byItem.has(item)) return false;
    this.byItem.set(item, owner);
    return true;
  }

  release(item: string, owner: string): void {
    if (this.byItem.get(item) !== owner) return;
    this.byItem.delete(item);
    this.releases++;
  }
}

export class RangeAllocator {
  private readonly options: RangeOptions;
  private readonly owners: Owners;
  /** Nothing was free when so much had been given back. */
  private fullAt: number | undefined;

  constructor(options: RangeOptions) {
    this.options = options;
    this.owners = options.owners ?? new Owners();
  }

  /** How many are given out. */
  get size(): number {
    return this.owners.size;
  }

  ownerOf(item: string): string | undefined {
    return this.owners.of(item);
  }

  /** Whether the item was free; it is the owner's now. */
  take(item: string, owner: string): boolean {
    return this.owners.take(item, owner);
  }

  /** The first free one from a place that follows from `seed`; undefined when the range is full. */
  takeNext(seed: string, owner: string): string | undefined {
    const { first, last, lowerBandEnd } = this.options;
    if (this.fullAt === this.owners.releases) return undefined;
    const split = Math.max(first, Math.min(lowerBandEnd, last + 1));
    const hash = fnv1a(seed);
    const found =
      this.probe(split, last, { hash, owner }) ?? this.probe(first, split - 1, { hash, owner });
    if (found === undefined) this.fullAt = this.owners.releases;
    return found;
  }

  /** Free again, if it is this owner's. */
  release(item: string, owner: string): void {
    this.owners.release(item, owner);
  }

  private probe(
    from: number,
    to: number,
    { hash, owner }: { readonly hash: number; readonly owner: string },
  ): string | undefined {
    const count = to - from + 1;
    for (let tried = 0; tried < count; tried++) {
      const item = this.options.itemAt(from + ((hash + tried) % count));
      if (this.take(item, owner)) return item;
    }
    return undefined;
  }
}
