/** Port-forward from both sides: the real kubectl against the embedded API, and our dialer over each protocol. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createClusterDialer, openAccess, type ClusterDialer } from '../../src/cluster/index.ts';
import { podKind } from '../../src/kube/index.ts';
import { systemClock } from '../../src/sys/index.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { clusterTools } from '../support/kubectl.ts';
import { start, type Program } from '../support/program.ts';
import { root } from '../support/tree.ts';

const address = '127.0.0.221';

/** Says what it heard, when the client has ended; 64 KiB at once when it hears `much`. */
async function echo(t: TestContext): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      if (bytes.toString() === 'much') socket.end(Buffer.alloc(1 << 20, 'x'));
      else if (bytes.toString() === 'reset') socket.resetAndDestroy();
      else socket.write(bytes);
    });
    socket.on('end', () => socket.end('.'));
  });
  server.listen(0, address);
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function withPod(t: TestContext): Promise<{ api: TestApi; port: number }> {
  const port = await echo(t);
  const api = await startApi();
  t.after(() => api.stop());
  for (const [name, phase] of [
    ['web', 'Running'],
    ['later', 'Pending'],
  ] as const) {
    await api.registry.create(podKind, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default' },
      spec: { containers: [{ name: 'main', image: 'none' }] },
    });
    const status = { phase, podIP: address };
    const at = { namespace: 'default', name };
    await api.registry.patch(podKind, at, { status }, { subresource: 'status' });
  }
  return { api, port };
}

/** All that comes back for what is said, once both directions have ended. */
async function said(port: number, text: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.end(text);
  return await heard(socket);
}

async function heard(socket: Socket): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of socket) if (Buffer.isBuffer(piece)) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

async function kubectl(
  t: TestContext,
  api: TestApi,
  { port, env }: { readonly port: number; readonly env?: Readonly<Record<string, string>> },
): Promise<{ program: Program; local: number } | undefined> {
  const tools = await clusterTools();
  if (typeof tools === 'string') {
    t.skip(tools);
    return undefined;
  }
  const command = [tools.kubectl, 'port-forward', 'pod/web', `:${port}`, '--kubeconfig'];
  const options = { cwd: root, env: { HOME: api.folder, ...env } };
  const program = start(t, [...command, api.kubeconfig], options);
  const [, local = ''] =
    /127\.0\.0\.1:(\d+) ->/.exec(await program.printed('Forwarding from')) ?? [];
  return { program, local: Number(local) };
}

for (const [name, env] of Object.entries({
  'SPDY over WebSocket': {},
  'SPDY by itself': { KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' },
})) {
  test(`kubectl port-forward, ${name}`, async (t) => {
    const { api, port } = await withPod(t);
    const forwarded = await kubectl(t, api, { port, env });
    if (forwarded === undefined) return;
    const { local, program } = forwarded;
    assert.equal(await said(local, 'hello'), 'hello.');
    const many = Array.from({ length: 20 }, (_, i) => `client ${i}`);
    assert.deepEqual(
      await Promise.all(many.map((text) => said(local, text))),
      many.map((text) => `${text}.`),
    );
    assert.equal((await said(local, 'much')).length, 1 << 20);
    assert.equal(await said(local, 'again'), 'again.');
    assert.deepEqual(api.errors, []);
    program.kill('SIGTERM');
    await program.ended;
  });
}

test('kubectl is told of a port where nobody listens', async (t) => {
  const { api } = await withPod(t);
  const forwarded = await kubectl(t, api, { port: 9 });
  if (forwarded === undefined) return;
  const [answer, told] = await Promise.all([
    said(forwarded.local, 'x').catch(() => ''),
    forwarded.program.printed('error forwarding port 9 to pod default/web'),
  ]);
  assert.equal(answer, '');
  assert.match(told, /it refused the connection/);
});

async function dialer(t: TestContext, api: TestApi): Promise<ClusterDialer> {
  const { kubeconfig } = api;
  const clock = systemClock;
  const access = await openAccess({ kubeconfig, inCluster: undefined, clock });
  const made = createClusterDialer({ access, clock, random: Math.random, userAgent: 'test' });
  t.after(() => made.close());
  return made;
}

async function dialed(from: ClusterDialer, port: number, text: string): Promise<string> {
  const tunnel = await from.open({ namespace: 'default', name: 'web', port });
  const pieces: Buffer[] = [];
  return await new Promise((resolve, reject) => {
    tunnel.start({
      onBytes: (bytes) => pieces.push(bytes),
      onEnd: () => undefined,
      onDrain: () => undefined,
      onClosed: (problem) =>
        problem === undefined
          ? resolve(Buffer.concat(pieces).toString())
          : reject(new Error(problem)),
    });
    tunnel.write(Buffer.from(text));
    tunnel.end();
  });
}

test('our dialer: one after another, many at once, much, and what goes wrong', async (t) => {
  const { api, port } = await withPod(t);
  const from = await dialer(t, api);
  assert.equal(await dialed(from, port, 'one'), 'one.');
  assert.equal(await dialed(from, port, 'two'), 'two.');
  const many = Array.from({ length: 20 }, (_, i) => `client ${i}`);
  assert.deepEqual(
    await Promise.all(many.map((text) => dialed(from, port, text))),
    many.map((text) => `${text}.`),
  );
  assert.equal((await dialed(from, port, 'much')).length, 1 << 20);
  await assert.rejects(dialed(from, port, 'reset'), /reset/);
  await assert.rejects(dialed(from, 9, ''), /error forwarding port 9 to pod default\/web/);
  assert.equal(await dialed(from, port, 'still'), 'still.');
  const gone = { namespace: 'default', name: 'gone', port };
  await assert.rejects(from.open(gone), { code: 'NotFound' });
  await assert.rejects(from.open({ ...gone, name: 'later' }), /not running/);
});
