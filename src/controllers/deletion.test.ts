/** What becomes of those a deleted object owns, as its delete asked; and what becomes of a Namespace's content. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import {
  configMapKind,
  deploymentKind,
  isNotFound,
  kinds,
  namespaceKind,
  podKind,
  replicaSetKind,
  serviceKind,
  type Deployment,
  type Kind,
  type ObjectClient,
} from '../kube/index.ts';
import { createGarbageCollector } from './garbage-collector.ts';
import { createNamespaceController } from './namespaces.ts';
import { holds, startWorld, templateOf, type World } from './testing.ts';
import { createWorkloadControllers } from './workloads.ts';

const web = { namespace: 'default', name: 'web' };

function deployment(namespace = 'default'): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace, name: 'web' },
    spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template: templateOf('web:1') },
  };
}

async function start(t: TestContext, namespace = 'default'): Promise<World> {
  const world = await startWorld(t, [
    createWorkloadControllers,
    createGarbageCollector,
    createNamespaceController,
  ]);
  if (namespace !== 'default') {
    const metadata = { name: namespace };
    await world.client.create(namespaceKind, { apiVersion: 'v1', kind: 'Namespace', metadata });
  }
  await world.client.create(deploymentKind, deployment(namespace));
  await holds(async () => assert.equal((await world.pods()).length, 2));
  await world.step();
  return world;
}

async function exists(client: ObjectClient, kind: Kind, name: typeof web): Promise<boolean> {
  try {
    await client.get(kind, name);
    return true;
  } catch (thrown) {
    if (isNotFound(thrown)) return false;
    throw thrown;
  }
}

test('in the foreground it stays until its ReplicaSet is gone, and that until its Pods are', async (t) => {
  const { client, pods, step } = await start(t);
  await client.delete(deploymentKind, web, { propagationPolicy: 'Foreground' });
  const { metadata } = await client.get(deploymentKind, web);
  assert.deepEqual(metadata.finalizers, ['foregroundDeletion']);
  assert.ok(metadata.deletionTimestamp !== undefined);
  await holds(async () => {
    const marked = (await pods()).filter((pod) => pod.metadata.deletionTimestamp !== undefined);
    assert.equal(marked.length, 2);
  });
  const [set] = (await client.list(replicaSetKind)).items;
  assert.deepEqual(set?.metadata.finalizers, ['foregroundDeletion']);
  assert.ok(await exists(client, deploymentKind, web));
  await step();
  await holds(async () => {
    assert.deepEqual((await client.list(replicaSetKind)).items, []);
    assert.ok(!(await exists(client, deploymentKind, web)));
  });
});

test('orphans stay, and forget whose they were', async (t) => {
  const { client, pods } = await start(t);
  await client.delete(deploymentKind, web, { propagationPolicy: 'Orphan' });
  await holds(async () => assert.ok(!(await exists(client, deploymentKind, web))));
  const [set] = (await client.list(replicaSetKind)).items;
  assert.equal(set?.metadata.ownerReferences, undefined);
  assert.equal(set?.metadata.deletionTimestamp, undefined);
  await client.delete(
    replicaSetKind,
    { ...web, name: set?.metadata.name ?? '' },
    {
      propagationPolicy: 'Orphan',
    },
  );
  await holds(async () => assert.deepEqual((await client.list(replicaSetKind)).items, []));
  const left = await pods();
  assert.equal(left.length, 2);
  for (const pod of left) {
    assert.equal(pod.metadata.ownerReferences, undefined);
    assert.equal(pod.metadata.deletionTimestamp, undefined);
  }
});

test('in the background it is gone at once, and its own follow', async (t) => {
  const { client, pods, step } = await start(t);
  await client.delete(deploymentKind, web, { propagationPolicy: 'Background' });
  assert.ok(!(await exists(client, deploymentKind, web)));
  await holds(async () => {
    await step();
    assert.deepEqual(await pods(), []);
    assert.deepEqual((await client.list(replicaSetKind)).items, []);
  });
});

test('who has another owner stays, and forgets only the one that is gone', async (t) => {
  const { client } = await start(t);
  const owners = [];
  for (const name of ['a', 'b']) {
    const metadata = { ...web, name };
    const made = await client.create(configMapKind, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata,
    });
    const uid = made.metadata.uid ?? '';
    owners.push({ apiVersion: 'v1', kind: 'ConfigMap', name, uid });
  }
  const metadata = { ...web, name: 'kept', ownerReferences: owners };
  await client.create(configMapKind, { apiVersion: 'v1', kind: 'ConfigMap', metadata });
  await client.delete(configMapKind, { ...web, name: 'a' });
  await holds(async () => {
    const kept = await client.get(configMapKind, { ...web, name: 'kept' });
    assert.deepEqual(
      kept.metadata.ownerReferences?.map(({ name }) => name),
      ['b'],
    );
  });
  await client.delete(configMapKind, { ...web, name: 'b' });
  await holds(async () =>
    assert.ok(!(await exists(client, configMapKind, { ...web, name: 'kept' }))),
  );
});

test('a Namespace goes when its Pods have had their grace and nothing is left in it', async (t) => {
  const { client, pods, step } = await start(t, 'shop');
  const metadata = { namespace: 'shop', name: 'web' };
  const spec = { ports: [{ port: 80 }] };
  await client.create(serviceKind, { apiVersion: 'v1', kind: 'Service', metadata, spec });
  assert.deepEqual((await client.get(namespaceKind, { name: 'shop' })).spec, {
    finalizers: ['kubernetes'],
  });
  await client.delete(namespaceKind, { name: 'shop' });
  await holds(async () => {
    const marked = (await pods()).filter((pod) => pod.metadata.deletionTimestamp !== undefined);
    assert.equal(marked.length, 2);
  });
  // While Pods end, the Services that lead to them stay.
  assert.equal((await client.list(serviceKind, { namespace: 'shop' })).items.length, 1);
  assert.equal((await client.get(namespaceKind, { name: 'shop' })).status?.phase, 'Terminating');
  const late = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'shop', name: 'late' },
  };
  await assert.rejects(client.create(configMapKind, late), {
    code: 'Forbidden',
    message:
      'configmaps "late" is forbidden: unable to create new content in namespace shop because it is being terminated',
  });
  await step();
  await holds(async () =>
    assert.deepEqual(
      (await client.list(namespaceKind)).items.map((each) => each.metadata.name),
      ['default', 'kube-system'],
    ),
  );
  for (const kind of kinds.filter(({ namespaced }) => namespaced)) {
    assert.deepEqual((await client.list(kind, { namespace: 'shop' })).items, [], kind.kind);
  }
});

test('a Namespace waits for what has a finalizer of somebody', async (t) => {
  const { client } = await start(t);
  await client.create(namespaceKind, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'held' },
  });
  const metadata = { namespace: 'held', name: 'a', finalizers: ['example.com/mine'] };
  await client.create(configMapKind, { apiVersion: 'v1', kind: 'ConfigMap', metadata });
  await client.delete(namespaceKind, { name: 'held' });
  await holds(async () => {
    const { metadata: at } = await client.get(configMapKind, { namespace: 'held', name: 'a' });
    assert.ok(at.deletionTimestamp !== undefined);
  });
  assert.equal((await client.get(namespaceKind, { name: 'held' })).status?.phase, 'Terminating');
  await client.patch(
    configMapKind,
    { namespace: 'held', name: 'a' },
    { metadata: { finalizers: null } },
  );
  await holds(async () => {
    const names = (await client.list(namespaceKind)).items.map((each) => each.metadata.name);
    assert.ok(!names.includes('held'));
  });
});

test('Pods that nothing owns are left alone', async (t) => {
  const { client, names } = await start(t);
  const { spec } = templateOf('web:1');
  const metadata = { ...web, name: 'lonely' };
  await client.create(podKind, { apiVersion: 'v1', kind: 'Pod', metadata, spec: spec ?? {} });
  await client.delete(deploymentKind, web);
  await holds(async () => assert.deepEqual((await client.list(replicaSetKind)).items, []));
  assert.ok((await names()).includes('lonely'));
});
