/**
 * What a Deployment asks of its ReplicaSets next. Pure; Kubernetes' deployment controller (pkg/controller/deployment):
 * never more than `replicas + maxSurge` Pods, never fewer than `replicas - maxUnavailable` that are available.
 */
import { wellKnownAnnotations, type Deployment, type ReplicaSet } from '../kube/index.ts';

/** A ReplicaSet and how its Pods fare. */
export interface SetState {
  readonly set: ReplicaSet;
  /** `spec.replicas`. */
  readonly wanted: number;
  /** Pods that are not on their way out. */
  readonly active: number;
  /** Pods that are, too. */
  readonly leaving: number;
  readonly ready: number;
  readonly available: number;
}

export interface Scaling {
  readonly set: ReplicaSet;
  readonly from: number;
  readonly to: number;
}

/** The scalings to be made now; none when the Deployment is as it should be, or must wait for Pods. */
export function nextScalings(
  deployment: Deployment,
  current: SetState,
  old: readonly SetState[],
): readonly Scaling[] {
  const { replicas = 1, strategy } = deployment.spec ?? {};
  if (strategy?.type === 'Recreate') {
    const running = old.filter((state) => state.wanted > 0);
    if (running.length > 0) return running.map((state) => scaling(state, 0));
    // Not one new Pod beside an old one.
    if (old.some((state) => state.active + state.leaving > 0)) return [];
    return changed([scaling(current, replicas)]);
  }
  const limits = rollingLimits(deployment);
  const grown = growCurrent(replicas, limits, { current, old });
  if (grown.length > 0) return grown;
  return shrinkOld(replicas, limits, { current, old });
}

interface Sets {
  readonly current: SetState;
  readonly old: readonly SetState[];
}

interface Limits {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** As numbers of Pods: surge rounded up, unavailability down, and never both 0. */
export function rollingLimits({ spec }: Deployment): Limits {
  const { replicas = 1, strategy } = spec ?? {};
  const { maxSurge = '25%', maxUnavailable = '25%' } = strategy?.rollingUpdate ?? {};
  const surge = countOf(maxSurge, replicas, Math.ceil);
  const unavailable = Math.min(replicas, countOf(maxUnavailable, replicas, Math.floor));
  return {
    maxSurge: surge,
    maxUnavailable: surge === 0 && unavailable === 0 ? 1 : unavailable,
  };
}

export function countOf(
  value: number | string,
  replicas: number,
  round: (value: number) => number,
): number {
  if (typeof value === 'number') return value;
  return round((Number.parseInt(value, 10) * replicas) / 100);
}

function growCurrent(
  replicas: number,
  { maxSurge }: Limits,
  { current, old }: Sets,
): readonly Scaling[] {
  if (current.wanted > replicas) return [scaling(current, replicas)];
  const total = sum([current, ...old], (state) => state.wanted);
  const room = Math.min(replicas + maxSurge - total, replicas - current.wanted);
  return room > 0 ? [scaling(current, current.wanted + room)] : [];
}

function shrinkOld(
  replicas: number,
  { maxUnavailable }: Limits,
  { current, old }: Sets,
): readonly Scaling[] {
  const all = [current, ...old];
  const minAvailable = replicas - maxUnavailable;
  const total = sum(all, (state) => state.wanted);
  const newUnavailable = Math.max(0, current.wanted - current.available);
  let room = total - minAvailable - newUnavailable;
  if (room <= 0) return [];
  const wanted = new Map(old.map((state) => [state, state.wanted]));
  const oldestFirst = old.toSorted(
    (a, b) =>
      revisionOf(a.set) - revisionOf(b.set) || (a.set.metadata.name < b.set.metadata.name ? -1 : 1),
  );
  // Those that serve nobody go first: they cost nothing.
  for (const state of oldestFirst) {
    const taken = Math.min(room, Math.max(0, state.wanted - state.available));
    wanted.set(state, state.wanted - taken);
    room -= taken;
  }
  let spare = Math.min(room, sum(all, (state) => state.available) - minAvailable);
  for (const state of oldestFirst) {
    const left = wanted.get(state) ?? 0;
    const taken = Math.max(0, Math.min(spare, left));
    wanted.set(state, left - taken);
    spare -= taken;
  }
  return changed(oldestFirst.map((state) => scaling(state, wanted.get(state) ?? state.wanted)));
}

/** 0 when it has none. */
export function revisionOf({ metadata }: ReplicaSet): number {
  const text = metadata.annotations?.[wellKnownAnnotations.revision] ?? '';
  return /^[0-9]{1,9}$/.test(text) ? Number(text) : 0;
}

function scaling({ set, wanted }: SetState, to: number): Scaling {
  return { set, from: wanted, to };
}

function changed(scalings: readonly Scaling[]): readonly Scaling[] {
  return scalings.filter(({ from, to }) => from !== to);
}

export function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
