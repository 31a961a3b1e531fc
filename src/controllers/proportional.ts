/**
 * A Deployment that is scaled in the middle of a rollout: its ReplicaSets grow or shrink by their share, so that a
 * bad new template does not get all the new Pods. Pure; Kubernetes' deployment controller (sync.go scale,
 * util GetReplicaSetProportion).
 */
import { wellKnownAnnotations, type Deployment, type ReplicaSet } from '../kube/index.ts';
import { revisionOf, rollingLimits, sum, type Scaling, type SetState } from './rollout.ts';

/** Whether the Deployment wants another number of Pods than when it last scaled its ReplicaSets. */
export function isScaled({ spec }: Deployment, sets: readonly SetState[]): boolean {
  const { replicas = 1 } = spec ?? {};
  return sets.some(({ set, wanted }) => {
    const desired = numberOn(set, wellKnownAnnotations.desiredReplicas);
    return wanted > 0 && desired !== undefined && desired !== replicas;
  });
}

/** What a ReplicaSet notes of the Deployment it was scaled for. */
export function scaleNotes(deployment: Deployment): Readonly<Record<string, string>> {
  const { replicas = 1 } = deployment.spec ?? {};
  return {
    [wellKnownAnnotations.desiredReplicas]: String(replicas),
    [wellKnownAnnotations.maxReplicas]: String(replicas + rollingLimits(deployment).maxSurge),
  };
}

export function scaledProportionally(
  deployment: Deployment,
  current: SetState | undefined,
  old: readonly SetState[],
): readonly Scaling[] {
  const { replicas = 1, strategy } = deployment.spec ?? {};
  const all = [...(current === undefined ? [] : [current]), ...old];
  const running = all.filter(({ wanted }) => wanted > 0);
  if (running.length <= 1) {
    const only = running[0] ?? current ?? newestOf(old);
    return only === undefined ? [] : [{ set: only.set, from: only.wanted, to: replicas }];
  }
  if (current !== undefined && current.wanted === replicas && current.available === replicas) {
    return old
      .filter(({ wanted }) => wanted > 0)
      .map(({ set, wanted }) => ({ set, from: wanted, to: 0 }));
  }
  // Recreate has one kind of Pods at a time: its own rule sees to the rest, these only take note.
  if (strategy?.type === 'Recreate') {
    return running.map(({ set, wanted }) => ({ set, from: wanted, to: wanted }));
  }
  return shares(deployment, running);
}

function shares(deployment: Deployment, running: readonly SetState[]): readonly Scaling[] {
  const { replicas = 1 } = deployment.spec ?? {};
  const limit = replicas === 0 ? 0 : replicas + rollingLimits(deployment).maxSurge;
  const toAdd = limit - sum(running, ({ wanted }) => wanted);
  const newerFirst = toAdd > 0 ? 1 : -1;
  const sorted = running.toSorted(
    (a, b) => b.wanted - a.wanted || newerFirst * (revisionOf(b.set) - revisionOf(a.set)),
  );
  let added = 0;
  const sizes = sorted.map((state) => {
    const share = toAdd === 0 ? 0 : shareOf(state, { deployment, limit, left: toAdd - added });
    added += share;
    return state.wanted + share;
  });
  // What rounding left over goes to the largest.
  return sorted.map(({ set, wanted }, i) => {
    const size = (sizes[i] ?? wanted) + (i === 0 ? toAdd - added : 0);
    return { set, from: wanted, to: Math.max(0, size) };
  });
}

interface Room {
  readonly deployment: Deployment;
  readonly limit: number;
  readonly left: number;
}

function shareOf({ set, wanted }: SetState, { deployment, limit, left }: Room): number {
  const { replicas = 1 } = deployment.spec ?? {};
  if (replicas === 0) return -wanted;
  const before =
    numberOn(set, wellKnownAnnotations.maxReplicas) ?? deployment.status?.replicas ?? 0;
  const fraction = before === 0 ? 0 : Math.round((wanted * limit) / before) - wanted;
  return left > 0 ? Math.min(fraction, left) : Math.max(fraction, left);
}

function newestOf(sets: readonly SetState[]): SetState | undefined {
  return sets.toSorted((a, b) => revisionOf(b.set) - revisionOf(a.set))[0];
}

function numberOn({ metadata }: ReplicaSet, key: string): number | undefined {
  const text = metadata.annotations?.[key] ?? '';
  return /^[0-9]{1,9}$/.test(text) ? Number(text) : undefined;
}
