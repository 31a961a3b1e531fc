/** Requests in several threads: every scheduler is as exact as in one, and what happens in one thread is known in all. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { X509Certificate } from 'node:crypto';
import { Agent, createServer, type ServerResponse } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { createCertificates } from '../apiserver/certificate.ts';
import { namespaceKind, secretKind } from '../kube/index.ts';
import { endpointKey, type Endpoint, type SchedulerName } from '../model/index.ts';
import { silentLogger } from '../obs/index.ts';
import {
  ask,
  cannotRun,
  createApi,
  host,
  id,
  plain,
  rules,
  startBackends,
  startReplica,
  sticky,
  until,
  type Answer,
  type Replica,
} from './service-gateway-rig.suite.ts';

const two = { prefer: 'epoll', workers: 2 } as const;
const skip = (await cannotRun(two)) ?? false;
const how = { skip, timeout: 60_000 };

/** Clients of one connection each, which stays. */
function agents(t: TestContext, count: number): readonly Agent[] {
  return Array.from({ length: count }, () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    return agent;
  });
}

/** As many requests over these connections, all at a time; who answered how many. */
async function spread(
  replica: Replica,
  over: readonly Agent[],
  count: number,
): Promise<Readonly<Record<string, number>>> {
  const got = new Map<string, number>();
  let left = count;
  const lane = async (agent: Agent): Promise<void> => {
    while (left-- > 0) {
      const { text: pod, status } = await ask(replica, {}, undefined, agent);
      assert.equal(status, 200);
      got.set(pod, (got.get(pod) ?? 0) + 1);
    }
  };
  await Promise.all(over.map(lane));
  return Object.fromEntries(got);
}

/** How many requests each thread has carried, the first one first. */
async function carried({ engineGateway, threads }: Replica): Promise<readonly number[]> {
  const others = (await threads?.counted()) ?? [];
  return [engineGateway.observe(), ...others.map(({ ports }) => ports)].map((ports) =>
    ports.flatMap(({ endpoints }) => endpoints).reduce((sum, { requests }) => sum + requests, 0),
  );
}

for (const workers of [2, 3]) {
  test(`rr and wrr are exact over ${workers} threads`, how, async (t) => {
    const replica = await startReplica(t, createApi(), { ...two, workers });
    const endpoints = await startBackends(t, 3);
    const clients = agents(t, 32);
    await replica.serve(rules, endpoints, 'rr');
    const even = { 'pod-0': 100, 'pod-1': 100, 'pod-2': 100 };
    assert.deepEqual(await spread(replica, clients, 300), even);
    const weighted = endpoints.map((each, i) => ({ ...each, weight: 3 - i }));
    await replica.serve(rules, weighted, 'wrr');
    const uneven = { 'pod-0': 150, 'pod-1': 100, 'pod-2': 50 };
    assert.deepEqual(await spread(replica, clients, 300), uneven);
    const each = await carried(replica);
    assert.equal(each.length, workers);
    assert.equal(
      each.reduce((sum, one) => sum + one),
      600,
    );
    for (const one of each) assert.ok(one > 0, `threads carried ${each.join()}`);
    const counted = replica.gateway.observe().get(id);
    assert.deepEqual(
      endpoints.map((one) => counted?.get(endpointKey(one))?.connections),
      [250, 200, 150],
    );
  });
}

interface HeldBackends {
  readonly endpoints: readonly Endpoint[];
  /** Requests at each that wait for their answer. */
  readonly waiting: readonly ServerResponse[][];
  readonly sockets: ReadonlySet<Socket>;
}

/** Backends that answer when they are told to. */
async function startHeld(t: TestContext, count: number): Promise<HeldBackends> {
  const endpoints: Endpoint[] = [];
  const waiting: ServerResponse[][] = [];
  const sockets = new Set<Socket>();
  for (let i = 0; i < count; i++) {
    const held: ServerResponse[] = [];
    const server = createServer((_, response) => void held.push(response));
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    server.listen(0, host);
    await once(server, 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    endpoints.push({ ...plain, address: host, port, pod: undefined });
    waiting.push(held);
  }
  return { endpoints, waiting, sockets };
}

const openAt = ({ waiting }: HeldBackends): readonly number[] =>
  waiting.map((responses) => responses.length);

/** Every scheduler that goes by what is open, of endpoints that are alike. */
const byLoad = ['lc', 'wlc', 'sed', 'nq'] as const satisfies readonly SchedulerName[];

for (const scheduler of byLoad) {
  test(`${scheduler} gives to nobody who is busier, whichever thread it is`, how, async (t) => {
    const replica = await startReplica(t, createApi(), two);
    const backends = await startHeld(t, 3);
    await replica.serve(rules, backends.endpoints, scheduler);
    const answers: Promise<Answer>[] = [];
    const clients = agents(t, 36);
    const begin = (which: readonly Agent[]): void => {
      for (const agent of which) answers.push(ask(replica, {}, undefined, agent));
    };
    begin(clients.slice(0, 24));
    await until(() => openAt(backends).join() === '8,8,8');
    // Whoever answers all has none, and gets all that comes until it has as many as the others.
    const [first = []] = backends.waiting;
    for (const response of first.splice(0)) response.end('done');
    const [one] = backends.endpoints;
    assert.ok(one !== undefined);
    await until(() => replica.gateway.observe().get(id)?.get(endpointKey(one))?.open === 0);
    begin(clients.slice(24, 32));
    await until(() => openAt(backends).join() === '8,8,8');
    begin(clients.slice(32, 35));
    await until(() => openAt(backends).join() === '9,9,9');
    for (const response of backends.waiting.flatMap((all) => all.splice(0))) response.end('done');
    for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
    const each = await carried(replica);
    for (const count of each) assert.ok(count > 0, `threads carried ${each.join()}`);
    const counted = [...(replica.gateway.observe().get(id)?.values() ?? [])];
    assert.deepEqual(
      counted.map(({ open }) => open),
      [0, 0, 0],
    );
  });
}

test('an endpoint that failed in one thread is set aside in all', how, async (t) => {
  const replica = await startReplica(t, createApi(), two);
  const [first, second] = await startBackends(t, 2);
  assert.ok(first !== undefined && second !== undefined);
  const dead = { ...first, port: 1, podUid: 'uid-dead' };
  await replica.serve(rules, [dead, first, second]);
  const clients = agents(t, 4);
  const began = performance.now();
  for (let i = 0; i < 60; i++) {
    const { status } = await ask(replica, {}, undefined, clients[i % clients.length]);
    assert.equal(status, 200);
  }
  // It comes back after a second at the earliest, for one request, and is aside twice as long then.
  const returns = Math.floor((performance.now() - began) / 1_000);
  const failures = replica.gateway.observe().get(id)?.get(endpointKey(dead))?.failures ?? 0;
  assert.ok(failures >= 1 && failures <= 1 + returns, `it was tried ${failures} times`);
  const each = await carried(replica);
  for (const count of each) assert.ok(count > 0, `threads carried ${each.join()}`);
});

test(
  'a cookie is honoured by every thread, and a hash names the same endpoint in all',
  how,
  async (t) => {
    const replica = await startReplica(t, createApi(), two);
    const endpoints = await startBackends(t, 4);
    await replica.serve(sticky, endpoints);
    const clients = agents(t, 8);
    const { setCookie = '', text: pod } = await ask(replica, {}, undefined, clients[0]);
    for (const agent of clients) {
      const again = await ask(replica, { cookie: setCookie }, undefined, agent);
      assert.deepEqual(again, { status: 200, text: pod, setCookie: undefined });
    }
    const hash = { by: { kind: 'header', name: 'x-user' }, bound: 100 } as const;
    await replica.serve({ ...rules, hash }, endpoints);
    for (const user of ['ann', 'bob', 'eve', 'joe']) {
      const homes = new Set<string>();
      for (const agent of clients) {
        homes.add((await ask(replica, { 'x-user': user }, undefined, agent)).text);
      }
      assert.equal(homes.size, 1, `${user} was at ${[...homes].join()}`);
    }
  },
);

/** A Pod that ends as they do: it stops listening, answers what it has, and closes connections that rest. */
interface Pod {
  readonly endpoint: Endpoint;
  end(): void;
}

async function startPod(t: TestContext, served: () => void): Promise<Pod> {
  const server = createServer((_, response) => {
    served();
    response.end('ok');
  });
  server.listen(0, host);
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const end = (): void => {
    server.close();
    server.closeIdleConnections();
  };
  return { endpoint: { ...plain, address: host, port, pod: undefined }, end };
}

const soak = process.env['SWITCHYARD_SOAK'] === '1';
const changes = soak ? 500 : 20;

test(
  `${changes} times a Pod goes and another comes: no request fails`,
  { ...how, timeout: 900_000 },
  async (t) => {
    const replica = await startReplica(t, createApi(), two);
    let served = 0;
    const newPod = (): Promise<Pod> => startPod(t, () => served++);
    const pods = [await newPod(), await newPod(), await newPod()];
    const serve = (): Promise<unknown> =>
      replica.serve(
        rules,
        pods.map(({ endpoint }) => endpoint),
        'lc',
      );
    await serve();
    let answered = 0;
    let stop = false;
    const lanes = agents(t, 16).map(async (agent) => {
      while (!stop) {
        // What may not be said twice, too.
        const method = answered % 2 === 0 ? 'GET' : 'POST';
        assert.equal((await ask(replica, {}, undefined, agent, method)).status, 200);
        answered++;
      }
    });
    const change = async (): Promise<void> => {
      const before = answered;
      const gone = pods.shift();
      assert.ok(gone !== undefined);
      pods.push(await newPod());
      await serve();
      const place = { server: id, endpoint: gone.endpoint };
      await replica.gateway.drained([place], AbortSignal.timeout(30_000));
      gone.end();
      await until(() => answered > before + 16);
    };
    for (let i = 0; i < changes; i++) await Promise.race([change(), Promise.all(lanes)]);
    stop = true;
    await Promise.all(lanes);
    const each = await carried(replica);
    assert.equal(served, answered, 'each was served once');
    assert.equal(
      each.reduce((sum, one) => sum + one),
      answered,
      'and counted once',
    );
    for (const count of each) assert.ok(count > 0, `threads carried ${each.join()}`);
    const counted = [...(replica.gateway.observe().get(id)?.values() ?? [])];
    assert.ok(counted.every(({ open }) => open === 0));
  },
);

test('HTTP/2 streams of several clients have their turns together', how, async (t) => {
  const replica = await startReplica(t, createApi(), two);
  const endpoints = await startBackends(t, 3);
  await replica.serve(rules, endpoints, 'rr');
  const at = replica.gateway.gatewayOf(id, 'cluster');
  assert.ok(at !== undefined);
  const clients = Array.from({ length: 6 }, () => connectHttp2(`http://${at.address}:${at.port}`));
  t.after(() => clients.forEach((client) => client.destroy()));
  const got = new Map<string, number>();
  const asked = clients.flatMap((client) =>
    Array.from({ length: 50 }, async () => {
      const stream = client.request({ ':path': '/' });
      const pod = await text(stream);
      got.set(pod, (got.get(pod) ?? 0) + 1);
    }),
  );
  await Promise.all(asked);
  assert.deepEqual(Object.fromEntries(got), { 'pod-0': 100, 'pod-1': 100, 'pod-2': 100 });
  const each = await carried(replica);
  for (const count of each) assert.ok(count > 0, `threads carried ${each.join()}`);
});

test('a certificate that is renewed serves the next client of every thread', how, async (t) => {
  const api = createApi();
  const shop = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } };
  await api.create(namespaceKind, shop);
  const dataOf = (): { readonly data: Record<string, string>; readonly print: string } => {
    const { leaf } = createCertificates({ hosts: ['shop.example'], nowMs: Date.now() });
    const base64 = (pem: string): string => Buffer.from(pem).toString('base64');
    const data = { 'tls.crt': base64(leaf.cert), 'tls.key': base64(leaf.key) };
    return { data, print: new X509Certificate(leaf.cert).fingerprint256 };
  };
  const metadata = { namespace: 'shop', name: 'web-tls' };
  const [first, second] = [dataOf(), dataOf()];
  const secret = { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata };
  await api.create(secretKind, { ...secret, data: first.data });
  const replica = await startReplica(t, api, two);
  await replica.serve({ ...rules, tlsSecret: 'web-tls' }, await startBackends(t, 1));
  const at = replica.gateway.gatewayOf(id, 'cluster');
  assert.ok(at !== undefined);
  /** What certificates clients are shown that are all there at a time, and so at both threads. */
  const shown = async (): Promise<ReadonlySet<string>> => {
    const sockets = Array.from({ length: 6 }, () =>
      connectTls({ host: at.address, port: at.port, rejectUnauthorized: false }),
    );
    await Promise.all(sockets.map((socket) => once(socket, 'secureConnect')));
    const prints = sockets.map((socket) => socket.getPeerCertificate().fingerprint256);
    for (const socket of sockets) socket.destroy();
    return new Set(prints);
  };
  assert.deepEqual([...(await shown())], [first.print]);
  await api.patch(secretKind, metadata, { data: second.data });
  const deadline = Date.now() + 10_000;
  while ([...(await shown())].join() !== second.print) assert.ok(Date.now() < deadline);
});

test('a thread that dies leaves nothing behind, and another takes its place', how, async (t) => {
  const errors: string[] = [];
  const log = { ...silentLogger, error: (message: string) => void errors.push(message) };
  const file = fileURLToPath(new URL('gateway-worker-fails.suite.ts', import.meta.url));
  const replica = await startReplica(t, createApi(), { ...two, log, file });
  const backends = await startHeld(t, 2);
  await replica.serve(rules, backends.endpoints, 'lc');
  const clients = agents(t, 8);
  const asked = clients.map((agent) =>
    ask(replica, {}, undefined, agent).then(({ status }) => status, String),
  );
  await until(() => openAt(backends).join() === '4,4');
  assert.equal(backends.sockets.size, 8);
  const fatal = { names: [], certificate: '', key: '' };
  replica.threads?.certify('shop/fatal', fatal);
  replica.threads?.certify('shop/fatal', undefined);
  await until(() => errors.length > 0);
  assert.match(errors.join(), /A thread failed/);
  await until(() => backends.sockets.size === 4);
  const opens = (): readonly number[] =>
    [...(replica.gateway.observe().get(id)?.values() ?? [])].map(({ open }) => open ?? 0);
  assert.equal(
    opens().reduce((sum, open) => sum + open),
    4,
    'what it had open is open no longer',
  );
  for (const response of backends.waiting.flatMap((all) => all.splice(0))) response.end('done');
  const ends = await Promise.all(asked);
  assert.equal(ends.filter((end) => end === 200).length, 4);
  assert.equal(ends.filter((end) => /ECONNRESET|hang up/.test(String(end))).length, 4);
  await until(() => opens().every((open) => open === 0));
  await until(() => replica.gateway.routerOf(id)?.isKnown === true);
  const pods = await startBackends(t, 3);
  await replica.serve(rules, pods, 'rr');
  const even = { 'pod-0': 20, 'pod-1': 20, 'pod-2': 20 };
  assert.deepEqual(await spread(replica, agents(t, 12), 60), even);
  const each = await carried(replica);
  assert.equal(each.length, 2);
  for (const count of each) assert.ok(count > 0, `threads carried ${each.join()}`);
});

test('whoever watches a ServicePort hears of the choice for its own request', how, async (t) => {
  const replica = await startReplica(t, createApi(), two);
  await replica.serve(rules, await startBackends(t, 3));
  for (let i = 0; i < 6; i++) {
    const chosen: string[] = [];
    const unwatch = replica.gateway.watch(id, (_, { pod }) => chosen.push(pod ?? ''));
    const { text: pod } = await ask(replica);
    unwatch();
    assert.deepEqual(chosen, [`shop/${pod}`]);
  }
});
