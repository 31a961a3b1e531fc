/** What a StatefulSet keeps of the templates it had, and what that is good for. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import {
  controllerRevisionKind,
  podKind,
  statefulSetKind,
  type ControllerRevision,
  type ObjectClient,
  type Pod,
  type StatefulSet,
} from '../kube/index.ts';
import { createGarbageCollector } from './garbage-collector.ts';
import { holds, startWorld, templateOf, type World } from './testing.ts';
import { createWorkloadControllers } from './workloads.ts';

const web = { namespace: 'default', name: 'web' };

const start = (t: TestContext): Promise<World> =>
  startWorld(t, [createWorkloadControllers, createGarbageCollector]);

function statefulSet(fields: NonNullable<StatefulSet['spec']> = {}): StatefulSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { ...web, annotations: { 'kubernetes.io/change-cause': 'the first' } },
    spec: {
      replicas: 2,
      serviceName: 'web',
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: { app: 'web' } },
      template: templateOf('web:1'),
      ...fields,
    },
  };
}

async function history(client: ObjectClient): Promise<readonly ControllerRevision[]> {
  const { items } = await client.list(controllerRevisionKind);
  return items.toSorted((a, b) => a.revision - b.revision);
}

const imageOf = (pod: Pod): string | undefined => pod.spec?.containers?.[0]?.image;

/** The image a revision keeps. */
function kept({ data }: ControllerRevision): string | undefined {
  return /web:\d+/.exec(JSON.stringify(data))?.[0];
}

async function rolledTo({ client, step, pods }: World, image: string): Promise<void> {
  await client.patch(statefulSetKind, web, { spec: { template: templateOf(image) } });
  await holds(async () => {
    await step();
    assert.deepEqual((await pods()).map(imageOf), [image, image]);
    const { status } = await client.get(statefulSetKind, web);
    assert.equal(status?.currentRevision, status?.updateRevision);
    assert.equal(status?.readyReplicas, 2);
  });
}

test('each template has one revision, and one gone back to is the newest again', async (t) => {
  const world = await start(t);
  const { client, step } = world;
  await client.create(statefulSetKind, statefulSet());
  await holds(async () => {
    await step();
    assert.equal((await client.get(statefulSetKind, web)).status?.readyReplicas, 2);
  });
  const [first] = await history(client);
  assert.equal(first?.revision, 1);
  assert.deepEqual(first?.data, {
    spec: {
      template: {
        ...(await client.get(statefulSetKind, web)).spec?.template,
        $patch: 'replace',
      },
    },
  });
  const hash = first?.metadata.labels?.['controller.kubernetes.io/hash'];
  assert.equal(first?.metadata.name, `web-${hash}`);
  assert.equal(first?.metadata.labels?.['app'], 'web');
  assert.equal(first?.metadata.annotations?.['kubernetes.io/change-cause'], 'the first');
  assert.equal(first?.metadata.ownerReferences?.[0]?.kind, 'StatefulSet');
  const [pod] = await world.pods();
  assert.equal(pod?.metadata.labels?.['controller-revision-hash'], first?.metadata.name);
  await rolledTo(world, 'web:2');
  // Written in another way it is the same template.
  const { template = {} } = (await client.get(statefulSetKind, web)).spec ?? {};
  const emptied = { ...template, metadata: { ...template.metadata, annotations: {} } };
  await client.patch(statefulSetKind, web, { spec: { template: emptied, minReadySeconds: 0 } });
  await holds(async () => {
    const { metadata, status } = await client.get(statefulSetKind, web);
    assert.equal(status?.observedGeneration, metadata.generation);
  });
  assert.deepEqual((await history(client)).map(kept), ['web:1', 'web:2']);
  await rolledTo(world, 'web:1');
  const after = await history(client);
  assert.deepEqual(
    after.map((each) => [kept(each), each.revision]),
    [
      ['web:2', 2],
      ['web:1', 3],
    ],
  );
  assert.equal(after[1]?.metadata.uid, first?.metadata.uid, 'it is the same object');
});

test('a Pod below the partition is made anew as it was', async (t) => {
  const { client, step, pods } = await start(t);
  const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 1 } };
  const ordinals = { start: 5 };
  await client.create(statefulSetKind, statefulSet({ updateStrategy, ordinals }));
  await holds(async () => {
    await step();
    assert.equal((await client.get(statefulSetKind, web)).status?.readyReplicas, 2);
  });
  await client.patch(statefulSetKind, web, { spec: { template: templateOf('web:2') } });
  const settled = async (): Promise<void> => {
    await step();
    assert.deepEqual(
      (await pods()).map((pod) => [pod.metadata.name, imageOf(pod)]),
      [
        ['web-5', 'web:1'],
        ['web-6', 'web:2'],
      ],
    );
  };
  await holds(settled);
  const before = await client.get(podKind, { ...web, name: 'web-5' });
  await client.delete(podKind, { ...web, name: 'web-5' }, { gracePeriodSeconds: 0 });
  await holds(async () => {
    await settled();
    const anew = await client.get(podKind, { ...web, name: 'web-5' });
    assert.notEqual(anew.metadata.uid, before.metadata.uid);
    const { status } = await client.get(statefulSetKind, web);
    const hash = anew.metadata.labels?.['controller-revision-hash'];
    assert.equal(hash, status?.currentRevision);
    assert.notEqual(hash, status?.updateRevision);
    assert.deepEqual([status?.currentReplicas, status?.updatedReplicas], [1, 1]);
  });
});

test('the oldest are dropped beyond revisionHistoryLimit, never one that a Pod is of', async (t) => {
  const world = await start(t);
  const { client, step, pods } = world;
  await client.create(statefulSetKind, statefulSet({ revisionHistoryLimit: 1 }));
  await holds(async () => assert.equal((await pods()).length, 2));
  for (const image of ['web:2', 'web:3', 'web:4']) await rolledTo(world, image);
  await holds(async () => {
    assert.deepEqual((await history(client)).map(kept), ['web:3', 'web:4']);
  });
  // Nobody replaces these Pods, so what they are of stays, whatever the limit.
  const updateStrategy = { type: 'OnDelete', rollingUpdate: null };
  const spec = { updateStrategy, revisionHistoryLimit: 0, template: templateOf('web:5') };
  await client.patch(statefulSetKind, web, { spec });
  await holds(async () => {
    await step();
    assert.deepEqual((await history(client)).map(kept), ['web:4', 'web:5']);
  });
  assert.deepEqual((await pods()).map(imageOf), ['web:4', 'web:4']);
  const { status } = await client.get(statefulSetKind, web);
  assert.notEqual(status?.currentRevision, status?.updateRevision);
});

test('a name that is taken is given up for another, and an orphan of it is taken in', async (t) => {
  const { client, pods } = await start(t);
  const set = await client.create(statefulSetKind, statefulSet());
  await holds(async () => assert.equal((await pods()).length, 2));
  const [first] = await history(client);
  assert.ok(first !== undefined);
  await client.delete(statefulSetKind, web, { propagationPolicy: 'Orphan' });
  await holds(async () => {
    const [orphan] = await history(client);
    assert.equal(orphan?.metadata.ownerReferences, undefined);
    assert.deepEqual((await client.list(statefulSetKind)).items, []);
  });
  const again = await client.create(statefulSetKind, statefulSet());
  assert.notEqual(again.metadata.uid, set.metadata.uid);
  await holds(async () => {
    const [adopted, ...others] = await history(client);
    assert.equal(adopted?.metadata.uid, first.metadata.uid);
    assert.equal(adopted?.metadata.ownerReferences?.[0]?.uid, again.metadata.uid);
    assert.deepEqual(others, []);
  });
  // Somebody else's of the name that the next one would have.
  await client.create(controllerRevisionKind, {
    ...first,
    metadata: { ...web, name: first.metadata.name.replace('web-', 'db-') },
    data: { something: 'else' },
  });
  const db = { ...statefulSet(), metadata: { ...web, name: 'db' } };
  await client.create(statefulSetKind, db);
  await holds(async () => {
    const { status } = await client.get(statefulSetKind, { ...web, name: 'db' });
    assert.equal(status?.collisionCount, 1);
    assert.match(status?.updateRevision ?? '', /^db-/);
    assert.notEqual(status?.updateRevision, first.metadata.name.replace('web-', 'db-'));
  });
});

test('deleting a StatefulSet takes its history along', async (t) => {
  const { client, step } = await start(t);
  await client.create(statefulSetKind, statefulSet());
  await holds(async () => assert.equal((await history(client)).length, 1));
  await client.delete(statefulSetKind, web);
  await holds(async () => {
    await step();
    assert.deepEqual(await history(client), []);
  });
});
