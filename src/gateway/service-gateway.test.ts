/** Services through the gateway, with real sockets and Secrets: sessions, two replicas, drains, falling back. */
import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { namespaceKind, secretKind, type ObjectClient } from '../kube/index.ts';
import {
  emptyPlan,
  endpointKey,
  nextPlan,
  parseCidr,
  plainRequestRules,
  type Endpoint,
  type Plan,
  type RequestRules,
  type ServicePortRef,
  type VirtualServer,
} from '../model/index.ts';
import { testCookie } from '../model/testing.ts';
import { silentLogger } from '../obs/index.ts';
import { createRegistry } from '../registry/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { systemClock } from '../sys/index.ts';
import { createEngine, type StreamEngine } from '../sys/net/index.ts';
import { createGateway } from './gateway.ts';
import { createServiceGateway, type ServiceGateway } from './service-gateway.ts';

const host = '127.0.88.1';
const ref = {
  namespace: 'shop',
  name: 'web',
  portName: 'http',
  protocol: 'TCP',
  family: 'IPv4',
} as const;
const id = 'shop/web:http/TCP/IPv4';
const rules: RequestRules = {
  ...plainRequestRules,
  retry: { ...plainRequestRules.retry, responseTimeoutMs: 10_000 },
};
const sticky: RequestRules = { ...rules, affinity: 'cookie', cookie: testCookie };
const node = {
  name: 'here',
  zone: undefined,
  addresses: [],
  nodePortAddresses: [],
  serviceRanges: [],
  masqueradeAll: false,
  detectsLocalPods: false,
};

function createApi(): ObjectClient {
  const serviceRange = parseCidr('10.96.0.0/16');
  assert.ok(serviceRange !== undefined);
  let uids = 0;
  const store = createMemoryStore({ clock: systemClock, newUid: () => `uid-${++uids}` });
  return createRegistry({
    store,
    random: Math.random,
    serviceRange,
    allowLoopbackEndpoints: true,
  });
}

interface Replica {
  readonly gateway: ServiceGateway;
  readonly engine: StreamEngine;
  /** Refs that were told to have changed. */
  readonly changes: ServicePortRef[];
  /** Follows a ServicePort with these endpoints, and waits until it is live. */
  serve(rules: RequestRules, endpoints: readonly Endpoint[]): Promise<Plan>;
}

async function startReplica(t: TestContext, client: ObjectClient): Promise<Replica> {
  const { engine } = await createEngine({ prefer: 'portable' });
  const common = { clock: systemClock, random: Math.random, log: silentLogger };
  const changes: ServicePortRef[] = [];
  const gateway = createServiceGateway({
    ...common,
    client,
    scope: 'localhost',
    acceptProxyProtocol: false,
    drainMs: 2_000,
    gateway: createGateway({
      ...common,
      engine,
      address: host,
      accessLogShare: 0,
      maxEndpointConnections: 64,
      maxWaiting: 64,
    }),
    changed: (which) => changes.push(which),
  });
  t.after(() => gateway.stop());
  await gateway.start(AbortSignal.timeout(10_000));
  let plan = emptyPlan(node);
  return {
    gateway,
    engine,
    changes,
    serve: async (asked, endpoints) => {
      const next = nextPlan(plan, { set: [serverOf(asked, endpoints)], remove: [] });
      assert.ok(next !== undefined);
      plan = next.plan;
      gateway.follow(plan, next.delta);
      await until(() => gateway.gatewayOf(id, 'cluster') !== undefined);
      return plan;
    },
  };
}

function serverOf(asked: RequestRules, endpoints: readonly Endpoint[]): VirtualServer {
  const ready = endpoints.filter((each) => each.ready);
  const pools = { cluster: ready, local: [], hasAny: ready.length > 0 };
  return {
    id,
    ref,
    frontends: [{ kind: 'clusterIP', address: '10.96.0.9', port: 80 }],
    internalTrafficPolicy: 'Cluster',
    externalTrafficPolicy: 'Cluster',
    endpoints,
    pools,
    scheduler: 'rr',
    affinity: { kind: 'none' },
    perRequest: { ...asked, pools },
    proxyProtocol: 'none',
    replay: 'none',
    sourceRanges: [],
  };
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!isSo()) {
    assert.ok(Date.now() < deadline, 'it does not become so');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Backends that answer their number, as endpoints of Pods. */
async function startBackends(t: TestContext, count: number): Promise<readonly Endpoint[]> {
  const endpoints: Endpoint[] = [];
  for (let i = 0; i < count; i++) {
    const server = createServer((_, response) => response.end(`pod-${i}`));
    server.listen(0, host);
    await once(server, 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    endpoints.push({ ...plain, address: host, port, pod: `shop/pod-${i}`, podUid: `uid-${i}` });
  }
  return endpoints;
}

const plain = {
  ready: true,
  serving: true,
  terminating: false,
  local: false,
  node: undefined,
  zone: undefined,
  zoneHints: [],
  nodeHints: [],
  weight: 1,
};

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly setCookie: string | undefined;
}

function ask(
  replica: Replica,
  headers: Readonly<Record<string, string>> = {},
  at = replica.gateway.gatewayOf(id, 'cluster'),
): Promise<Answer> {
  assert.ok(at !== undefined);
  return new Promise((resolve, reject) => {
    const { address, port } = at;
    const asked = request({ host: address, port, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.once('end', () => {
        const setCookie = response.headers['set-cookie']?.[0]?.split(';')[0];
        resolve({ status: response.statusCode ?? 0, text, setCookie });
      });
    });
    asked.once('error', reject);
    asked.end();
  });
}

test('a session begun at one gateway goes on at another, in another order of endpoints', async (t) => {
  const api = createApi();
  const [one, other] = [await startReplica(t, api), await startReplica(t, api)];
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
});

test('an ending endpoint keeps its sessions, takes nothing new, and is left when it serves no more', async (t) => {
  const replica = await startReplica(t, createApi());
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
});

test('weight 0 takes nothing new and keeps its sessions', async (t) => {
  const replica = await startReplica(t, createApi());
  const [first, second] = await startBackends(t, 2);
  assert.ok(first !== undefined && second !== undefined);
  await replica.serve(sticky, [first, second]);
  const answers = [await ask(replica), await ask(replica)];
  const held = answers.find(({ text }) => text === 'pod-0');
  await replica.serve(sticky, [{ ...first, weight: 0 }, second]);
  assert.equal((await ask(replica, { cookie: held?.setCookie ?? '' })).text, 'pod-0');
  for (let i = 0; i < 4; i++) assert.equal((await ask(replica)).text, 'pod-1');
});

test('a request whose endpoint refuses goes to the next, and the session with it', async (t) => {
  const replica = await startReplica(t, createApi());
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
});

test('with no endpoint it says so, and with a gone ServicePort nobody answers', async (t) => {
  const replica = await startReplica(t, createApi());
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
  while (!(await ask(replica, {}, at).then(isNothing, isRefused))) assert.ok(Date.now() < deadline);
  assert.equal(replica.gateway.handOver(neverTaken, id, 'cluster'), false);
});

const isNothing = (): boolean => false;
const isRefused = (thrown: unknown): boolean => /ECONNREFUSED/.test(String(thrown));

/** A connection for a port that is not served: nobody may touch it. */
const neverTaken = new Proxy({} as Parameters<ServiceGateway['handOver']>[0], {
  get: () => {
    throw new Error('touched');
  },
});

test('a port waits for its certificate, and falls back when that goes', async (t) => {
  const api = createApi();
  await api.create(namespaceKind, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'shop' },
  });
  const replica = await startReplica(t, api);
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

test('the gateway tells when a ServicePort is live, once', async (t) => {
  const replica = await startReplica(t, createApi());
  const endpoints = await startBackends(t, 1);
  await replica.serve(rules, endpoints);
  await replica.serve(rules, [...endpoints]);
  assert.deepEqual(replica.changes, [ref]);
});

test('drained waits for the request that is under way', async (t) => {
  const replica = await startReplica(t, createApi());
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

test('SERVICE.NAMESPACE.localhost leads to the Service, any other name is refused', async (t) => {
  const replica = await startReplica(t, createApi());
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
});
