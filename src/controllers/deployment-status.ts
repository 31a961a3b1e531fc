/** What a Deployment's status says of its ReplicaSets. Pure; changes only when something did. */
import type { Condition, Deployment, DeploymentStatus } from '../kube/index.ts';
import { rollingLimits, sum, type SetState } from './rollout.ts';

export interface RolloutState {
  readonly deployment: Deployment;
  /** Undefined while it is paused and has none for its template. */
  readonly current: SetState | undefined;
  readonly old: readonly SetState[];
  /** `current` was made just now. */
  readonly isNew: boolean;
  readonly nowMs: number;
}

type Verdict = Pick<Condition, 'status' | 'reason' | 'message'>;

export function deploymentStatus(state: RolloutState): DeploymentStatus {
  const { deployment, current, old } = state;
  const before = deployment.status ?? {};
  const all = [...(current === undefined ? [] : [current]), ...old];
  const { generation: observedGeneration } = deployment.metadata;
  const counts = {
    replicas: sum(all, (each) => each.active),
    updatedReplicas: current?.active ?? 0,
    readyReplicas: sum(all, (each) => each.ready),
    availableReplicas: sum(all, (each) => each.available),
  };
  const missing = sum(all, (each) => each.wanted) - counts.availableReplicas;
  return {
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    ...counts,
    unavailableReplicas: Math.max(0, missing),
    ...(before.collisionCount === undefined ? {} : { collisionCount: before.collisionCount }),
    conditions: [
      condition(before, { type: 'Available', nowMs: state.nowMs }, available(deployment, counts)),
      condition(
        before,
        { type: 'Progressing', nowMs: state.nowMs, touched: hasProgressed(before, counts) },
        progressing(state, counts),
      ),
    ],
  };
}

/** When the status will say something else although nothing changes; undefined when it will not. */
export function isWaitingForDeadline({ conditions = [] }: DeploymentStatus): boolean {
  const found = conditions.find(({ type }) => type === 'Progressing');
  return found?.reason !== undefined && unsettled.includes(found.reason);
}

/** Reasons that stay until something progresses, or is too late. */
const waiting: readonly string[] = ['NewReplicaSetCreated', 'DeploymentResumed'];
const unsettled: readonly string[] = ['ReplicaSetUpdated', ...waiting];

type Counts = Required<
  Pick<DeploymentStatus, 'replicas' | 'updatedReplicas' | 'readyReplicas' | 'availableReplicas'>
>;

function available(deployment: Deployment, { availableReplicas }: Counts): Verdict {
  const { replicas = 1 } = deployment.spec ?? {};
  return availableReplicas >= replicas - rollingLimits(deployment).maxUnavailable
    ? {
        status: 'True',
        reason: 'MinimumReplicasAvailable',
        message: 'Deployment has minimum availability.',
      }
    : {
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      };
}

function progressing({ deployment, current, isNew, nowMs }: RolloutState, counts: Counts): Verdict {
  const { replicas = 1, progressDeadlineSeconds = 600, paused = false } = deployment.spec ?? {};
  const before = deployment.status ?? {};
  const previous = before.conditions?.find(({ type }) => type === 'Progressing');
  if (current === undefined || (paused && previous?.reason !== 'ProgressDeadlineExceeded')) {
    return { status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' };
  }
  const named = `ReplicaSet "${current.set.metadata.name}"`;
  const isComplete =
    counts.updatedReplicas === replicas &&
    counts.replicas === replicas &&
    counts.availableReplicas === replicas;
  if (isComplete) {
    const message = `${named} has successfully progressed.`;
    return { status: 'True', reason: 'NewReplicaSetAvailable', message };
  }
  if (isNew) {
    const message = `Created new replica set "${current.set.metadata.name}"`;
    return { status: 'True', reason: 'NewReplicaSetCreated', message };
  }
  if (previous?.reason === 'DeploymentPaused') {
    return { status: 'Unknown', reason: 'DeploymentResumed', message: 'Deployment is resumed' };
  }
  const last = previous;
  const since = Date.parse(last?.lastUpdateTime ?? '');
  // Once too late it stays so until something progresses.
  const late =
    last?.reason === 'ProgressDeadlineExceeded' || since + progressDeadlineSeconds * 1_000 < nowMs;
  const isRollingOut = last?.reason !== 'NewReplicaSetAvailable' || current.active < replicas;
  if (last?.reason === 'NewReplicaSetAvailable' && !isRollingOut) return last;
  if (late && last?.reason !== 'NewReplicaSetAvailable' && !hasProgressed(before, counts)) {
    const message = `${named} has timed out progressing.`;
    return { status: 'False', reason: 'ProgressDeadlineExceeded', message };
  }
  if (
    last?.reason !== undefined &&
    waiting.includes(last.reason) &&
    !hasProgressed(before, counts)
  ) {
    return last;
  }
  return { status: 'True', reason: 'ReplicaSetUpdated', message: `${named} is progressing.` };
}

function hasProgressed(before: DeploymentStatus, counts: Counts): boolean {
  const oldPods = (status: DeploymentStatus): number =>
    (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    counts.updatedReplicas > (before.updatedReplicas ?? 0) ||
    counts.readyReplicas > (before.readyReplicas ?? 0) ||
    counts.availableReplicas > (before.availableReplicas ?? 0) ||
    oldPods(counts) < oldPods(before)
  );
}

function condition(
  { conditions = [] }: DeploymentStatus,
  at: { readonly type: string; readonly nowMs: number; readonly touched?: boolean },
  verdict: Verdict,
): Condition {
  const before = conditions.find(({ type }) => type === at.type);
  const now = `${new Date(at.nowMs).toISOString().slice(0, 19)}Z`;
  const { status, reason = '', message = '' } = verdict;
  const isSame = before?.status === status && before.reason === reason;
  if (before !== undefined && isSame && before.message === message && at.touched !== true) {
    return before;
  }
  return {
    type: at.type,
    status,
    reason,
    message,
    lastUpdateTime: now,
    lastTransitionTime: before?.status === status ? (before.lastTransitionTime ?? now) : now,
  };
}
