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
}

export class RangeAllocator {
  private readonly options: RangeOptions;
  private readonly owners = new Map<string, string>();

  constructor(options: RangeOptions) {
    this.options = options;
  }

  /** How many are given out. */
  get size(): number {
    return this.owners.size;
  }

  ownerOf(item: string): string | undefined {
    return this.owners.get(item);
  }

  /** Whether the item was free; it is the owner's now. */
  take(item: string, owner: string): boolean {
    if (this.owners.has(item)) return false;
    this.owners.set(item, owner);
    return true;
  }

  /** The first free one from a place that follows from `seed`; undefined when the range is full. */
  takeNext(seed: string, owner: string): string | undefined {
    const { first, last, lowerBandEnd } = this.options;
    if (this.owners.size > last - first) return undefined;
    const split = Math.max(first, Math.min(lowerBandEnd, last + 1));
    const hash = fnv1a(seed);
    return (
      this.probe(split, last, { hash, owner }) ?? this.probe(first, split - 1, { hash, owner })
    );
  }

  /** Free again, if it is this owner's. */
  release(item: string, owner: string): void {
    if (this.owners.get(item) === owner) this.owners.delete(item);
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
