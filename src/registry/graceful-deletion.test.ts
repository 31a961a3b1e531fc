/** Deleting: Pods that run stay for their grace, what they and others hold stays with them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  isLeaving,
  podKind,
  serviceKind,
  type ObjectClient,
  type Pod,
  type Service,
} from '../kube/index.ts';
import { parseCidr } from '../model/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { createFakeClock } from '../sys/index.ts';
import { createRegistry } from './registry.ts';

function registry(): ObjectClient {
  let uids = 0;
  return createRegistry({
    store: createMemoryStore({ clock: createFakeClock(), newUid: () => `uid-${uids++}` }),
    random: () => 0.5,
    serviceRange: parseCidr('10.96.0.0/16')!,
    allowLoopbackEndpoints: false,
  });
}

const name = { namespace: 'default', name: 'web' };

function pod(spec: Pod['spec'] = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: name,
    spec: { containers: [{ name: 'c', image: 'web:1' }], ...spec },
  };
}

test('a Pod on no node goes at once', async () => {
  const client = registry();
  await client.create(podKind, pod());
  await client.delete(podKind, name);
  await assert.rejects(client.get(podKind, name), { code: 'NotFound' });
});

const graces: Readonly<
  Record<string, readonly [own: number | undefined, asked: number | undefined, want: number]>
> = {
  'by default 30 s': [undefined, undefined, 30],
  'what the Pod says': [7, undefined, 7],
  'what was asked for': [7, 3, 3],
};

for (const [title, [own, asked, want]] of Object.entries(graces)) {
  test(`a Pod on a node stays for its grace: ${title}`, async () => {
    const client = registry();
    const spec = own === undefined ? {} : { terminationGracePeriodSeconds: own };
    await client.create(podKind, pod({ nodeName: 'n1', ...spec }));
    await client.delete(podKind, name, { gracePeriodSeconds: asked });
    const marked = await client.get(podKind, name);
    assert.ok(isLeaving(marked));
    assert.equal(marked.metadata.deletionGracePeriodSeconds, want);
    await client.delete(podKind, name, { gracePeriodSeconds: 0 });
    await assert.rejects(client.get(podKind, name), { code: 'NotFound' });
  });
}

test('a Pod whose processes are over goes at once', async () => {
  const client = registry();
  await client.create(podKind, pod({ nodeName: 'n1' }));
  const options = { subresource: 'status' } as const;
  await client.patch(podKind, name, { status: { phase: 'Succeeded' } }, options);
  await client.delete(podKind, name);
  await assert.rejects(client.get(podKind, name), { code: 'NotFound' });
});

test('a Service that waits for a finalizer keeps its address until it goes', async () => {
  const client = registry();
  const service = (own: string, fields: Service['spec'] = {}): Service => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name: own, finalizers: ['example.com/lb'] },
    spec: { ports: [{ port: 80 }], ...fields },
  });
  const made = await client.create(serviceKind, service('web'));
  const clusterIP = made.spec?.clusterIP ?? '';
  await client.delete(serviceKind, name);
  await assert.rejects(client.create(serviceKind, service('other', { clusterIP })), {
    code: 'Invalid',
  });
  await client.patch(serviceKind, name, { metadata: { finalizers: [] } });
  await client.create(serviceKind, service('other', { clusterIP }));
});
