/**
 * An immutable map from string keys that is cheap to change: a change copies one bucket and the spine of
 * buckets, both about the square root of the size, so a Plan of 100,000 ServicePorts is not copied for one.
 */

import { fnv1a } from './fnv.ts';

/** A change to a BucketMap: a value to set, or undefined to delete. */
export type Change<V> = readonly [key: string, value: V | undefined];

const minBuckets = 16;

export class BucketMap<V> implements Iterable<readonly [string, V]> {
  readonly size: number;
  private readonly buckets: readonly (ReadonlyMap<string, V> | undefined)[];

  private constructor(buckets: readonly (ReadonlyMap<string, V> | undefined)[], size: number) {
    this.buckets = buckets;
    this.size = size;
  }

  static empty<V>(): BucketMap<V> {
    return new BucketMap<V>(Array.from({ length: minBuckets }), 0);
  }

  static from<V>(entries: Iterable<readonly [string, V]>): BucketMap<V> {
    return BucketMap.empty<V>().with(entries);
  }

  get(key: string): V | undefined {
    return this.buckets[bucketOf(key, this.buckets.length)]?.get(key);
  }

  /** A new map with the changes; this one stays as it is. The last change of a key wins. */
  with(changes: Iterable<Change<V>>): BucketMap<V> {
    let next = [...this.buckets];
    let size = this.size;
    const own = new Set<number>();
    const bucketFor = (i: number): Map<string, V> => {
      const found = next[i];
      // Only maps made by this call may be written to; the others are shared with older Plans.
      if (own.has(i) && found instanceof Map) return found;
      const copy = new Map(found);
      next[i] = copy;
      own.add(i);
      return copy;
    };
    for (const [key, value] of changes) {
      const bucket = bucketFor(bucketOf(key, next.length));
      const before = bucket.size;
      if (value === undefined) bucket.delete(key);
      else bucket.set(key, value);
      size += bucket.size - before;
      if (size > next.length * next.length) {
        next = spread(next, next.length * 2);
        own.clear();
        for (let i = 0; i < next.length; i++) own.add(i);
      }
    }
    return new BucketMap(next, size);
  }

  *[Symbol.iterator](): Iterator<readonly [string, V]> {
    for (const bucket of this.buckets) if (bucket !== undefined) yield* bucket;
  }

  *values(): Iterable<V> {
    for (const bucket of this.buckets) if (bucket !== undefined) yield* bucket.values();
  }
}

function spread<V>(
  buckets: readonly (ReadonlyMap<string, V> | undefined)[],
  count: number,
): (ReadonlyMap<string, V> | undefined)[] {
  const next: (Map<string, V> | undefined)[] = Array.from({ length: count });
  for (const bucket of buckets) {
    for (const [key, value] of bucket ?? []) {
      const i = bucketOf(key, count);
      const target = (next[i] ??= new Map<string, V>());
      target.set(key, value);
    }
  }
  return next;
}

/** `count` is a power of two. */
function bucketOf(key: string, count: number): number {
  const hash = fnv1a(key);
  return (hash ^ (hash >>> 15)) & (count - 1);
}
