import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  endpointSliceKind,
  podKind,
  serviceKind,
  type EndpointSlice,
  type ObjectClient,
  type Pod,
} from '../kube/index.ts';
import { silentLogger } from '../obs/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { systemClock } from '../sys/index.ts';
import { createEndpointSliceController } from './endpoint-slices.ts';

const clock = systemClock;

async function start(): Promise<{ client: ObjectClient; stop: () => Promise<void> }> {
  let uid = 0;
  const client = createMemoryStore({ clock, newUid: () => `uid-${++uid}` });
  const controller = createEndpointSliceController({
    client,
    clock,
    random: () => 0.5,
    log: silentLogger,
  });
  await controller.start(AbortSignal.timeout(5_000));
  return { client, stop: () => controller.stop() };
}

function pod(name: string, ip: string, fields: { ready?: boolean; port?: number } = {}): Pod {
  const { ready = true, port = 8080 } = fields;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'default', name, labels: { app: 'web' } },
    spec: {
      nodeName: 'n1',
      containers: [{ name: 'c', ports: [{ name: 'http', containerPort: port }] }],
    },
    status: {
      phase: 'Running',
      podIP: ip,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
}

const web = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'default', name: 'web' },
  spec: {
    clusterIP: '10.96.0.1',
    clusterIPs: ['10.96.0.1'],
    selector: { app: 'web' },
    ports: [{ name: 'http', port: 80, targetPort: 'http' }],
  },
} as const;

/** What the slices of `web` say, when they say what is expected; else what they said last. */
async function settles(
  client: ObjectClient,
  wanted: (slices: readonly EndpointSlice[]) => unknown,
  expected: unknown,
): Promise<void> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    const { items } = await client.list(endpointSliceKind, { namespace: 'default' });
    const got = wanted(items);
    try {
      assert.deepEqual(got, expected);
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

const addresses = (slices: readonly EndpointSlice[]): unknown =>
  slices
    .flatMap((slice) => slice.endpoints ?? [])
    .map((e) => `${e.addresses[0]} ${e.conditions?.ready === true ? 'ready' : 'not ready'}`)
    .toSorted((a, b) => (a < b ? -1 : 1));

test('Pods that match come, become ready, and go', async () => {
  const { client, stop } = await start();
  await client.create(serviceKind, web);
  await client.create(podKind, pod('a', '10.1.0.1'));
  await client.create(podKind, pod('b', '10.1.0.2', { ready: false }));
  await client.create(podKind, {
    ...pod('x', '10.1.0.9'),
    metadata: { namespace: 'default', name: 'x' },
  });
  await settles(client, addresses, ['10.1.0.1 ready', '10.1.0.2 not ready']);
  const status = { conditions: [{ type: 'Ready', status: 'True' }] };
  await client.patch(
    podKind,
    { namespace: 'default', name: 'b' },
    { status },
    { subresource: 'status' },
  );
  await settles(client, addresses, ['10.1.0.1 ready', '10.1.0.2 ready']);
  await client.delete(podKind, { namespace: 'default', name: 'a' });
  await settles(client, addresses, ['10.1.0.2 ready']);
  await stop();
});

test('a named port that differs from Pod to Pod makes a slice for each', async () => {
  const { client, stop } = await start();
  await client.create(serviceKind, web);
  await client.create(podKind, pod('a', '10.1.0.1'));
  await client.create(podKind, pod('b', '10.1.0.2', { port: 9090 }));
  await settles(
    client,
    (slices) => slices.map((s) => s.ports?.[0]?.port).toSorted((a = 0, b = 0) => a - b),
    [8080, 9090],
  );
  await stop();
});

test('at most 100 endpoints a slice, and none is left when the Service goes', async () => {
  const { client, stop } = await start();
  for (let i = 0; i < 230; i++) await client.create(podKind, pod(`p-${i}`, `10.1.1.${i}`));
  await client.create(serviceKind, web);
  await settles(
    client,
    (slices) => slices.map((s) => s.endpoints?.length ?? 0).toSorted((a, b) => a - b),
    [30, 100, 100],
  );
  await client.delete(serviceKind, { namespace: 'default', name: 'web' });
  await settles(client, (slices) => slices.length, 0);
  await stop();
});

test('slices of others are left alone, and what nothing changed is not written again', async () => {
  const { client, stop } = await start();
  const foreign: EndpointSlice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace: 'default',
      name: 'mine',
      labels: { 'kubernetes.io/service-name': 'web' },
    },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.9.9.9'] }],
    ports: [],
  };
  await client.create(endpointSliceKind, foreign);
  await client.create(serviceKind, web);
  await client.create(podKind, pod('a', '10.1.0.1'));
  await settles(client, (slices) => slices.length, 2);
  const versions = async (): Promise<unknown> =>
    (await client.list(endpointSliceKind)).items.map((s) => s.metadata.resourceVersion);
  const before = await versions();
  await client.patch(
    serviceKind,
    { namespace: 'default', name: 'web' },
    { metadata: { labels: { a: 'b' } } },
  );
  await client.create(podKind, {
    ...pod('other', '10.1.0.7'),
    metadata: { namespace: 'default', name: 'other' },
  });
  await client.create(podKind, pod('z', '10.1.0.3'));
  await settles(client, addresses, ['10.1.0.1 ready', '10.1.0.3 ready', '10.9.9.9 not ready']);
  const after = await versions();
  assert.equal(
    Array.isArray(after) &&
      Array.isArray(before) &&
      after.filter((v) => !before.includes(v)).length,
    1,
  );
  await stop();
});
