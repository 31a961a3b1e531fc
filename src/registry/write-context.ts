/** How a write is meant, beyond what is written: what an API server knows of a request and a strategy need not. */
import {
  preconditionFailed,
  type Kind,
  type KubeObject,
  type ManagedFieldsEntry,
  type Preconditions,
} from '../kube/index.ts';

export interface WriteContext {
  /** Everything is checked and nothing is kept. */
  readonly dryRun?: boolean | undefined;
  /** Who writes: owner of the fields the write changes. Switchyard itself when undefined. */
  readonly manager?: string | undefined;
  /** `status`: the status is written and all the rest stays. `scale`: the replicas, and their owner owns them so. */
  readonly subresource?: 'status' | 'scale' | undefined;
  /** `metadata.managedFields` of the object is right already. */
  readonly ownershipSettled?: boolean | undefined;
}

/** What a stored object is to become. May throw what the request is refused with. */
export type Revision = (stored: KubeObject) => {
  readonly value: unknown;
  /** The version the object must have; any when undefined. */
  readonly expected: string | undefined;
};

export interface FieldWrite {
  readonly kind: Kind;
  /** Completed, without what is allocated for it. */
  readonly object: KubeObject;
  /** As it was before it was completed. */
  readonly given: unknown;
  readonly stored: KubeObject | undefined;
  readonly manager: string | undefined;
  readonly subresource: 'status' | 'scale' | undefined;
}

/** The owners of an object's fields after a write. */
export type TrackFields = (write: FieldWrite) => readonly ManagedFieldsEntry[];

/** Throws Conflict when the stored object is not the one that is meant. */
export function checkPreconditions(
  kind: Kind,
  { metadata }: KubeObject,
  { uid, resourceVersion }: Preconditions,
): void {
  if (uid !== undefined && uid !== metadata.uid) {
    const reason = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`;
    throw preconditionFailed(kind, metadata.name, reason);
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    const reason = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`;
    throw preconditionFailed(kind, metadata.name, reason);
  }
}
