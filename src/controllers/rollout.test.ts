/** A rollout keeps its promises whatever order Pods come and go in, and comes to its end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import type { Deployment, ReplicaSet } from '../kube/index.ts';
import { nextScalings, rollingLimits, type SetState } from './rollout.ts';

type Limit = number | string;

interface Sets {
  wanted: number;
  available: number;
}

function deployment(replicas: number, maxSurge: Limit, maxUnavailable: Limit): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
    },
  };
}

function stateOf(index: number, { wanted, available }: Sets): SetState {
  const set: ReplicaSet = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `web-${index}`,
      annotations: { 'deployment.kubernetes.io/revision': String(index + 1) },
    },
    spec: { replicas: wanted },
  };
  return { set, wanted, active: wanted, leaving: 0, ready: available, available };
}

const limit = fc.oneof(
  fc.integer({ min: 0, max: 5 }),
  fc.integer({ min: 0, max: 100 }).map((percent) => `${percent}%`),
);

test('limits are rounded as Kubernetes does, and never both 0', () => {
  assert.deepEqual(rollingLimits(deployment(3, '25%', '25%')), { maxSurge: 1, maxUnavailable: 0 });
  assert.deepEqual(rollingLimits(deployment(10, '25%', '25%')), { maxSurge: 3, maxUnavailable: 2 });
  assert.deepEqual(rollingLimits(deployment(3, '0%', '10%')), { maxSurge: 0, maxUnavailable: 1 });
});

test('never too many, never too few of those that were there, and an end', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 12 }),
      limit,
      limit,
      fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }),
      (replicas, surge, unavailable, coins) => {
        const wanted = deployment(replicas, surge, unavailable);
        const { maxSurge, maxUnavailable } = rollingLimits(wanted);
        const sets: [Sets, Sets] = [
          { wanted: replicas, available: replicas },
          { wanted: 0, available: 0 },
        ];
        const [old, current] = sets;
        for (let step = 0; step < 200; step++) {
          const scalings = nextScalings(wanted, stateOf(1, current), [stateOf(0, old)]);
          for (const { set, to } of scalings) {
            const target = set.metadata.name === 'web-1' ? current : old;
            target.wanted = to;
            target.available = Math.min(target.available, to);
          }
          assert.ok(old.wanted + current.wanted <= replicas + maxSurge, 'too many');
          assert.ok(old.available + current.available >= replicas - maxUnavailable, 'too few');
          if (old.wanted === 0 && current.available === replicas) return;
          // Pods come up now and then; from the end of the coins on, all do.
          const comesUp = step >= coins.length || coins[step] === true;
          if (comesUp && current.available < current.wanted) current.available++;
        }
        assert.fail(`stuck at ${JSON.stringify(sets)}`);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('what serves nobody goes first, and only so far as the new ones may be missing', () => {
  const wanted = deployment(4, 1, 1);
  const scalings = nextScalings(wanted, stateOf(2, { wanted: 1, available: 0 }), [
    stateOf(0, { wanted: 3, available: 3 }),
    stateOf(1, { wanted: 1, available: 0 }),
  ]);
  assert.deepEqual(
    scalings.map(({ set, from, to }) => [set.metadata.name, from, to]),
    [['web-1', 1, 0]],
  );
});

test('Recreate has no new Pod beside an old one', () => {
  const wanted: Deployment = {
    ...deployment(2, 1, 1),
    spec: { replicas: 2, strategy: { type: 'Recreate' } },
  };
  const none = { wanted: 0, available: 0 };
  const down = nextScalings(wanted, stateOf(1, none), [stateOf(0, { wanted: 2, available: 2 })]);
  assert.deepEqual(
    down.map(({ to }) => to),
    [0],
  );
  const waiting = { ...stateOf(0, none), leaving: 1 };
  assert.deepEqual(nextScalings(wanted, stateOf(1, none), [waiting]), []);
  const up = nextScalings(wanted, stateOf(1, none), [stateOf(0, none)]);
  assert.deepEqual(
    up.map(({ to }) => to),
    [2],
  );
});
