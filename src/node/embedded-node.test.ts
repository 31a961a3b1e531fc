import assert from 'node:assert/strict';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { podKind, type ObjectClient, type Pod } from '../kube/index.ts';
import { parseCidr } from '../model/index.ts';
import { silentLogger } from '../obs/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { systemClock } from '../sys/index.ts';
import { createPortableEngine } from '../sys/net/index.ts';
import { createEmbeddedNode } from './embedded-node.ts';

// One block for this file: test files run side by side.
const podRange = parseCidr('127.41.0.0/24');
const engine = createPortableEngine();
const linuxOnly =
  process.platform === 'linux' ? false : 'a Pod has an address of its own only on Linux';

async function start(t: TestContext): Promise<ObjectClient> {
  assert.ok(podRange);
  let uid = 0;
  const client = createMemoryStore({ clock: systemClock, newUid: () => `uid-${++uid}` });
  const node = createEmbeddedNode({
    client,
    nodeName: 'embedded',
    podRange,
    engine,
    clock: systemClock,
    random: () => 0.5,
    log: silentLogger,
    withdrawn: async () => undefined,
  });
  await node.start(AbortSignal.timeout(5_000));
  t.after(() => node.stop());
  return client;
}

const server = `
  const http = require('node:http');
  const { HOST, PORT, POD_NAME, EXTRA } = process.env;
  http.createServer((q, r) => {
    if (q.url === '/crash') process.exit(3);
    r.end(POD_NAME + ' ' + HOST + ':' + PORT + ' ' + EXTRA);
  }).listen(Number(PORT), HOST);
`;

function processPod(name: string, command: readonly string[], containerPort = 8080): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: 'default',
      name,
      annotations: { 'switchyard.dev/command': JSON.stringify(command) },
    },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'c',
          env: [{ name: 'EXTRA', value: 'extra' }],
          ports: [{ name: 'http', containerPort }],
        },
      ],
    },
  };
}

const runServer = [process.execPath, '-e', server];

async function until(
  client: ObjectClient,
  name: string,
  wanted: (pod: Pod) => boolean,
): Promise<Pod> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const pod = await client.get(podKind, { namespace: 'default', name });
    if (wanted(pod)) return pod;
    assert.ok(Date.now() < deadline, `still ${JSON.stringify(pod.status)}`);
    await systemClock.sleep(10);
  }
}

const readyOf = (pod: Pod) => pod.status?.conditions?.find((c) => c.type === 'Ready');
const isReady = (pod: Pod): boolean => readyOf(pod)?.status === 'True';

test(
  'a command runs with HOST, PORT and its environment, and is ready when it answers',
  { skip: linuxOnly },
  async (t) => {
    const client = await start(t);
    await client.create(podKind, processPod('web-0', runServer));
    const pod = await until(client, 'web-0', isReady);
    assert.equal(pod.spec?.nodeName, 'embedded');
    assert.equal(pod.status?.phase, 'Running');
    const ip = pod.status?.podIP;
    const text = await (await fetch(`http://${ip}:8080/`)).text();
    assert.equal(text, `web-0 ${ip}:8080 extra`);
  },
);

test('two Pods use one port, each at its own address', { skip: linuxOnly }, async (t) => {
  const client = await start(t);
  await client.create(podKind, processPod('web-0', runServer));
  await client.create(podKind, processPod('web-1', runServer));
  const [a, b] = [await until(client, 'web-0', isReady), await until(client, 'web-1', isReady)];
  assert.notEqual(a.status?.podIP, b.status?.podIP);
});

test(
  'a process that ends is not ready, says why, and is started again',
  { skip: linuxOnly },
  async (t) => {
    const client = await start(t);
    await client.create(podKind, processPod('web-0', runServer));
    const pod = await until(client, 'web-0', isReady);
    await assert.rejects(fetch(`http://${pod.status?.podIP}:8080/crash`));
    const down = await until(client, 'web-0', (p) => !isReady(p));
    assert.match(readyOf(down)?.message ?? '', /exited with code 3|nothing answers/);
    const again = await until(client, 'web-0', isReady);
    assert.equal(again.status?.podIP, pod.status?.podIP);
  },
);

test(
  'a deleted Pod takes its process with it, also one that ignores SIGTERM',
  { skip: linuxOnly },
  async (t) => {
    const client = await start(t);
    const deaf = [process.execPath, '-e', `process.on('SIGTERM', () => {}); ${server}`];
    await client.create(podKind, processPod('deaf', deaf));
    const ip = (await until(client, 'deaf', isReady)).status?.podIP ?? '';
    await client.delete(podKind, { namespace: 'default', name: 'deaf' });
    const deadline = Date.now() + 10_000;
    for (;;) {
      const answer = await engine
        .connect({ address: ip, port: 8080 }, { timeoutMs: 1_000 })
        .catch(() => undefined);
      answer?.destroy();
      if (answer === undefined) break;
      assert.ok(Date.now() < deadline, 'the process still answers');
      await systemClock.sleep(20);
    }
  },
);

test(
  'a program that does not exist: not ready, with the reason',
  { skip: linuxOnly },
  async (t) => {
    const client = await start(t);
    await client.create(podKind, processPod('web-0', ['/no/such/program']));
    const pod = await until(client, 'web-0', (p) => readyOf(p)?.reason === 'CrashLoopBackOff');
    assert.match(readyOf(pod)?.message ?? '', /Cannot start \/no\/such\/program/);
  },
);

test('a command that cannot be read: not ready, with the reason and the annotation', async (t) => {
  const client = await start(t);
  const pod = processPod('web-0', []);
  await client.create(podKind, pod);
  const told = await until(client, 'web-0', (p) => readyOf(p)?.reason === 'CreateContainerError');
  assert.match(readyOf(told)?.message ?? '', /switchyard\.dev\/command: the JSON array is empty/);
});

test('a Pod with an address is taken as given; one with nothing behind it says what to do', async (t) => {
  const client = await start(t);
  const bare: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'default', name: 'bare' },
  };
  await client.create(podKind, bare);
  await client.create(podKind, {
    ...bare,
    metadata: { namespace: 'default', name: 'given' },
    status: { podIP: '192.0.2.8' },
  });
  await client.create(podKind, {
    ...bare,
    metadata: { namespace: 'default', name: 'sick' },
    status: { podIP: '192.0.2.9', conditions: [{ type: 'Ready', status: 'False' }] },
  });
  const given = await until(client, 'given', isReady);
  assert.deepEqual(given.status?.podIPs, [{ ip: '192.0.2.8' }]);
  const empty = await until(client, 'bare', (p) => readyOf(p) !== undefined);
  assert.match(readyOf(empty)?.message ?? '', /switchyard bind pod\/bare --command/);
  const sick = await until(client, 'sick', (p) => p.status?.phase === 'Running');
  assert.equal(isReady(sick), false);
});
