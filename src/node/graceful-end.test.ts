/** A deleted Pod ends in order, and probes decide what is ready and what is started again. */
import assert from 'node:assert/strict';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import {
  eventKind,
  nodeKind,
  podKind,
  type ObjectClient,
  type Pod,
  type Probe,
} from '../kube/index.ts';
import { parseCidr } from '../model/index.ts';
import { createRegistry } from '../registry/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { systemClock } from '../sys/index.ts';
import type { EmbeddedNode } from './embedded-node.ts';
import { isReady, linuxOnly, startNode, untilGone, untilPod, webName } from './testing.ts';

// One block for this file: test files run side by side.
const podRange = parseCidr('127.41.1.0/24');

interface World {
  readonly client: ObjectClient;
  readonly node: EmbeddedNode;
}

async function start(t: TestContext, withdrawn: () => Promise<void>): Promise<World> {
  assert.ok(podRange);
  let uid = 0;
  const client = createRegistry({
    store: createMemoryStore({ clock: systemClock, newUid: () => `uid-${++uid}` }),
    random: Math.random,
    serviceRange: podRange,
    allowLoopbackEndpoints: true,
  });
  return { client, node: await startNode(t, { client, podRange, withdrawn }) };
}

const server = `
  const http = require('node:http');
  const { HOST, PORT } = process.env;
  let health = 200;
  console.log('born');
  process.on('SIGTERM', () => { console.log('told to end'); process.exit(0); });
  http.createServer((q, r) => {
    if (q.url === '/sick') health = 500;
    if (q.url === '/well') health = 200;
    r.statusCode = q.url === '/health' ? health : 200;
    r.end();
  }).listen(Number(PORT), HOST);
`;

function pod(probes: Readonly<Record<string, Probe>> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...webName,
      annotations: { 'switchyard.dev/command': JSON.stringify([process.execPath, '-e', server]) },
    },
    spec: {
      terminationGracePeriodSeconds: 10,
      containers: [
        {
          name: 'c',
          image: 'host',
          ports: [{ name: 'http', containerPort: 8080 }],
          ...probes,
        },
      ],
    },
  };
}

test(
  'nobody is sent to it any more, then it is told to end, then the object goes',
  { skip: linuxOnly },
  async (t) => {
    const asked = Promise.withResolvers<void>();
    const out = Promise.withResolvers<void>();
    const { client, node } = await start(t, async () => {
      asked.resolve();
      await out.promise;
    });
    await client.create(podKind, pod());
    const { status } = await untilPod(client, isReady);
    const lines: string[] = [];
    node.logs.follow('default/web', ({ text }) => lines.push(text));
    await client.delete(podKind, webName);
    await asked.promise;
    const marked = await client.get(podKind, webName);
    assert.ok(marked.metadata.deletionTimestamp !== undefined);
    assert.ok(isReady(marked), 'it still serves');
    assert.equal((await fetch(`http://${status?.podIP}:8080/`)).status, 200);
    out.resolve();
    await untilGone(client);
    assert.deepEqual(lines, ['told to end']);
  },
);

test('a Pod that only stands for an address goes too', async (t) => {
  const { client } = await start(t, async () => undefined);
  const annotations = { 'switchyard.dev/address': '127.0.0.1:9' };
  await client.create(podKind, { ...pod(), metadata: { ...webName, annotations } });
  const found = await untilPod(client, isReady);
  assert.equal(found.status?.podIP, '127.0.0.1');
  await client.delete(podKind, webName);
  await untilGone(client);
});

test('a readiness probe takes a Pod out and lets it in again', { skip: linuxOnly }, async (t) => {
  const { client } = await start(t, async () => undefined);
  const httpGet = { path: '/health', port: 'http' };
  const readinessProbe = { httpGet, periodSeconds: 1, failureThreshold: 1 };
  await client.create(podKind, pod({ readinessProbe }));
  const { status } = await untilPod(client, isReady);
  await fetch(`http://${status?.podIP}:8080/sick`);
  const sick = await untilPod(client, (found) => !isReady(found));
  const ready = sick.status?.conditions?.find((c) => c.type === 'Ready');
  assert.equal(ready?.message, 'Readiness probe failed: HTTP probe failed with statuscode: 500');
  await fetch(`http://${status?.podIP}:8080/well`);
  await untilPod(client, isReady);
  assert.equal(
    (await client.get(podKind, webName)).status?.containerStatuses?.[0]?.restartCount,
    0,
  );
});

test('a liveness probe starts it again, counted and told', { skip: linuxOnly }, async (t) => {
  const { client, node } = await start(t, async () => undefined);
  const exec = {
    command: [
      process.execPath,
      '-e',
      'fetch(`http://${process.env.HOST}:8080/health`).then((r) => process.exit(r.ok ? 0 : 1))',
    ],
  };
  const livenessProbe = { exec, periodSeconds: 1, failureThreshold: 1, timeoutSeconds: 5 };
  await client.create(podKind, pod({ livenessProbe, startupProbe: { tcpSocket: { port: 8080 } } }));
  const { status } = await untilPod(client, isReady);
  await fetch(`http://${status?.podIP}:8080/sick`);
  const again = await untilPod(
    client,
    (found) => isReady(found) && found.status?.containerStatuses?.[0]?.restartCount === 1,
  );
  assert.equal(again.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 0);
  const events = (await client.list(eventKind)).items;
  assert.ok(events.some(({ reason }) => reason === 'Unhealthy'));
  const lines = node.logs.linesOf('default/web')?.map(({ text }) => text);
  assert.deepEqual(lines, ['born', 'told to end', 'born']);
});

const bare: Readonly<Record<string, readonly [owner: string | undefined, said: string]>> = {
  'of a Deployment': ['ReplicaSet shop-7d9c', "switchyard bind deployment/shop --command 'node"],
  'of a StatefulSet': ['StatefulSet db', "switchyard bind statefulset/db --command 'node"],
  'of nobody': [undefined, "switchyard bind pod/web --command 'node"],
};

for (const [title, [owner, said]] of Object.entries(bare)) {
  test(`a Pod ${title} with nothing behind it says which command gives it something`, async (t) => {
    const { client } = await start(t, async () => undefined);
    const [kind = '', ownerName = ''] = owner?.split(' ') ?? [];
    const reference = {
      apiVersion: 'apps/v1',
      kind,
      name: ownerName,
      uid: 'u',
      controller: true,
    };
    const ownerReferences = owner === undefined ? [] : [reference];
    await client.create(podKind, { ...pod(), metadata: { ...webName, ownerReferences } });
    const { status } = await untilPod(client, (found) => found.status?.conditions !== undefined);
    const ready = status?.conditions?.find((c) => c.type === 'Ready');
    assert.equal(ready?.reason, 'NothingBehind');
    assert.ok(ready.message?.includes(said), ready.message ?? 'no message');
  });
}

test('the node is there as an object', async (t) => {
  const { client } = await start(t, async () => undefined);
  const node = await client.get(nodeKind, { name: 'embedded' });
  assert.equal(node.status?.conditions?.[0]?.status, 'True');
});

test('a running Pod takes another command, at its address', { skip: linuxOnly }, async (t) => {
  const { client, node } = await start(t, async () => undefined);
  await client.create(podKind, pod());
  const { status } = await untilPod(client, isReady);
  const other = server.replaceAll('born', 'born again');
  const words = JSON.stringify([process.execPath, '-e', other]);
  const annotations = { 'switchyard.dev/command': words };
  await client.patch(podKind, webName, { metadata: { annotations } });
  const deadline = Date.now() + 15_000;
  const hasRestarted = (): boolean =>
    node.logs.linesOf('default/web')?.at(-1)?.text === 'born again';
  while (!hasRestarted()) {
    assert.ok(Date.now() < deadline, JSON.stringify(node.logs.linesOf('default/web')));
    await systemClock.sleep(10);
  }
  const now = await untilPod(client, isReady);
  assert.equal(now.status?.podIP, status?.podIP);
  assert.equal((await fetch(`http://${status?.podIP}:8080/`)).status, 200);
});

test('an address that is none is said to be', async (t) => {
  const { client } = await start(t, async () => undefined);
  const annotations = { 'switchyard.dev/address': 'somewhere' };
  await client.create(podKind, { ...pod(), metadata: { ...webName, annotations } });
  const { status } = await untilPod(client, (found) => found.status?.conditions !== undefined);
  const ready = status?.conditions?.find((c) => c.type === 'Ready');
  assert.equal(ready?.reason, 'InvalidAddress');
});
