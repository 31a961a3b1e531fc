/**
 * What makes a store outlive its process: every change is written down before anybody hears of it, in versions that
 * never go back. One log holds all kinds; an object's newest revision is its state.
 */
import type { KubeObject } from '../kube/index.ts';

/** One change of one object, as text. */
export interface Revision {
  readonly version: number;
  /** `kindKey` of its kind. */
  readonly kind: string;
  /** Empty when the kind is cluster-scoped. */
  readonly namespace: string;
  readonly name: string;
  /** The object is gone with this revision; `object` is what it was last. */
  readonly deleted: boolean;
  /** JSON. */
  readonly object: string;
}

/** A revision read back. */
export interface StoredRevision extends Omit<Revision, 'object'> {
  readonly object: KubeObject;
}

export interface Journal {
  /**
   * Writes a change down; `settled` is called once, in the order of the appends: with nothing when it will survive
   * kill -9 and loss of power, with the error when it will not, and then as if it had never been.
   */
  append(revision: Revision, settled: (error?: unknown) => void): void;
}

/** What a journal held when it was opened. */
export interface Restored {
  /** Ascending by version. */
  readonly revisions: readonly StoredRevision[];
  /** Revisions up to this one may be missing when newer ones replaced them: no watch goes on from before it. */
  readonly compacted: number;
}
