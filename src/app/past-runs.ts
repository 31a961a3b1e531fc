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
  const lastTransitionTime = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
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

function wasRunning(pod: Pod): boolean {
  const { phase } = pod.status ?? {};
  if (isLeaving(pod) || phase === undefined || phase === 'Succeeded' || phase === 'Failed') {
    return false;
  }
  return readAnnotation(pod, annotations.command) !== undefined;
}
