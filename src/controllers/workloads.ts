/** Deployments, ReplicaSets and StatefulSets to Pods: one pass over whatever a change touches. */
import {
  controllerRevisionKind,
  createEventRecorder,
  deploymentKind,
  podKind,
  replicaSetKind,
  statefulSetKind,
} from '../kube/index.ts';
import type { Component } from '../obs/index.ts';
import { createDirtyLoop } from './dirty-loop.ts';
import { followKind, type ControllerOptions } from './mirror.ts';
import type { SyncContext, SyncResult } from './sync-context.ts';
import { syncDeployment } from './sync-deployment.ts';
import { syncReplicaSet } from './sync-replica-set.ts';
import { syncStatefulSet } from './sync-stateful-set.ts';
import { WorkloadState } from './workload-state.ts';

const retryMs = 250;

export function createWorkloadControllers(options: ControllerOptions): Component {
  const { client, clock } = options;
  const state = new WorkloadState();
  const events = createEventRecorder({ ...options, component: 'switchyard-workloads' });
  const context: SyncContext = { client, clock, state, events };
  const loop = createDirtyLoop({
    name: 'workloads',
    clock,
    log: options.log,
    retryMs,
    dirty: state.dirty,
    reflectors: (onChange) => [
      followKind(options, deploymentKind, { mirror: state.deployments, onChange }),
      followKind(options, replicaSetKind, { mirror: state.replicaSets, onChange }),
      followKind(options, statefulSetKind, { mirror: state.statefulSets, onChange }),
      followKind(options, controllerRevisionKind, { mirror: state.revisions, onChange }),
      followKind(options, podKind, { mirror: state.pods, onChange }),
    ],
    sync: (key) => syncKey(key, context),
  });
  return {
    ...loop,
    stop: async () => {
      await loop.stop();
      await events.settled();
    },
  };
}

async function syncKey(text: string, context: SyncContext): Promise<SyncResult> {
  const [kind, key = ''] = text.split(' ');
  const { deployments, replicaSets, statefulSets } = context.state;
  const deployment = kind === deploymentKind.kind ? deployments.objects.get(key) : undefined;
  if (deployment !== undefined) return await syncDeployment(deployment, context);
  const set = kind === replicaSetKind.kind ? replicaSets.objects.get(key) : undefined;
  if (set !== undefined) return await syncReplicaSet(set, context);
  const stateful = kind === statefulSetKind.kind ? statefulSets.objects.get(key) : undefined;
  return stateful === undefined ? 'done' : await syncStatefulSet(stateful, context);
}
