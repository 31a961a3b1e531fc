/** The workload controllers over the real registry, with a node that is only a clockwork. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import {
  deploymentKind,
  eventKind,
  isLeaving,
  podKind,
  replicaSetKind,
  statefulSetKind,
  type Deployment,
  type ObjectClient,
  type Pod,
  type StatefulSet,
} from '../kube/index.ts';
import { createGarbageCollector } from './garbage-collector.ts';
import { holds, startWorld, templateOf, type World } from './testing.ts';
import { createWorkloadControllers } from './workloads.ts';

const start = (t: TestContext): Promise<World> =>
  startWorld(t, [createWorkloadControllers, createGarbageCollector]);

function deployment(fields: NonNullable<Deployment['spec']> = {}): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace: 'default', name: 'web' },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'web' } },
      template: templateOf('web:1'),
      ...fields,
    },
  };
}

const web = { namespace: 'default', name: 'web' };

async function counts(client: ObjectClient): Promise<unknown> {
  const { status } = await client.get(deploymentKind, web);
  return [status?.replicas, status?.updatedReplicas, status?.availableReplicas];
}

test('a Deployment makes Pods, says how it goes, and is settled', async (t) => {
  const { client, step, pods } = await start(t);
  await client.create(deploymentKind, deployment());
  await holds(async () => assert.equal((await pods()).length, 3));
  await step();
  await holds(async () => assert.deepEqual(await counts(client), [3, 3, 3]));
  const { status, metadata } = await client.get(deploymentKind, web);
  assert.deepEqual(
    status?.conditions?.map((c) => [c.type, c.status, c.reason]),
    [
      ['Available', 'True', 'MinimumReplicasAvailable'],
      ['Progressing', 'True', 'NewReplicaSetAvailable'],
    ],
  );
  assert.equal(metadata.annotations?.['deployment.kubernetes.io/revision'], '1');
  const [set] = (await client.list(replicaSetKind)).items;
  const hash = set?.metadata.labels?.['pod-template-hash'];
  assert.equal(set?.metadata.name, `web-${hash}`);
  for (const pod of await pods()) {
    assert.ok(pod.metadata.name.startsWith(`web-${hash}-`));
    assert.equal(pod.metadata.labels?.['pod-template-hash'], hash);
  }
  const reasons = (await client.list(eventKind)).items.map((event) => event.reason);
  assert.ok(reasons.includes('ScalingReplicaSet'));
  // Settled: nothing is written any more.
  const before = (await client.list(podKind)).resourceVersion;
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.equal((await client.list(podKind)).resourceVersion, before);
});

test('a rolling update keeps to maxSurge and maxUnavailable at every step', async (t) => {
  const { client, step, pods } = await start(t);
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
  await client.create(deploymentKind, deployment({ replicas: 4, strategy }));
  await holds(async () => assert.equal((await pods()).length, 4));
  await step();
  await holds(async () => assert.deepEqual(await counts(client), [4, 4, 4]));
  const watching = new AbortController();
  const problems: string[] = [];
  const seen = new Map((await pods()).map((pod) => [pod.metadata.name, pod]));
  const { resourceVersion } = await client.list(podKind);
  const watched = (async () => {
    const watch = client.watch(podKind, { resourceVersion, signal: watching.signal });
    for await (const event of watch) {
      if (event.type === 'BOOKMARK') continue;
      if (event.type === 'DELETED') seen.delete(event.object.metadata.name);
      else seen.set(event.object.metadata.name, event.object);
      const active = [...seen.values()].filter((pod) => !isLeaving(pod));
      const ready = active.filter((p) => p.status?.conditions?.[0]?.status === 'True').length;
      if (active.length > 5 || ready < 4) problems.push(`${active.length} ${ready}`);
    }
  })();
  await client.patch(deploymentKind, web, { spec: { template: templateOf('web:2') } });
  await holds(async () => {
    await step();
    const images = (await pods()).map((pod) => pod.spec?.containers?.[0]?.image);
    assert.deepEqual(images, ['web:2', 'web:2', 'web:2', 'web:2']);
  });
  await holds(async () => assert.deepEqual(await counts(client), [4, 4, 4]));
  watching.abort();
  await watched;
  assert.deepEqual(problems, []);
  const sets = (await client.list(replicaSetKind)).items;
  assert.deepEqual(
    sets.map((set) => set.spec?.replicas ?? 0).toSorted((a, b) => a - b),
    [0, 4],
  );
  const { metadata } = await client.get(deploymentKind, web);
  assert.equal(metadata.annotations?.['deployment.kubernetes.io/revision'], '2');
});

test('an update that never gets ready leaves the old Pods, and a way back is a way back', async (t) => {
  const { client, step, pods } = await start(t);
  await client.create(deploymentKind, deployment());
  await holds(async () => assert.equal((await pods()).length, 3));
  await step();
  await holds(async () => assert.deepEqual(await counts(client), [3, 3, 3]));
  const isOld = (pod: Pod): boolean => pod.spec?.containers?.[0]?.image === 'web:1';
  await client.patch(deploymentKind, web, { spec: { template: templateOf('broken') } });
  await holds(async () => {
    await step(isOld);
    assert.deepEqual(await counts(client), [4, 1, 3]);
  });
  assert.equal((await pods()).filter(isOld).length, 3);
  await client.patch(deploymentKind, web, { spec: { template: templateOf('web:1') } });
  await holds(async () => {
    await step(isOld);
    assert.deepEqual(await counts(client), [3, 3, 3]);
  });
  const { metadata } = await client.get(deploymentKind, web);
  assert.equal(metadata.annotations?.['deployment.kubernetes.io/revision'], '3');
});

test('scaling gives up first what is not ready; a Pod taken away is made again', async (t) => {
  const { client, step, pods } = await start(t);
  await client.create(deploymentKind, deployment({ replicas: 4 }));
  await holds(async () => assert.equal((await pods()).length, 4));
  const sick = (await pods())[1]?.metadata.name;
  await step((pod) => pod.metadata.name !== sick);
  await holds(async () => assert.deepEqual(await counts(client), [4, 4, 3]));
  await client.patch(deploymentKind, web, { spec: { replicas: 3 } });
  await holds(async () => {
    await step((pod) => pod.metadata.name !== sick);
    const names = (await pods()).map((pod) => pod.metadata.name);
    assert.equal(names.length, 3);
    assert.ok(!names.includes(sick ?? ''));
  });
  const lost = (await pods())[0]?.metadata.name ?? '';
  await client.delete(podKind, { namespace: 'default', name: lost }, { gracePeriodSeconds: 0 });
  await holds(async () => assert.equal((await pods()).length, 3));
});

test('deleting a Deployment takes its ReplicaSets and Pods along', async (t) => {
  const { client, step, pods } = await start(t);
  await client.create(deploymentKind, deployment());
  await holds(async () => assert.equal((await pods()).length, 3));
  await step();
  await client.delete(deploymentKind, web);
  await holds(async () => {
    await step();
    assert.deepEqual(await pods(), []);
  });
  assert.deepEqual((await client.list(replicaSetKind)).items, []);
});

test('a StatefulSet goes up and down in order, with names that stay', async (t) => {
  const { client, step, pods } = await start(t);
  const set: StatefulSet = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: web,
    spec: {
      replicas: 3,
      serviceName: 'web',
      selector: { matchLabels: { app: 'web' } },
      template: templateOf('web:1'),
    },
  };
  await client.create(statefulSetKind, set);
  for (const names of [['web-0'], ['web-0', 'web-1'], ['web-0', 'web-1', 'web-2']]) {
    await holds(async () =>
      assert.deepEqual(
        (await pods()).map((pod) => pod.metadata.name),
        names,
      ),
    );
    await step();
  }
  const [first] = await pods();
  assert.equal(first?.spec?.hostname, 'web-0');
  assert.equal(first?.spec?.subdomain, 'web');
  await client.patch(statefulSetKind, web, { spec: { template: templateOf('web:2') } });
  const order: string[] = [];
  await holds(async () => {
    for (const pod of await pods()) {
      const { name } = pod.metadata;
      if (pod.spec?.containers?.[0]?.image === 'web:2' && !order.includes(name)) order.push(name);
    }
    await step();
    const { status } = await client.get(statefulSetKind, web);
    assert.deepEqual([status?.updatedReplicas, status?.readyReplicas], [3, 3]);
  });
  assert.deepEqual(order, ['web-2', 'web-1', 'web-0']);
  await client.patch(statefulSetKind, web, { spec: { replicas: 1 } });
  await holds(async () => {
    await step();
    assert.deepEqual(
      (await pods()).map((pod) => pod.metadata.name),
      ['web-0'],
    );
  });
});
