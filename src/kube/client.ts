/**
 * ObjectClient: the one way to objects, whoever holds them (memory, SQLite, a real cluster).
 *
 * Semantics are the Kubernetes API's: optimistic concurrency by resourceVersion, list then watch from the
 * list's version without a gap or a double. Objects are immutable: what a client returns may be shared.
 */
import type { Kind, KubeObject, ObjectName } from './object.ts';

export interface ListOptions {
  /** All namespaces when undefined. */
  readonly namespace?: string | undefined;
  /** Kubernetes' selector syntax; everything when undefined. */
  readonly labelSelector?: string | undefined;
  /** `metadata.name=x,spec.type!=y`: equality only, on fields the kind names. */
  readonly fieldSelector?: string | undefined;
}

export interface ObjectList<T extends KubeObject> {
  readonly items: readonly T[];
  /** Where a watch goes on without a gap. */
  readonly resourceVersion: string;
}

export interface WatchOptions extends ListOptions {
  /** Events after this version; from now when undefined. */
  readonly resourceVersion?: string | undefined;
  /** Ends the watch; iteration then finishes without an error. */
  readonly signal: AbortSignal;
}

export type WatchEvent<T extends KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  /** Says how far the watch has come although nothing matched. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface Preconditions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

export interface DeleteOptions {
  /**
   * How long the object stays, marked with a deletionTimestamp, for whoever ends what it stands for; 0 is at once.
   * Undefined: what its kind asks for. An object with finalizers stays until the last of them is taken off.
   */
  readonly gracePeriodSeconds?: number | undefined;
  readonly preconditions?: Preconditions | undefined;
  /**
   * What becomes of those it owns. Background: they go after it; Foreground: it stays until those that block it have
   * gone; Orphan: they stay. Undefined: Background, unless its finalizers say otherwise.
   */
  readonly propagationPolicy?: PropagationPolicy | undefined;
}

export type PropagationPolicy = 'Background' | 'Foreground' | 'Orphan';

/** RFC 7386 merge patch; null deletes a field. */
export type MergePatch = Readonly<Record<string, unknown>>;

export interface PatchOptions {
  /** `status` patches only the status and leaves `metadata.generation` alone. */
  readonly subresource?: 'status' | undefined;
}

/** Every method rejects with ApiError; see errors.ts for the reasons. */
export interface ObjectClient {
  /** Rejects with NotFound when there is none. */
  get<T extends KubeObject>(kind: Kind<T>, name: ObjectName): Promise<T>;
  list<T extends KubeObject>(kind: Kind<T>, options?: ListOptions): Promise<ObjectList<T>>;
  /**
   * The changes after a version, each once and in order. Throws Expired from the iteration when the version is
   * too old: list again. An object that starts or stops matching comes as ADDED or DELETED.
   */
  watch<T extends KubeObject>(kind: Kind<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** Rejects with AlreadyExists, Invalid. Returns it as stored, defaults and allocations included. */
  create<T extends KubeObject>(kind: Kind<T>, object: T): Promise<T>;
  /** Rejects with NotFound, Invalid, and Conflict when the object carries a version that is not the newest. */
  update<T extends KubeObject>(kind: Kind<T>, object: T): Promise<T>;
  /** Rejects with NotFound, Invalid, Conflict. */
  patch<T extends KubeObject>(
    kind: Kind<T>,
    name: ObjectName,
    patch: MergePatch,
    options?: PatchOptions,
  ): Promise<T>;
  /** Rejects with NotFound, and Conflict when a precondition does not hold. */
  delete(kind: Kind, name: ObjectName, options?: DeleteOptions): Promise<void>;
}
