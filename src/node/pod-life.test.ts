/** A process Pod's life: whether it is started again, what gates it, what is done before it ends, and what is told. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import {
  eventKind,
  podKind,
  type Container,
  type LifecycleHandler,
  type ObjectClient,
  type Pod,
} from '../kube/index.ts';
import { parseCidr } from '../model/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { systemClock } from '../sys/index.ts';
import type { EmbeddedNode } from './embedded-node.ts';
import {
  isReady,
  linuxOnly,
  startNode,
  untilEvent,
  untilGone,
  untilPod,
  webName,
} from './testing.ts';

// One block for this file: test files run side by side.
const podRange = parseCidr('127.41.2.0/24');
async function start(t: TestContext): Promise<{ client: ObjectClient; node: EmbeddedNode }> {
  assert.ok(podRange);
  let uid = 0;
  const client = createMemoryStore({ clock: systemClock, newUid: () => `uid-${++uid}` });
  return { client, node: await startNode(t, { client, podRange }) };
}

function podOf(
  script: string,
  container: Partial<Container> = {},
  spec: Partial<Pod['spec'] & object> = {},
): Pod {
  const command = JSON.stringify([process.execPath, '-e', script]);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...webName, annotations: { 'switchyard.dev/command': command } },
    spec: {
      terminationGracePeriodSeconds: 10,
      ...spec,
      containers: [{ name: 'c', image: 'host', ...container }],
    },
  };
}

const ends: Readonly<Record<string, readonly [policy: string, code: number, phase: string]>> = {
  'Never, well: Succeeded': ['Never', 0, 'Succeeded'],
  'Never, badly: Failed': ['Never', 3, 'Failed'],
  'OnFailure, well: Succeeded': ['OnFailure', 0, 'Succeeded'],
};

for (const [title, [restartPolicy, code, phase]] of Object.entries(ends)) {
  test(`a process that ends, restart policy ${title}`, { skip: linuxOnly }, async (t) => {
    const { client } = await start(t);
    await client.create(podKind, podOf(`process.exitCode = ${code}`, {}, { restartPolicy }));
    const { status } = await untilPod(client, (pod) => pod.status?.phase === phase);
    const container = status?.containerStatuses?.[0];
    assert.equal(container?.state?.terminated?.exitCode, code);
    assert.equal(container.restartCount, 0);
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    assert.deepEqual([ready?.status, ready?.reason], ['False', 'PodCompleted']);
  });
}

for (const [restartPolicy, code] of [
  ['OnFailure', 1],
  ['Always', 0],
] as const) {
  test(
    `${restartPolicy}: one that ends with ${code} is started again, later and later`,
    {
      skip: linuxOnly,
    },
    async (t) => {
      const { client, node } = await start(t);
      const script = `console.log('born'); process.exitCode = ${code}`;
      await client.create(podKind, podOf(script, {}, { restartPolicy }));
      const again = (pod: Pod): boolean =>
        (pod.status?.containerStatuses?.[0]?.restartCount ?? 0) >= 3;
      const { status } = await untilPod(client, again);
      assert.equal(status?.phase, 'Running');
      const births = (node.logs.linesOf('default/web') ?? []).filter(({ text }) => text === 'born');
      const [one = 0, two = 0] = births
        .slice(1)
        .map(({ atMs }, i) => atMs - (births[i]?.atMs ?? 0));
      assert.ok(one >= 250 && two >= 500, `${one} and ${two} ms`);
      const reasons = (await client.list(eventKind)).items.map(({ reason }) => reason);
      assert.ok(reasons.includes('BackOff') && reasons.includes('Started'));
    },
  );
}

test(
  'until the startup probe is content, no other probe counts',
  { skip: linuxOnly },
  async (t) => {
    const { client } = await start(t);
    // The file is the start being over; the liveness probe would end it at once.
    const file = join(tmpdir(), `switchyard-started-${process.pid}`);
    t.after(() => rmSync(file, { force: true }));
    const script = `
    const fs = require('node:fs');
    fs.rmSync('${file}', { force: true });
    setTimeout(() => fs.writeFileSync('${file}', ''), 1500);
    setInterval(() => {}, 1000);
    process.on('exit', () => fs.rmSync('${file}', { force: true }));
    process.on('SIGTERM', () => process.exit(0));
  `;
    const exec = { command: ['/bin/sh', '-c', `test -e ${file}`] };
    const probe = { exec, periodSeconds: 1, failureThreshold: 1 };
    await client.create(
      podKind,
      podOf(script, {
        startupProbe: { ...probe, failureThreshold: 30 },
        livenessProbe: probe,
        readinessProbe: probe,
      }),
    );
    const { status } = await untilPod(client, isReady);
    assert.equal(status?.containerStatuses?.[0]?.restartCount, 0);
  },
);

test(
  'a liveness probe gives the process its own grace, then ends it hard',
  { skip: linuxOnly },
  async (t) => {
    const { client } = await start(t);
    const script = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)";
    const livenessProbe = {
      exec: { command: ['/bin/false'] },
      initialDelaySeconds: 1,
      periodSeconds: 1,
      failureThreshold: 1,
      terminationGracePeriodSeconds: 0,
    };
    const spec = { terminationGracePeriodSeconds: 600 };
    await client.create(podKind, podOf(script, { livenessProbe }, spec));
    const { status } = await untilPod(
      client,
      (pod) => (pod.status?.containerStatuses?.[0]?.restartCount ?? 0) >= 1,
    );
    assert.equal(status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 137);
    const messages = (await client.list(eventKind)).items.map(({ message }) => message);
    assert.ok(messages.includes('Container c failed liveness probe, will be restarted'));
    await client.delete(podKind, webName, { gracePeriodSeconds: 0 });
  },
);

test(
  'when it has started its hook runs, and until that is done nobody is sent to it',
  { skip: linuxOnly },
  async (t) => {
    const { client, node } = await start(t);
    const flag = join(tmpdir(), `switchyard-hook-${process.pid}`);
    t.after(() => rmSync(flag, { force: true }));
    const script = `
    const server = require('node:net').createServer();
    server.listen(8080, process.env.HOST, () => console.log('listening'));
  `;
    // The hook has the environment of the process; it waits for the test.
    const command = ['sh', '-c', `until [ -e ${flag} ]; do sleep 0.05; done; test -n "$HOST"`];
    const ports = [{ containerPort: 8080 }];
    const postStart = { exec: { command } };
    await client.create(podKind, podOf(script, { ports, lifecycle: { postStart } }));
    const isListening = (): boolean => (node.logs.linesOf('default/web') ?? []).length > 0;
    await untilPod(client, isListening);
    // Without a hook it would be ready when it is next asked, after 25 ms.
    const listening = Date.now();
    const waiting = await untilPod(client, () => Date.now() - listening > 300);
    assert.equal(isReady(waiting), false);
    assert.equal(waiting.status?.containerStatuses?.[0]?.started, true);
    writeFileSync(flag, '');
    await untilPod(client, isReady);
  },
);

const badHooks: Readonly<Record<string, readonly [hook: LifecycleHandler, message: RegExp]>> = {
  'a command that fails': [
    { exec: { command: ['sh', '-c', 'echo no luck; exit 3'] } },
    /^PostStartHook failed: command ended with code 3: no luck$/,
  ],
  'a request nobody answers': [{ httpGet: { port: 8099 } }, /^PostStartHook failed: /],
  'a connection, which no kubelet makes': [
    { tcpSocket: { port: 8080 } },
    /^PostStartHook failed: invalid handler: tcpSocket$/,
  ],
};
for (const [title, [postStart, wanted]] of Object.entries(badHooks)) {
  test(`a process whose hook fails is ended: ${title}`, { skip: linuxOnly }, async (t) => {
    const { client } = await start(t);
    const policy = { restartPolicy: 'Never' };
    const script = 'setInterval(() => {}, 1000)';
    await client.create(podKind, podOf(script, { lifecycle: { postStart } }, policy));
    const { status } = await untilPod(client, (pod) => pod.status?.phase === 'Failed');
    assert.equal(status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 143);
    const told = await untilEvent(client, 'FailedPostStartHook');
    assert.match(told.message ?? '', wanted);
    assert.equal(told.type, 'Warning');
    await untilEvent(client, 'Killing');
  });
}

test(
  'before it is told to end, its hook runs; the hook counts towards the grace',
  { skip: linuxOnly },
  async (t) => {
    const { client, node } = await start(t);
    const script = `
    const http = require('node:http');
    http.createServer((q, r) => { console.log('asked ' + q.url); r.end(); })
      .listen(8080, process.env.HOST);
    process.on('SIGTERM', () => { console.log('told to end'); process.exit(0); });
  `;
    const preStop = { httpGet: { path: '/drain', port: 8080 } };
    const ports = [{ containerPort: 8080 }];
    await client.create(podKind, podOf(script, { ports, lifecycle: { preStop } }));
    await untilPod(client, isReady);
    const lines: string[] = [];
    node.logs.follow('default/web', ({ text }) => lines.push(text));
    await client.delete(podKind, webName, { gracePeriodSeconds: 10 });
    await untilGone(client);
    assert.deepEqual(lines, ['asked /drain', 'told to end']);
    const reasons = (await client.list(eventKind)).items.map(({ reason }) => reason);
    assert.ok(reasons.includes('Killing'));
  },
);

test('a hook that never ends costs its grace and no more', { skip: linuxOnly }, async (t) => {
  const { client } = await start(t);
  const preStop = { sleep: { seconds: 600 } };
  await client.create(podKind, podOf('setInterval(() => {}, 1000)', { lifecycle: { preStop } }));
  await untilPod(client, isReady);
  const from = Date.now();
  await client.delete(podKind, webName, { gracePeriodSeconds: 2 });
  await untilGone(client);
  const tookMs = Date.now() - from;
  assert.ok(tookMs >= 1_900 && tookMs < 10_000, `${tookMs} ms`);
});
