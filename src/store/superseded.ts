/** Remembers which revisions newer ones have replaced, and says when they may go: a queue of versions, no objects. */
import type { Revision } from './journal.ts';

/** What may be taken out of a journal, and how far watches then cannot go back. */
export interface Compaction {
  readonly obsolete: readonly number[];
  readonly compacted: number;
}

/** At most this many go with one commit: a commit stays short. */
const atOnce = 1_000;

export class Superseded {
  private readonly keepChanges: number;
  /** Versions that may go once `by` is old enough; ascending by `by`. */
  private readonly queue: { readonly version: number; readonly by: number }[] = [];
  private readonly newest = new Map<string, number>();
  private compacted = 0;

  constructor(keepChanges: number) {
    this.keepChanges = keepChanges;
  }

  restore(revisions: readonly Omit<Revision, 'object'>[], compacted: number): void {
    this.compacted = compacted;
    for (const revision of revisions) this.see(revision);
  }

  /** What may go with a commit of these. */
  due(revisions: readonly Revision[]): Compaction {
    const last = revisions.at(-1)?.version ?? 0;
    const old = last - this.keepChanges;
    const obsolete: number[] = [];
    let { compacted } = this;
    // In blocks: a row taken out with each row put in would double the writes.
    if ((this.queue[atOnce / 2]?.by ?? Infinity) > old) return { obsolete, compacted };
    for (const { version, by } of this.queue) {
      if (by > old || obsolete.length >= atOnce) break;
      obsolete.push(version);
      compacted = by;
    }
    return { obsolete, compacted };
  }

  /** They are committed, and what was due is gone. */
  add(revisions: readonly Revision[], { obsolete, compacted }: Compaction): void {
    this.queue.splice(0, obsolete.length);
    this.compacted = compacted;
    for (const revision of revisions) this.see(revision);
  }

  private see({ version, kind, namespace, name, deleted }: Omit<Revision, 'object'>): void {
    const key = `${kind} ${namespace}/${name}`;
    const before = this.newest.get(key);
    if (before !== undefined) this.queue.push({ version: before, by: version });
    if (deleted) {
      this.newest.delete(key);
      this.queue.push({ version, by: version });
    } else {
      this.newest.set(key, version);
    }
  }
}
