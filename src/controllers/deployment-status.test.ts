/** What a Deployment says of a rollout that goes on, gets nowhere, and goes on after all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment, DeploymentStatus, ReplicaSet } from '../kube/index.ts';
import { deploymentStatus, isWaitingForDeadline } from './deployment-status.ts';
import { templateOf } from './testing.ts';

const startMs = Date.UTC(2026, 10, 22, 9, 30);
const set: ReplicaSet = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name: 'web-1', namespace: 'default' },
};

interface Step {
  readonly atSeconds: number;
  readonly available: number;
  readonly isNew?: boolean;
  /** Of the condition Progressing: its status and reason. */
  readonly wanted: readonly [string, string];
}

function after(before: DeploymentStatus, { atSeconds, available, isNew = false }: Step) {
  const deployment: Deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default', generation: 1 },
    spec: { replicas: 2, progressDeadlineSeconds: 30, template: templateOf('web:1') },
    status: before,
  };
  const current = { set, wanted: 2, active: 2, leaving: 0, ready: available, available };
  const nowMs = startMs + atSeconds * 1_000;
  return deploymentStatus({ deployment, current, old: [], isNew, nowMs });
}

test('a rollout is too late when nothing happens for its deadline, until something does', () => {
  const late = ['False', 'ProgressDeadlineExceeded'] as const;
  const going = ['True', 'ReplicaSetUpdated'] as const;
  const steps: readonly Step[] = [
    { atSeconds: 0, available: 0, isNew: true, wanted: ['True', 'NewReplicaSetCreated'] },
    { atSeconds: 30, available: 0, wanted: ['True', 'NewReplicaSetCreated'] },
    { atSeconds: 31, available: 0, wanted: late },
    { atSeconds: 40, available: 1, wanted: going },
    { atSeconds: 70, available: 1, wanted: going },
    { atSeconds: 71, available: 1, wanted: late },
    { atSeconds: 72, available: 1, wanted: late },
    { atSeconds: 90, available: 0, wanted: late },
    { atSeconds: 200, available: 1, wanted: going },
    { atSeconds: 210, available: 2, wanted: ['True', 'NewReplicaSetAvailable'] },
    { atSeconds: 900, available: 2, wanted: ['True', 'NewReplicaSetAvailable'] },
  ];
  let status: DeploymentStatus = {};
  for (const step of steps) {
    status = after(status, step);
    const found = status.conditions?.find(({ type }) => type === 'Progressing');
    assert.deepEqual([found?.status, found?.reason], step.wanted, `at ${step.atSeconds} s`);
    // Time alone changes it only while the deadline is ahead.
    const isOpen = step.wanted[0] === 'True' && step.available < 2;
    assert.equal(isWaitingForDeadline(status), isOpen);
  }
});
