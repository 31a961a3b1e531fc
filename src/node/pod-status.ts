/** What the node says of a Pod, as the `status` a kubelet would write. */
import { annotations, type Pod, type PodCondition } from '../kube/index.ts';

export type PodReadiness =
  /** Something outside answers at the address, or nothing is there at all. */
  | { readonly kind: 'address'; readonly podIP: string | undefined }
  | {
      readonly kind: 'process';
      readonly podIP: string | undefined;
      readonly ready: boolean;
      readonly restarts: number;
      readonly reason: string | undefined;
      readonly message: string | undefined;
    };

type PodStatus = NonNullable<Pod['status']>;

/** The status to merge; conditions that are already there are taken as given for an address Pod. */
export function podStatus(pod: Pod, readiness: PodReadiness, now: string): PodStatus {
  if (readiness.kind === 'process') {
    const { podIP, ready, reason, message } = readiness;
    return {
      phase: ready || readiness.restarts > 0 ? 'Running' : 'Pending',
      ...(podIP === undefined ? {} : { podIP, podIPs: [{ ip: podIP }] }),
      conditions: [readyCondition(ready, now, { reason, message })],
    };
  }
  if (readiness.podIP === undefined) {
    return {
      phase: 'Pending',
      conditions: [
        readyCondition(false, now, {
          reason: 'NothingBehind',
          message: `The Pod has neither an address nor a command: set status.podIP, or annotate it with ${annotations.command.key}`,
        }),
      ],
    };
  }
  const given = pod.status?.conditions ?? [];
  const hasReady = given.some((condition) => condition.type === 'Ready');
  return {
    phase: pod.status?.phase ?? 'Running',
    podIPs: pod.status?.podIPs ?? [{ ip: readiness.podIP }],
    conditions: hasReady ? given : [...given, readyCondition(true, now, {})],
  };
}

function readyCondition(
  ready: boolean,
  lastTransitionTime: string,
  why: { readonly reason?: string | undefined; readonly message?: string | undefined },
): PodCondition {
  return {
    type: 'Ready',
    status: ready ? 'True' : 'False',
    lastTransitionTime,
    ...(why.reason === undefined ? {} : { reason: why.reason }),
    ...(why.message === undefined ? {} : { message: why.message }),
  };
}
