/** What the node says of a Pod, as the `status` a kubelet would write. */
import {
  type Condition,
  type ContainerState,
  type ContainerStatus,
  type Pod,
} from '../kube/index.ts';
import type { ProcessEnd, ProcessPodState } from './process-pod.ts';

export type PodReadiness =
  /** Something outside answers at the address, or nothing is there at all. */
  | { readonly kind: 'address'; readonly podIP: string | undefined }
  | ({ readonly kind: 'process'; readonly addresses: readonly string[] } & ProcessPodState);

type PodStatus = NonNullable<Pod['status']>;

/**
 * The status to merge; `last` is the one written before, for the times of its conditions. Conditions that are
 * already there are taken as given for an address Pod.
 */
export function podStatus(
  pod: Pod,
  readiness: PodReadiness,
  { now, last }: { readonly now: string; readonly last: PodStatus | undefined },
): PodStatus {
  if (readiness.kind === 'process') return processStatus(pod, readiness, { now, last });
  if (readiness.podIP === undefined) {
    const why = { reason: 'NothingBehind', message: nothingBehind(pod) };
    return { phase: 'Pending', conditions: [readyCondition(false, { now, last, why })] };
  }
  const { podIP } = readiness;
  const given = pod.status?.podIP === podIP ? (pod.status.conditions ?? []) : [];
  const hasReady = given.some((condition) => condition.type === 'Ready');
  return {
    phase: pod.status?.podIP === podIP ? (pod.status.phase ?? 'Running') : 'Running',
    podIP,
    podIPs: pod.status?.podIP === podIP ? (pod.status.podIPs ?? [{ ip: podIP }]) : [{ ip: podIP }],
    conditions: hasReady ? given : [...given, readyCondition(true, { now, last, why: {} })],
  };
}

/** Says which command gives the Pod something: by what made it, when something did. */
function nothingBehind(pod: Pod): string {
  return (
    `The Pod has neither an address nor a command. Give it one: ` +
    `${bindCommand(pod)} --command 'node server.js', or --address 127.0.0.1:PORT`
  );
}

/** The command that gives something to all Pods of the same making. */
export function bindCommand({ metadata }: Pod): string {
  const { name, namespace = 'default', ownerReferences = [] } = metadata;
  const owner = ownerReferences.find(({ controller }) => controller === true);
  const where = namespace === 'default' ? '' : ` -N ${namespace}`;
  return `switchyard bind ${bindTarget(owner, name)}${where}`;
}

function bindTarget(
  owner: { readonly kind: string; readonly name: string } | undefined,
  pod: string,
): string {
  if (owner?.kind === 'StatefulSet') return `statefulset/${owner.name}`;
  // A Deployment names its ReplicaSets NAME-HASH.
  if (owner?.kind === 'ReplicaSet') return `deployment/${owner.name.replace(/-[^-]+$/, '')}`;
  return `pod/${pod}`;
}

interface Timing {
  readonly now: string;
  readonly last: PodStatus | undefined;
}

function processStatus(
  pod: Pod,
  state: Extract<PodReadiness, { readonly kind: 'process' }>,
  { now, last }: Timing,
): PodStatus {
  const { addresses, ready, reason, message } = state;
  const [podIP] = addresses;
  const why = { reason, message };
  const always = (type: string): Condition => condition(type, true, { now, last, why: {} });
  return {
    phase: phaseOf(state),
    startTime: last?.startTime ?? now,
    ...(podIP === undefined ? {} : { podIP, podIPs: addresses.map((ip) => ({ ip })) }),
    conditions: [
      always('PodScheduled'),
      always('Initialized'),
      condition('ContainersReady', ready, { now, last, why }),
      readyCondition(ready, { now, last, why }),
    ],
    containerStatuses: (pod.spec?.containers ?? [])
      .slice(0, 1)
      .map(({ name, image = '' }) => containerStatus({ name, image, imageID: '' }, state)),
  };
}

function phaseOf({ isOver, lastEnd, startedAtMs, restarts }: ProcessPodState): string {
  if (isOver) return lastEnd?.code === 0 ? 'Succeeded' : 'Failed';
  return startedAtMs !== undefined || restarts > 0 ? 'Running' : 'Pending';
}

function containerStatus(
  named: Pick<ContainerStatus, 'name' | 'image' | 'imageID'>,
  { ready, restarts, startedAtMs, lastEnd, isOver, reason, message }: ProcessPodState,
): ContainerStatus {
  const running: ContainerState =
    startedAtMs === undefined
      ? { waiting: { reason: reason ?? 'ContainerCreating', message: message ?? '' } }
      : { running: { startedAt: timeOf(startedAtMs) } };
  return {
    ...named,
    ready,
    started: startedAtMs !== undefined,
    restartCount: restarts,
    state: isOver && lastEnd !== undefined ? { terminated: terminated(lastEnd) } : running,
    lastState: isOver || lastEnd === undefined ? {} : { terminated: terminated(lastEnd) },
  };
}

const signalBase = 128;
const signalNumbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
};

function terminated(end: ProcessEnd): NonNullable<ContainerState['terminated']> {
  const { code, signal = '', startedAtMs, finishedAtMs } = end;
  const number = signalNumbers[signal] ?? 0;
  const exitCode = code ?? signalBase + number;
  return {
    exitCode,
    ...(number === 0 ? {} : { signal: number }),
    reason: exitCode === 0 ? 'Completed' : 'Error',
    startedAt: timeOf(startedAtMs),
    finishedAt: timeOf(finishedAtMs),
  };
}

function timeOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

interface Why extends Timing {
  readonly why: { readonly reason?: string | undefined; readonly message?: string | undefined };
}

function readyCondition(ready: boolean, why: Why): Condition {
  return condition('Ready', ready, why);
}

function condition(type: string, holds: boolean, { now, last, why }: Why): Condition {
  const status = holds ? 'True' : 'False';
  const before = last?.conditions?.find((each) => each.type === type);
  const since = before?.status === status ? before.lastTransitionTime : undefined;
  return {
    type,
    status,
    lastTransitionTime: since ?? now,
    ...(why.reason === undefined ? {} : { reason: why.reason }),
    ...(why.message === undefined ? {} : { message: why.message }),
  };
}
