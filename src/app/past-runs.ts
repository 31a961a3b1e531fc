/** What an earlier process said of Pods that it ran is over: said so before anybody sends connections to them. */
import {
  annotations,
  isLeaving,
  isNotFound,
  nameOf,
  podKind,
  readAnnotation,
  type ObjectClient,
  type Pod,
} from '../kube/index.ts';
import type { Clock } from '../model/index.ts';

/** Pods that ended for good keep what they said last. */
export async function forgetPastRuns(client: ObjectClient, clock: Clock): Promise<void> {
  const { items } = await client.list(podKind);
  const lastTransitionTime = timeOf(clock);
  const status = {
    phase: 'Pending',
    podIP: null,
    podIPs: null,
    containerStatuses: null,
    conditions: [
      { type: 'Ready', status: 'False', reason: 'ContainersNotReady', lastTransitionTime },
    ],
  };
  const past = items.filter((pod) => wasRunning(pod));
  await Promise.all(
    past.map(async (pod) => {
      try {
        await client.patch(podKind, nameOf(pod), { status }, { subresource: 'status' });
      } catch (thrown) {
        if (!isNotFound(thrown)) throw thrown;
      }
    }),
  );
}

/** A Pod of a backup, as it is before this process runs it. */
export function withoutPastRun(pod: Pod, clock: Clock): Pod {
  if (!wasRunning(pod)) return pod;
  const lastTransitionTime = timeOf(clock);
  const ready = { type: 'Ready', status: 'False', reason: 'ContainersNotReady' } as const;
  return { ...pod, status: { phase: 'Pending', conditions: [{ ...ready, lastTransitionTime }] } };
}

function timeOf(clock: Clock): string {
  return `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
}

function wasRunning(pod: Pod): boolean {
  const { phase } = pod.status ?? {};
  if (isLeaving(pod) || phase === undefined || phase === 'Succeeded' || phase === 'Failed') {
    return false;
  }
  return readAnnotation(pod, annotations.command) !== undefined;
}
