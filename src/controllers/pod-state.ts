/** What controllers ask of a Pod. Pure; Kubernetes' podutil and controller_utils. */
import { isLeaving, wellKnownAnnotations, type Pod } from '../kube/index.ts';

export function isFinishedPod({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

/** It counts: neither over nor on its way out. */
export function isActivePod(pod: Pod): boolean {
  return !isFinishedPod(pod) && !isLeaving(pod);
}

export function isReadyPod({ status }: Pod): boolean {
  return status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') === true;
}

/** Ready, and that for at least so long. */
export function isAvailablePod(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  if (!isReadyPod(pod)) return false;
  if (minReadySeconds === 0) return true;
  const since = pod.status?.conditions?.find((c) => c.type === 'Ready')?.lastTransitionTime;
  return since !== undefined && Date.parse(since) + minReadySeconds * 1_000 <= nowMs;
}

/** Which Pods a shrinking ReplicaSet gives up first: those that serve least. */
export function compareForRemoval(a: Pod, b: Pod): number {
  const ranks = [a, b].map((pod) => [
    pod.spec?.nodeName === undefined ? 0 : 1,
    pod.status?.phase === 'Running' ? 1 : 0,
    isReadyPod(pod) ? 1 : 0,
    deletionCost(pod),
    -restartsOf(pod),
  ]);
  const [left = [], right = []] = ranks;
  for (const [i, rank] of left.entries()) {
    const difference = rank - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  const [madeA = '', madeB = ''] = [a, b].map((pod) => pod.metadata.creationTimestamp);
  if (madeA !== madeB) return madeA > madeB ? -1 : 1;
  return a.metadata.name > b.metadata.name ? -1 : 1;
}

function restartsOf({ status }: Pod): number {
  return (status?.containerStatuses ?? []).reduce((sum, c) => sum + (c.restartCount ?? 0), 0);
}

function deletionCost({ metadata }: Pod): number {
  const text = metadata.annotations?.[wellKnownAnnotations.podDeletionCost] ?? '0';
  return /^(0|-?[1-9][0-9]{0,9})$/.test(text) ? Number(text) : 0;
}
