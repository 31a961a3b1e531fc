/**
 * The latest changes of one kind, for watches to go on from: a ring that every watcher reads at its own place.
 * Nothing is queued for a watcher, so a slow one costs no memory; when the ring has gone past it, it is told.
 */
import { ApiError, type KubeObject, type WatchEvent } from '../kube/index.ts';

/** A change; `version` is what the whole store counts. */
export interface LogEntry {
  readonly version: number;
  /** The event for watchers that select the object before and after; shared by all of them. */
  readonly event: Extract<WatchEvent<KubeObject>, { readonly object: KubeObject }>;
  /** The object before the change; undefined when it was created. */
  readonly previous: KubeObject | undefined;
}

export class EventLog {
  private readonly limit: number;
  private readonly ring: LogEntry[] = [];
  private readonly sleeping = new Set<() => void>();
  /** Entries ever appended; positions count from 0 and are never reused. */
  private appended = 0;
  /** The newest version that is no longer held: a watch from before it would have a gap. */
  private forgotten: number;

  constructor(limit: number, firstVersion: number) {
    this.limit = limit;
    this.forgotten = firstVersion;
  }

  /** Where the next entry will stand. */
  get end(): number {
    return this.appended;
  }

  append(entry: LogEntry): void {
    const slot = this.appended % this.limit;
    this.forgotten = this.ring[slot]?.version ?? this.forgotten;
    this.ring[slot] = entry;
    this.appended++;
    for (const wake of this.sleeping) wake();
    this.sleeping.clear();
  }

  /** The entry at a position, or undefined at the end. Throws Expired when it is no longer held. */
  at(position: number): LogEntry | undefined {
    if (position >= this.appended) return undefined;
    if (position < this.appended - this.ring.length) {
      throw new ApiError('Expired', 'The watch was too slow: its place in the history is gone', {
        remedy: 'List again and watch from the version of the list',
      });
    }
    return this.ring[position % this.limit];
  }

  /** The position of the first entry after a version. Throws Expired when entries in between are gone. */
  positionAfter(version: number): number {
    if (version < this.forgotten) {
      throw new ApiError('Expired', `too old resource version: ${version} (${this.forgotten})`, {
        remedy: 'List again and watch from the version of the list',
      });
    }
    let low = this.appended - this.ring.length;
    let high = this.appended;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.ring[middle % this.limit];
      if (entry !== undefined && entry.version <= version) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Calls `wake` once, at the next entry; the function returned takes that back. */
  onceAppended(wake: () => void): () => void {
    this.sleeping.add(wake);
    return () => this.sleeping.delete(wake);
  }
}
