/** What a store and its journal's thread say to each other. */
import type { Commit } from './journal-file.ts';
import type { PackedRevisions } from './packed-revisions.ts';

export interface PackedCommit extends Omit<Commit, 'revisions'> {
  readonly revisions: PackedRevisions;
}

/** To the thread; each is answered by one Answer with the same `id`, in order. */
export type Request =
  | { readonly id: number; readonly do: 'open'; readonly path: string }
  | { readonly id: number; readonly do: 'commit'; readonly commit: PackedCommit }
  | { readonly id: number; readonly do: 'set'; readonly name: string; readonly value: string }
  | { readonly id: number; readonly do: 'copy'; readonly path: string }
  | { readonly id: number; readonly do: 'close' };

export type Answer =
  /** Part of the answer to `open`, before it. */
  | { readonly id: number; readonly part: PackedRevisions }
  | { readonly id: number; readonly settings?: Readonly<Record<string, string>> }
  | { readonly id: number; readonly error: Refusal };

/** A CodedError on its way between threads. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly remedy: string | undefined;
}
