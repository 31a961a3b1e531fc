/** Services through the gateway, with real sockets and Secrets: sessions, two replicas, drains, falling back. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { namespaceKind, secretKind } from '../kube/index.ts';
import { emptyPlan, endpointKey, nextPlan } from '../model/index.ts';
import type { ServiceGateway } from './service-gateway.ts';
import {
  ask,
  cannotRun,
  createApi,
  host,
  id,
  node,
  plain,
  ref,
  rules,
  runnings,
  serverOf,
  startBackends,
  startReplica,
  sticky,
  until,
  type Answer,
  type Running,
} from './service-gateway-rig.suite.ts';

const ways = await Promise.all(
  runnings.map(async (running) => ({ running, skip: (await cannotRun(running)) ?? false })),
);

/** Registers a check once for one thread and once for two. */
function check(what: string, run: (t: TestContext, running: Running) => Promise<void>): void {
  for (const { running, skip } of ways) {
    const name = `${running.prefer}, ${running.workers} threads: ${what}`;
    void test(name, { skip, timeout: 60_000 }, (t) => run(t, running));
  }
}

check(
  'a session begun at one gateway goes on at another, in another order of endpoints',
  async (t, running) => {
    const api = createApi();
    const [one, other] = [await startReplica(t, api, running), await startReplica(t, api, running)];
    const endpoints = await startBackends(t, 4);
    await Promise.all([one.serve(sticky, endpoints), other.serve(sticky, endpoints.toReversed())]);
    const homes = new Set<string>();
    for (let i = 0; i < 8; i++) {
      const first = await ask(i % 2 === 0 ? one : other);
      assert.ok(first.setCookie !== undefined);
      homes.add(first.text);
      for (const replica of [one, other, one]) {
        const again = await ask(replica, { cookie: `theme=dark; ${first.setCookie}` });
        assert.deepEqual(again, { status: 200, text: first.text, setCookie: undefined });
      }
    }
    assert.equal(homes.size, 4);
  },
);

check(
  'an ending endpoint keeps its sessions, takes nothing new, and is left when it serves no more',
  async (t, running) => {
    const replica = await startReplica(t, createApi(), running);
    const [first, second] = await startBackends(t, 2);
    assert.ok(first !== undefined && second !== undefined);
    await replica.serve(sticky, [first]);
    const { setCookie = '' } = await ask(replica);
    await replica.serve(sticky, [{ ...first, ready: false, terminating: true }, second]);
    assert.equal((await ask(replica, { cookie: setCookie })).text, 'pod-0');
    for (let i = 0; i < 4; i++) assert.equal((await ask(replica)).text, 'pod-1');
    await replica.serve(sticky, [second]);
    const moved = await ask(replica, { cookie: setCookie });
    assert.equal(moved.text, 'pod-1');
    assert.ok(moved.setCookie !== undefined && moved.setCookie !== setCookie, 'rewritten');
  },
);

check('weight 0 takes nothing new and keeps its sessions', async (t, running) => {
  const replica = await startReplica(t, createApi(), running);
  const [first, second] = await startBackends(t, 2);
  assert.ok(first !== undefined && second !== undefined);
  await replica.serve(sticky, [first, second]);
  const answers = [await ask(replica), await ask(replica)];
  const held = answers.find(({ text }) => text === 'pod-0');
  await replica.serve(sticky, [{ ...first, weight: 0 }, second]);
  assert.equal((await ask(replica, { cookie: held?.setCookie ?? '' })).text, 'pod-0');
  for (let i = 0; i < 4; i++) assert.equal((await ask(replica)).text, 'pod-1');
});

check(
  'a request whose endpoint refuses goes to the next, and the session with it',
  async (t, running) => {
    const replica = await startReplica(t, createApi(), running);
    const [first, second] = await startBackends(t, 2);
    assert.ok(first !== undefined && second !== undefined);
    const dead = { ...first, port: 1, podUid: 'uid-dead' };
    await replica.serve(sticky, [dead, second]);
    for (let i = 0; i < 6; i++) {
      const { status, text, setCookie } = await ask(replica);
      assert.deepEqual([status, text], [200, 'pod-1']);
      assert.equal((await ask(replica, { cookie: setCookie ?? '' })).text, 'pod-1');
    }
    const counted = replica.gateway.observe().get(id);
    assert.equal(counted?.get(endpointKey(second))?.connections, 12);
    assert.ok((counted?.get(endpointKey(dead))?.failures ?? 0) >= 1);
    assert.equal(counted?.get(endpointKey(dead))?.open, 0);
  },
);

check(
  'with no endpoint it says so, and with a gone ServicePort nobody answers',
  async (t, running) => {
    const replica = await startReplica(t, createApi(), running);
    const plan = await replica.serve(rules, []);
    const at = replica.gateway.gatewayOf(id, 'cluster');
    const { status, text } = await ask(replica);
    assert.equal(status, 503);
    assert.match(text, /no endpoint of the Service is ready/);
    const gone = nextPlan(plan, { set: [], remove: [id] });
    replica.gateway.follow(gone?.plan ?? plan, gone?.delta);
    assert.equal(replica.gateway.gatewayOf(id, 'cluster'), undefined);
    assert.equal(replica.gateway.observe().size, 0);
    const deadline = Date.now() + 5_000;
    while (!(await ask(replica, {}, at).then(isNothing, isRefused)))
      assert.ok(Date.now() < deadline);
    assert.equal(replica.gateway.handOver(neverTaken, id, 'cluster'), false);
  },
);

const isNothing = (): boolean => false;
const isRefused = (thrown: unknown): boolean => /ECONNREFUSED/.test(String(thrown));

/** A connection for a port that is not served: nobody may touch it. */
const neverTaken = new Proxy({} as Parameters<ServiceGateway['handOver']>[0], {
  get: () => {
    throw new Error('touched');
  },
});

check('a port waits for its certificate, and falls back when that goes', async (t, running) => {
  const api = createApi();
  await api.create(namespaceKind, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'shop' },
  });
  const replica = await startReplica(t, api, running);
  const server = serverOf({ ...rules, tlsSecret: 'web-tls' }, await startBackends(t, 1));
  const next = nextPlan(emptyPlan(node), { set: [server], remove: [] });
  assert.ok(next !== undefined);
  replica.gateway.follow(next.plan, next.delta);
  assert.equal(replica.gateway.gatewayOf(id, 'cluster'), undefined, 'there is no certificate');
  const read = (name: string): string =>
    readFileSync(new URL(`testdata/${name}`, import.meta.url)).toString('base64');
  const metadata = { namespace: 'shop', name: 'web-tls' };
  const secret = { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata };
  await api.create(secretKind, { ...secret, data: { 'tls.crt': 'bm8=', 'tls.key': 'bm8=' } });
  await api.create(secretKind, {
    ...secret,
    metadata: { ...metadata, name: 'other' },
    data: { 'tls.crt': read('tls.crt'), 'tls.key': read('tls.key') },
  });
  assert.equal(replica.gateway.gatewayOf(id, 'cluster'), undefined, 'it cannot be read');
  const data = { 'tls.crt': read('tls.crt'), 'tls.key': read('tls.key') };
  await api.patch(secretKind, metadata, { data });
  await until(() => replica.gateway.gatewayOf(id, 'cluster') !== undefined);
  assert.deepEqual(replica.changes, [ref]);
  await api.delete(secretKind, metadata);
  await until(() => replica.gateway.gatewayOf(id, 'cluster') === undefined);
  await until(() => replica.changes.length === 2);
});

check('the gateway tells when a ServicePort is live, once', async (t, running) => {
  const replica = await startReplica(t, createApi(), running);
  const endpoints = await startBackends(t, 1);
  await replica.serve(rules, endpoints);
  await replica.serve(rules, [...endpoints]);
  assert.deepEqual(replica.changes, [ref]);
});

check('drained waits for the request that is under way', async (t, running) => {
  const replica = await startReplica(t, createApi(), running);
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  const server = createServer((_, response) => {
    asked.resolve();
    void answer.promise.then(() => response.end('late'));
  });
  server.listen(0, host);
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const endpoint = { ...plain, address: host, port, pod: undefined };
  await replica.serve(rules, [endpoint]);
  const answered = ask(replica);
  await asked.promise;
  let drained = false;
  const waiting = replica.gateway
    .drained([{ server: id, endpoint }], AbortSignal.timeout(10_000))
    .then(() => (drained = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(drained, false);
  answer.resolve();
  assert.equal((await answered).text, 'late');
  await waiting;
});

check(
  'SERVICE.NAMESPACE.localhost leads to the Service, any other name is refused',
  async (t, running) => {
    const replica = await startReplica(t, createApi(), running);
    await replica.serve(rules, await startBackends(t, 2));
    const door = await replica.engine.listen({ address: host, port: 0 }, (connection) => {
      if (!replica.gateway.takeByName(connection, { tls: false })) connection.destroy('reset');
    });
    t.after(() => door.close());
    const at = { ...plain, pod: undefined, ...door.address };
    const named = (name: string): Promise<Answer> => ask(replica, { host: name }, at);
    assert.deepEqual(
      [await named('web.shop.localhost:8000'), await named('http.web.shop.localhost')]
        .map(({ text }) => text)
        .toSorted(),
      ['pod-0', 'pod-1'],
    );
    assert.equal((await named('api.shop.localhost')).status, 404);
    assert.equal((await named('shop.localhost')).status, 421);
    assert.equal((await named('web.shop.example')).status, 421);
    assert.equal((await named('a.b.web.shop.localhost')).status, 421);
  },
);
