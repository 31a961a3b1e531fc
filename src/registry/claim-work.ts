/** What one write takes out of ranges, so that it can be undone, and gives back when it is done. */
import type { RangeAllocator } from './range-allocator.ts';

export interface Holding {
  readonly from: RangeAllocator;
  readonly item: string;
}

export class ClaimWork {
  readonly owner: string;
  /** What the stored object holds; undefined when there is none yet. */
  private readonly held: readonly Holding[] | undefined;
  private readonly taken: Holding[] = [];

  constructor(owner: string, held: readonly Holding[] | undefined) {
    this.owner = owner;
    this.held = held;
  }

  /** Whether the item is the owner's now, or was already. */
  take(from: RangeAllocator, item: string): boolean {
    if (from.take(item, this.owner)) {
      this.taken.push({ from, item });
      return true;
    }
    return includes(this.taken, { from, item }) || this.holds(from, item);
  }

  /** The stored object has it. At start two may claim one item; it is the first one's. */
  holds(from: RangeAllocator, item: string): boolean {
    return includes(this.held ?? [], { from, item }) && from.ownerOf(item) === this.owner;
  }

  /** Undefined when the range is full. */
  takeNext(from: RangeAllocator, seed: string): string | undefined {
    const item = from.takeNext(seed, this.owner);
    if (item !== undefined) this.taken.push({ from, item });
    return item;
  }

  /** What was held and is not kept is free. */
  commit(kept: readonly Holding[]): void {
    for (const holding of this.held ?? []) {
      if (!includes(kept, holding)) holding.from.release(holding.item, this.owner);
    }
  }

  revert(): void {
    for (const { from, item } of this.taken) from.release(item, this.owner);
  }
}

function includes(holdings: readonly Holding[], wanted: Holding): boolean {
  return holdings.some(({ from, item }) => from === wanted.from && item === wanted.item);
}
