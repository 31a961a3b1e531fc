/** Brings a ReplicaSet in order: as many Pods as it wants, and a status that counts them. */
import {
  isLeaving,
  jsonEqual,
  nameOf,
  podKind,
  replicaSetKind,
  type ReplicaSet,
} from '../kube/index.ts';
import { messageOf } from '../model/index.ts';
import { claim } from './claim.ts';
import { compareForRemoval, isFinishedPod, isReadyPod } from './pod-state.ts';
import { podFromTemplate } from './pod-template.ts';
import type { SyncContext, SyncResult } from './sync-context.ts';

export async function syncReplicaSet(set: ReplicaSet, context: SyncContext): Promise<SyncResult> {
  if (isLeaving(set)) return 'done';
  const { client, state } = context;
  await claim({
    client,
    owner: set,
    ownerKind: replicaSetKind,
    kind: podKind,
    mirror: state.pods,
    owned: state.podsOf(set),
    orphans: state.orphanPodsFor('ReplicaSet', set),
    takes: (pod) => !isFinishedPod(pod),
  });
  const active = state.podsOf(set).filter((pod) => state.isActive(pod));
  const { replicas = 1 } = set.spec ?? {};
  if (active.length < replicas) await createPods(set, replicas - active.length, context);
  if (active.length > replicas) await deletePods(set, active.length - replicas, context);
  return await writeStatus(set, context);
}

async function createPods(set: ReplicaSet, count: number, context: SyncContext): Promise<void> {
  const { client, events, state } = context;
  const { template } = set.spec ?? {};
  const naming = { generateName: `${set.metadata.name}-` };
  const pod = podFromTemplate(set, { kind: replicaSetKind, template }, naming);
  for (let made = 0; made < count; made++) {
    try {
      const created = await client.create(podKind, pod);
      state.pods.set(created);
      const message = `Created pod: ${created.metadata.name}`;
      events.record(set, { type: 'Normal', reason: 'SuccessfulCreate', message });
    } catch (thrown) {
      const message = `Error creating: ${messageOf(thrown)}`;
      events.record(set, { type: 'Warning', reason: 'FailedCreate', message });
      throw thrown;
    }
  }
}

async function deletePods(set: ReplicaSet, count: number, context: SyncContext): Promise<void> {
  const { client, events, state } = context;
  const active = state.podsOf(set).filter((pod) => state.isActive(pod));
  for (const pod of active.toSorted(compareForRemoval).slice(0, count)) {
    const { uid } = pod.metadata;
    await client.delete(podKind, nameOf(pod), { preconditions: { uid } });
    state.sent(pod);
    const message = `Deleted pod: ${pod.metadata.name}`;
    events.record(set, { type: 'Normal', reason: 'SuccessfulDelete', message });
  }
}

async function writeStatus(set: ReplicaSet, context: SyncContext): Promise<SyncResult> {
  const { client, state, clock } = context;
  const { active, ready, available } = state.stateOf(set, clock.now());
  const { generation: observedGeneration } = set.metadata;
  const status = {
    replicas: active,
    fullyLabeledReplicas: active,
    readyReplicas: ready,
    availableReplicas: available,
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
  };
  if (!jsonEqual({ ...set.status, ...status }, set.status)) {
    const options = { subresource: 'status' } as const;
    state.replicaSets.set(await client.patch(replicaSetKind, nameOf(set), { status }, options));
  }
  // Time makes ready Pods available without a further word.
  const waits = state.podsOf(set).some((pod) => state.isActive(pod) && isReadyPod(pod));
  return waits && available < ready ? 'wait' : 'done';
}
