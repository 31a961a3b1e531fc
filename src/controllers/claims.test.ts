/** Who owns whom by label; scaling in the middle of a rollout; pausing; StatefulSets with a partition or in parallel. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import {
  deploymentKind,
  podKind,
  replicaSetKind,
  statefulSetKind,
  type Deployment,
  type ObjectClient,
  type Pod,
  type StatefulSet,
} from '../kube/index.ts';
import { selects } from './orphans.ts';
import { isScaled, scaledProportionally } from './proportional.ts';
import type { SetState } from './rollout.ts';
import { holds, startWorld, templateOf, type World } from './testing.ts';
import { createWorkloadControllers } from './workloads.ts';

const web = { namespace: 'default', name: 'web' };
const start = (t: TestContext): Promise<World> => startWorld(t, [createWorkloadControllers]);

function deployment(fields: NonNullable<Deployment['spec']> = {}): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: web,
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'web' } },
      template: templateOf('web:1'),
      ...fields,
    },
  };
}

async function ready(world: World, count: number): Promise<void> {
  await holds(async () => {
    await world.step();
    const { status } = await world.client.get(deploymentKind, web);
    const { replicas, updatedReplicas, availableReplicas } = status ?? {};
    assert.deepEqual([replicas, updatedReplicas, availableReplicas], [count, count, count]);
  });
}

test('selectors match as the API server says, expressions included; an empty one nothing', () => {
  const labels = { app: 'web', tier: 'front' };
  const matching = [
    { matchLabels: { app: 'web' } },
    { matchExpressions: [{ key: 'app', operator: 'In', values: ['web', 'api'] }] },
    { matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['a'] }] },
    { matchExpressions: [{ key: 'tier', operator: 'Exists' }] },
    { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'x', operator: 'DoesNotExist' }] },
  ];
  for (const selector of matching) assert.ok(selects(selector, labels), JSON.stringify(selector));
  const others = [
    {},
    { matchLabels: { app: 'api' } },
    { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] },
    { matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] },
    { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'x', operator: 'Exists' }] },
  ];
  for (const selector of others) assert.ok(!selects(selector, labels), JSON.stringify(selector));
});

test('a ReplicaSet takes in Pods that it selects, and makes only those that are missing', async (t) => {
  const { client, names, pods } = await start(t);
  const { spec = {} } = templateOf('web:1');
  for (const [name, app] of [
    ['mine', 'web'],
    ['other', 'api'],
  ] as const) {
    const metadata = { ...web, name, labels: { app } };
    await client.create(podKind, { apiVersion: 'v1', kind: 'Pod', metadata, spec });
  }
  await client.create(replicaSetKind, {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: web,
    spec: {
      replicas: 2,
      selector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['web'] }] },
      template: templateOf('web:1'),
    },
  });
  await holds(async () => assert.equal((await pods()).length, 3));
  const { metadata } = await client.get(podKind, { ...web, name: 'mine' });
  assert.equal(metadata.ownerReferences?.[0]?.name, 'web');
  assert.equal(metadata.ownerReferences[0].controller, true);
  assert.equal(
    (await client.get(podKind, { ...web, name: 'other' })).metadata.ownerReferences,
    undefined,
  );
  // A Pod that is given another label is let go, and another one made in its place.
  const patch = { metadata: { labels: { app: 'debug' } } };
  await client.patch(podKind, { ...web, name: 'mine' }, patch);
  await holds(async () => {
    const freed = await client.get(podKind, { ...web, name: 'mine' });
    assert.equal(freed.metadata.ownerReferences, undefined);
    assert.equal((await names()).length, 4);
  });
});

test('a Deployment takes in a ReplicaSet without a controller, and goes on from it', async (t) => {
  const world = await start(t);
  const { client } = world;
  const labels = { app: 'web', 'pod-template-hash': 'old' };
  await client.create(replicaSetKind, {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { ...web, name: 'web-old', labels },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: { ...templateOf('web:0'), metadata: { labels } },
    },
  });
  await holds(async () => assert.equal((await world.pods()).length, 2));
  await client.create(deploymentKind, deployment());
  await ready(world, 3);
  const old = await client.get(replicaSetKind, { ...web, name: 'web-old' });
  assert.equal(old.metadata.ownerReferences?.[0]?.kind, 'Deployment');
  assert.equal(old.spec?.replicas, 0);
});

function state(revision: number, wanted: number, [desired, max]: readonly number[]): SetState {
  const annotations = {
    'deployment.kubernetes.io/revision': String(revision),
    'deployment.kubernetes.io/desired-replicas': String(desired),
    'deployment.kubernetes.io/max-replicas': String(max),
  };
  const set = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: `web-${revision}`, annotations },
  };
  return { set, wanted, active: wanted, leaving: 0, ready: wanted, available: wanted };
}

const rolling = {
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } },
};

const proportional: Readonly<Record<string, readonly [to: number, was: number[], is: number[]]>> = {
  // The example of Kubernetes' documentation: 10 replicas at 8 old and 5 new, scaled to 15.
  'up: each gets its share, the largest what is left': [15, [8, 5], [11, 7]],
  'down: each gives its share': [5, [8, 5], [5, 3]],
  'to nothing': [0, [8, 5], [0, 0]],
};

for (const [title, [to, [oldSize = 0, newSize = 0], wanted]] of Object.entries(proportional)) {
  test(`scaled in the middle of a rollout, ${title}`, () => {
    const at = deployment({ replicas: to, ...rolling });
    const [old, current] = [state(1, oldSize, [10, 13]), state(2, newSize, [10, 13])];
    assert.ok(isScaled(at, [old, { ...current, available: 0 }]));
    const scalings = scaledProportionally(at, { ...current, available: 0 }, [old]);
    const sizes = new Map(scalings.map(({ set, to: size }) => [set.metadata.name, size]));
    assert.deepEqual([sizes.get('web-1'), sizes.get('web-2')], wanted);
  });
}

test('a paused Deployment is scaled and takes no new template; resumed, it does', async (t) => {
  const world = await start(t);
  const { client } = world;
  await client.create(deploymentKind, deployment());
  await ready(world, 3);
  const spec = { paused: true, template: templateOf('web:2'), replicas: 4 };
  await client.patch(deploymentKind, web, { spec });
  await holds(async () => {
    await world.step();
    const { status } = await client.get(deploymentKind, web);
    assert.equal(status?.availableReplicas, 4);
    const found = status.conditions?.find(({ type }) => type === 'Progressing');
    assert.deepEqual([found?.status, found?.reason], ['Unknown', 'DeploymentPaused']);
  });
  const images = async (): Promise<readonly unknown[]> =>
    (await world.pods()).map((pod) => pod.spec?.containers?.[0]?.image);
  assert.deepEqual(
    await images(),
    Array.from({ length: 4 }, () => 'web:1'),
  );
  await client.patch(deploymentKind, web, { spec: { paused: false } });
  await ready(world, 4);
  await holds(async () => {
    await world.step();
    assert.deepEqual(
      await images(),
      Array.from({ length: 4 }, () => 'web:2'),
    );
  });
});

function statefulSet(fields: NonNullable<StatefulSet['spec']> = {}): StatefulSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: web,
    spec: {
      replicas: 4,
      serviceName: 'web',
      selector: { matchLabels: { app: 'web' } },
      template: templateOf('web:1'),
      ...fields,
    },
  };
}

async function imagesByName(client: ObjectClient): Promise<Readonly<Record<string, unknown>>> {
  const { items } = await client.list(podKind);
  return Object.fromEntries(
    items.map((pod: Pod) => [pod.metadata.name, pod.spec?.containers?.[0]?.image]),
  );
}

test('a partition keeps the Pods below it as they are', async (t) => {
  const { client, step, pods } = await start(t);
  const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 2 } };
  await client.create(
    statefulSetKind,
    statefulSet({ podManagementPolicy: 'Parallel', updateStrategy }),
  );
  await holds(async () => assert.equal((await pods()).length, 4));
  await step();
  await client.patch(statefulSetKind, web, { spec: { template: templateOf('web:2') } });
  await holds(async () => {
    await step();
    const wanted = { 'web-0': 'web:1', 'web-1': 'web:1', 'web-2': 'web:2', 'web-3': 'web:2' };
    assert.deepEqual(await imagesByName(client), wanted);
    const { status } = await client.get(statefulSetKind, web);
    assert.deepEqual([status?.updatedReplicas, status?.readyReplicas], [2, 4]);
    assert.notEqual(status?.currentRevision, status?.updateRevision);
  });
});

test('maxUnavailable lets so many be replaced at once, and no more', async (t) => {
  const { client, step, pods } = await start(t);
  const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '50%' } };
  await client.create(
    statefulSetKind,
    statefulSet({ podManagementPolicy: 'Parallel', updateStrategy }),
  );
  await holds(async () => assert.equal((await pods()).length, 4));
  await step();
  await client.patch(statefulSetKind, web, { spec: { template: templateOf('web:2') } });
  await holds(async () => {
    const leaving = (await pods()).filter((pod) => pod.metadata.deletionTimestamp !== undefined);
    assert.deepEqual(
      leaving.map((pod) => pod.metadata.name),
      ['web-2', 'web-3'],
    );
  });
  await holds(async () => {
    await step();
    const images = Object.values(await imagesByName(client));
    assert.deepEqual(images, ['web:2', 'web:2', 'web:2', 'web:2']);
  });
});

test('in order, the next Pod is made when the one before has been ready for minReadySeconds', async (t) => {
  const { client, step, names } = await start(t);
  await client.create(statefulSetKind, statefulSet({ replicas: 2, minReadySeconds: 1 }));
  await holds(async () => assert.deepEqual(await names(), ['web-0']));
  await step();
  const { status } = await client.get(podKind, { ...web, name: 'web-0' });
  const since = Date.parse(status?.conditions?.[0]?.lastTransitionTime ?? '');
  await holds(async () => assert.deepEqual(await names(), ['web-0', 'web-1']));
  assert.ok(Date.now() - since >= 1_000, 'not before');
});
