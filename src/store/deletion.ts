/**
 * How an object goes: at once, or marked first, for those who must end what it stands for. Pure
 * (apiserver's rest.BeforeDelete, Kubernetes 1.36).
 */
import { isLeaving, type DeleteOptions, type KubeObject, type ObjectMeta } from '../kube/index.ts';

/**
 * The object as it stays, marked; undefined when it goes now. A second delete may only shorten the grace, so the
 * same object comes back when nothing changes.
 */
export function markedForDeletion<T extends KubeObject>(
  stored: T,
  { gracePeriodSeconds = 0 }: DeleteOptions,
  nowMs: number,
): T | undefined {
  const { metadata } = stored;
  const hasFinalizers = (metadata.finalizers ?? []).length > 0;
  const grace = Math.max(0, gracePeriodSeconds);
  if (grace === 0 && !hasFinalizers) return undefined;
  const standing = metadata.deletionGracePeriodSeconds;
  if (metadata.deletionTimestamp !== undefined && (standing ?? 0) <= grace) return stored;
  const at = new Date(nowMs + grace * 1_000).toISOString();
  return {
    ...stored,
    metadata: {
      ...metadata,
      deletionTimestamp: `${at.slice(0, 19)}Z`,
      deletionGracePeriodSeconds: grace,
    },
  };
}

/** The mark of a stored object: no update sets it or takes it off. */
export function deletionMark({
  deletionTimestamp,
  deletionGracePeriodSeconds,
}: ObjectMeta): Pick<ObjectMeta, 'deletionTimestamp' | 'deletionGracePeriodSeconds'> {
  return {
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds }),
  };
}

/** A marked object that nothing holds any more: storing it is deleting it. */
export function isFinished(object: KubeObject): boolean {
  const { deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
  return isLeaving(object) && deletionGracePeriodSeconds === 0 && finalizers.length === 0;
}
