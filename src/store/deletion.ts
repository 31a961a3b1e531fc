/**
 * How an object goes: at once, or marked first, for those who must end what it stands for. Pure
 * (apiserver's rest.BeforeDelete and generic registry, Kubernetes 1.36).
 */
import {
  formatTimestamp,
  garbageFinalizers,
  isLeaving,
  jsonEqual,
  type DeleteOptions,
  type KubeObject,
  type Namespace,
  type ObjectMeta,
} from '../kube/index.ts';

/**
 * The object as it stays, marked; undefined when it goes now. A second delete may only shorten the grace, so the
 * same object comes back when nothing changes.
 */
export function markedForDeletion<T extends KubeObject>(
  stored: T,
  { gracePeriodSeconds = 0, propagationPolicy }: DeleteOptions,
  nowMs: number,
): T | undefined {
  const { finalizers: _before, ...metadata } = stored.metadata;
  const finalizers = withPolicy(stored.metadata.finalizers ?? [], propagationPolicy);
  const grace = Math.max(0, gracePeriodSeconds);
  const kept = { ...metadata, ...(finalizers.length === 0 ? {} : { finalizers }) };
  if (grace === 0 && !isHeld({ ...stored, metadata: kept })) return undefined;
  const standing = metadata.deletionGracePeriodSeconds;
  if (metadata.deletionTimestamp !== undefined && (standing ?? 0) <= grace) {
    return jsonEqual(kept, stored.metadata) ? stored : { ...stored, metadata: kept };
  }
  return {
    ...stored,
    metadata: {
      ...kept,
      deletionTimestamp: formatTimestamp(nowMs + grace * 1_000),
      deletionGracePeriodSeconds: grace,
    },
  };
}

/** The finalizers that make the garbage collector do what was asked for; at most one of them. */
function withPolicy(
  finalizers: readonly string[],
  policy: DeleteOptions['propagationPolicy'],
): readonly string[] {
  if (policy === undefined) return finalizers;
  const { foreground, orphan } = garbageFinalizers;
  const others = finalizers.filter((each) => each !== foreground && each !== orphan);
  if (policy === 'Background') return others;
  return [...others, policy === 'Foreground' ? foreground : orphan];
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
  const { deletionGracePeriodSeconds = 0 } = object.metadata;
  return isLeaving(object) && deletionGracePeriodSeconds === 0 && !isHeld(object);
}

/** Somebody has something to do before it may go. Namespaces have finalizers of their own, in their spec. */
function isHeld(object: KubeObject): boolean {
  if ((object.metadata.finalizers ?? []).length > 0) return true;
  return isNamespace(object) && (object.spec?.finalizers ?? []).length > 0;
}

function isNamespace(object: KubeObject): object is Namespace {
  return object.kind === 'Namespace' && object.apiVersion === 'v1';
}
