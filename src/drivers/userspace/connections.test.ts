/** What becomes of single connections: with a fake engine for order and timing, with real sockets for the rest. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  emptyPlan,
  endpointKey,
  nextPlan,
  parseCidr,
  type Driver,
  type Endpoint,
  type EndpointCounters,
  type Flow,
  type Plan,
  type SocketAddress,
  type VirtualServer,
} from '../../model/index.ts';
import { silentLogger, type Logger } from '../../obs/index.ts';
import { createFakeClock, type FakeClock } from '../../sys/index.ts';
import { createPortableEngine, createPortableUdp, type NetEngine } from '../../sys/net/index.ts';
import {
  ask,
  clusterIp,
  freePort,
  hold,
  loadBalancerIp,
  startBackend,
  testEndpoint,
  testNode,
  testServer,
  type ServerOptions,
} from '../conformance/index.ts';
import { createUserspaceDriver, type UserspaceOptions } from './driver.ts';
import { FakeEngine, settle, type FakeConnection } from './testing.ts';

type Limits = Pick<Partial<UserspaceOptions>, 'drainMs' | 'maxConnections'>;

interface World {
  readonly driver: Driver;
  readonly clock: FakeClock;
  plan: Plan;
  set(server: VirtualServer): Promise<void>;
  remove(server: VirtualServer): Promise<void>;
  /** Without the latency of its connects. */
  counters(server: VirtualServer, endpoint: Endpoint): Counts | undefined;
}

type Counts = Omit<EndpointCounters, 'connectLatency'>;

function createWorld(
  engine: NetEngine,
  { log = silentLogger, ...limits }: Limits & { readonly log?: Logger } = {},
): World {
  const clock = createFakeClock();
  const driver = createUserspaceDriver({
    engine,
    udp: createPortableUdp(),
    clock,
    random: () => 0,
    log,
    ...limits,
  });
  const change = async (
    set: readonly VirtualServer[],
    remove: readonly string[],
  ): Promise<void> => {
    const next = nextPlan(world.plan, { set, remove });
    world.plan = next!.plan;
    await driver.apply(next!.plan, next!.delta, new AbortController().signal);
  };
  const world: World = {
    driver,
    clock,
    plan: emptyPlan(testNode()),
    set: (server) => change([server], []),
    remove: (server) => change([], [server.id]),
    counters: (server, endpoint) => {
      const found = driver.observe().endpoints.get(server.id)?.get(endpointKey(endpoint));
      if (found === undefined) return undefined;
      const { connectLatency: _apart, ...counts } = found;
      return counts;
    },
  };
  return world;
}

/** What nobody carries is given a second to arrive. */
async function located({ driver, clock }: World, flow: Flow): Promise<Endpoint | undefined> {
  const answer = driver.locate(flow);
  await clock.advance(1_000);
  return await answer;
}

const at = { address: '127.9.0.1', port: 8080 };
const from = { address: '127.0.0.1', port: 41_000 };
const flow: Flow = {
  protocol: 'TCP',
  source: from.address,
  sourcePort: from.port,
  destination: at.address,
  destinationPort: at.port,
  entry: 'node',
};
const [a, b, c] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address) =>
  testEndpoint({ address, port: 8080 }),
) as [Endpoint, Endpoint, Endpoint];
const web = (...endpoints: readonly Endpoint[]): VirtualServer =>
  testServer([clusterIp(at)], { endpoints });
const none = { connections: 0, open: 0, failures: 0, bytesIn: 0, bytesOut: 0 };

test('each endpoint is tried once, then the client is reset', async () => {
  const engine = new FakeEngine();
  const world = createWorld(engine);
  await world.set(web(a, b, c));
  const client = engine.client(at, from);
  for (const code of ['NET_REFUSED', 'NET_TIMED_OUT', 'NET_UNREACHABLE'] as const) {
    assert.equal(client.ended, undefined);
    engine.attempts.at(-1)?.fail(code);
    await settle();
  }
  assert.equal(client.ended, 'reset');
  assert.deepEqual(
    engine.attempts.map((attempt) => attempt.to),
    ['10.0.0.1:8080', '10.0.0.2:8080', '10.0.0.3:8080'],
  );
  for (const e of [a, b, c]) assert.deepEqual(world.counters(web(), e), { ...none, failures: 1 });
});

test('turns taken meanwhile by others do not bring the same endpoint twice', async () => {
  const engine = new FakeEngine();
  const world = createWorld(engine);
  await world.set(web(a, b));
  engine.client(at, from);
  engine.client(at, { ...from, port: 41_001 });
  engine.attempts[0]?.fail('NET_REFUSED');
  await settle();
  assert.deepEqual(
    engine.attempts.map((attempt) => attempt.to),
    ['10.0.0.1:8080', '10.0.0.2:8080', '10.0.0.2:8080'],
  );
});

test('another try goes by the Plan of that moment', async () => {
  const engine = new FakeEngine();
  const world = createWorld(engine);
  await world.set(web(a, b));
  const client = engine.client(at, from);
  await world.set(web(a, c));
  engine.attempts[0]?.fail('NET_REFUSED');
  await settle();
  assert.equal(engine.attempts.at(-1)?.to, '10.0.0.3:8080');
  await world.set(web());
  engine.attempts.at(-1)?.fail('NET_REFUSED');
  await settle();
  assert.equal(client.ended, 'reset');
  assert.equal(engine.attempts.length, 2);
});

test('what is our own fault is not counted against the endpoint, and said once', async () => {
  const engine = new FakeEngine();
  const lines: string[] = [];
  const log: Logger = { ...silentLogger, error: (message) => lines.push(message) };
  const world = createWorld(engine, { log });
  await world.set(web(a));
  for (const port of [1, 2]) {
    engine.client(at, { ...from, port });
    engine.attempts.at(-1)?.fail('NET_FAILED');
    await settle();
  }
  assert.deepEqual(world.counters(web(), a), none);
  assert.deepEqual(lines, ['Cannot connect to endpoints']);
});

test('a client that goes while its endpoint is slow ends the attempt', async () => {
  const engine = new FakeEngine();
  const world = createWorld(engine);
  await world.set(web(a, b));
  engine.client(at, from).destroy('reset');
  await settle();
  assert.equal(engine.attempts.length, 1, 'no other endpoint is tried for nobody');
  assert.deepEqual(world.counters(web(), a), none);
  assert.equal(await located(world, flow), undefined);
});

test('locate waits while the connection is being made', async () => {
  const engine = new FakeEngine();
  const world = createWorld(engine);
  await world.set(web(a, b));
  engine.client(at, from);
  const found = world.driver.locate(flow);
  engine.attempts[0]?.fail('NET_REFUSED');
  await settle();
  engine.attempts[1]?.succeed();
  assert.equal(await found, b);
  assert.equal(await world.driver.locate(flow), b);
  assert.equal(await located(world, { ...flow, destinationPort: 1 }), undefined);
  engine.relays[0]?.finish('finished');
  await settle();
  assert.equal(await located(world, flow), undefined, 'the connection has ended');
  assert.equal(world.clock.sleepers, 0);
});

test('locate waits a second for a connection the driver has not seen yet', async () => {
  const engine = new FakeEngine();
  const world = createWorld(engine);
  await world.set(web(a));
  const found = [world.driver.locate(flow), world.driver.locate(flow)];
  await world.clock.advance(999);
  engine.client(at, from);
  engine.attempts[0]?.succeed();
  assert.deepEqual(await Promise.all(found), [a, a]);
  assert.equal(world.clock.sleepers, 0);
});

test('locate says so when no endpoint takes the connection', async () => {
  const engine = new FakeEngine();
  const world = createWorld(engine);
  await world.set(web(a));
  engine.client(at, from);
  const located = world.driver.locate(flow);
  engine.attempts[0]?.fail('NET_REFUSED');
  assert.equal(await located, undefined);
});

test('a connection to a stand-in is found by both of its addresses', async () => {
  const engine = new FakeEngine();
  engine.refused.set(':80', 'NET_NOT_PERMITTED');
  const world = createWorld(engine);
  await world.set(testServer([clusterIp({ ...at, port: 80 })], { endpoints: [a] }));
  engine.client(at, from);
  engine.attempts[0]?.succeed();
  assert.equal(await world.driver.locate(flow), a);
  assert.equal(await world.driver.locate({ ...flow, destinationPort: 80 }), a);
});

test('counters live as long as the endpoint or its last connection', async () => {
  const engine = new FakeEngine();
  const world = createWorld(engine);
  await world.set(web(a));
  assert.deepEqual(world.counters(web(), a), none, 'an endpoint nobody used has counters too');
  engine.client(at, from);
  engine.attempts[0]?.succeed();
  await settle();
  const relay = engine.relays[0]!;
  relay.bytesFromClient = 3;
  relay.bytesFromBackend = 5;
  const live = { connections: 1, open: 1, failures: 0, bytesIn: 3, bytesOut: 5 };
  assert.deepEqual(world.counters(web(), a), live);
  await world.set(web(b));
  assert.deepEqual(world.counters(web(), a), live, 'it has gone, but its connection is open');
  relay.bytesFromClient = 4;
  relay.finish('finished');
  await settle();
  assert.equal(world.counters(web(), a), undefined);

  engine.client(at, from);
  engine.attempts[1]?.succeed();
  await settle();
  engine.relays[1]?.finish('client-failed');
  await settle();
  assert.deepEqual(world.counters(web(), b), { ...none, connections: 1 });
  await world.remove(web());
  assert.deepEqual([...world.driver.observe().endpoints], []);
});

test('how long an endpoint took to accept is counted in buckets', async () => {
  const engine = new FakeEngine();
  const world = createWorld(engine);
  await world.set(web(a));
  for (const tookMs of [0, 7, 7, 60_000]) {
    engine.client(at, from);
    await world.clock.advance(tookMs);
    engine.attempts.at(-1)?.succeed();
    await settle();
  }
  engine.client(at, from);
  engine.attempts.at(-1)?.fail('NET_REFUSED');
  await settle();
  const latency = world.driver.observe().endpoints.get(web().id)?.get(endpointKey(a));
  assert.deepEqual(latency?.connectLatency, {
    count: 4,
    sumMs: 60_014,
    buckets: [1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1],
  });
});

test('a client whose endpoint goes without an answer is taken to the next, once each', async () => {
  const engine = new FakeEngine();
  const world = createWorld(engine);
  const server = testServer([clusterIp(at)], { endpoints: [a, b], replay: 'first-bytes' });
  await world.set(server);
  const client = engine.client(at, from);
  for (let gone = 0; gone < 2; gone++) {
    engine.attempts.at(-1)?.succeed();
    await settle();
    assert.equal(client.ended, undefined);
    engine.relays.at(-1)?.finish('unanswered');
    await settle();
  }
  assert.equal(client.ended, 'reset');
  assert.deepEqual(
    engine.attempts.map((attempt) => attempt.to),
    ['10.0.0.1:8080', '10.0.0.2:8080'],
  );
  for (const each of [a, b]) {
    assert.deepEqual(world.counters(server, each), { ...none, connections: 1, failures: 1 });
  }
});

test('a client that goes between two endpoints is not taken to the next', async () => {
  const engine = new FakeEngine();
  const world = createWorld(engine);
  await world.set(testServer([clusterIp(at)], { endpoints: [a, b], replay: 'first-bytes' }));
  const client = engine.client(at, from);
  engine.attempts[0]?.succeed();
  await settle();
  engine.relays[0]?.finish('unanswered');
  await settle();
  client.destroy('reset');
  engine.attempts[1]?.succeed();
  await settle();
  assert.equal(engine.attempts.length, 2);
  const { open } = world.counters(web(), b)!;
  assert.equal(open, 0);
});

test('a pool that stays the same array keeps its turn, a new one starts anew', async () => {
  const engine = new FakeEngine();
  const world = createWorld(engine);
  const server = web(a, b);
  const goesTo = (): string | undefined => {
    engine.client(at, from);
    return engine.attempts.at(-1)?.to;
  };
  await world.set(server);
  assert.equal(goesTo(), '10.0.0.1:8080');
  await world.set({ ...server, externalTrafficPolicy: 'Local' });
  assert.equal(goesTo(), '10.0.0.2:8080');
  assert.equal(goesTo(), '10.0.0.1:8080');
  await world.set(web(a, b));
  assert.equal(goesTo(), '10.0.0.1:8080');
});

test('stop waits for connections and resets them when it must not wait', async () => {
  const engine = new FakeEngine();
  const world = createWorld(engine);
  await world.set(web(a));
  const open = engine.client(at, from);
  engine.attempts[0]?.succeed();
  const connecting = engine.client(at, { ...from, port: 41_001 });
  await settle();
  const abort = new AbortController();
  let stopped = false;
  const stop = world.driver.stop(abort.signal).then(() => (stopped = true));
  await settle();
  assert.deepEqual([stopped, open.ended, engine.listening()], [false, undefined, []]);
  abort.abort();
  await stop;
  assert.deepEqual([open.ended, connecting.ended], ['reset', 'reset']);
});

test('the connections of an endpoint that went have their time, and are reset then', async () => {
  const engine = new FakeEngine();
  const world = createWorld(engine, { drainMs: 5_000 });
  await world.set(web(a, b));
  const open = async (n: number): Promise<FakeConnection> => {
    const client = engine.client(at, { ...from, port: 42_000 + n });
    engine.attempts.at(-1)?.succeed();
    await settle();
    return client;
  };
  const [toA, toB] = [await open(0), await open(1)];
  const leaving = { ...a, ready: false, terminating: true };
  await world.set(web(leaving, b));
  await world.clock.advance(60_000);
  assert.equal(toA.ended, undefined, 'it ends, but still serves');
  await world.set(web({ ...leaving, serving: false }, b));
  await world.clock.advance(4_000);
  await world.set(web(b));
  await world.clock.advance(999);
  assert.equal(toA.ended, undefined, 'the time runs from when it stopped serving');
  await world.clock.advance(1);
  assert.deepEqual([toA.ended, toB.ended], ['reset', undefined]);
  await world.remove(web(b));
  await world.clock.advance(5_000);
  assert.equal(toB.ended, 'reset', 'also when the Service goes');
  await settle();
  assert.equal(world.clock.sleepers, 0);
});

test('an endpoint that comes back keeps its connections', async () => {
  const engine = new FakeEngine();
  const world = createWorld(engine);
  await world.set(web(a));
  const client = engine.client(at, from);
  engine.attempts[0]?.succeed();
  await settle();
  await world.set(web(b));
  await world.clock.advance(29_999);
  await world.set(web(a, b));
  assert.equal(world.clock.sleepers, 0);
  await world.set(web(b));
  await world.clock.advance(29_999);
  assert.equal(client.ended, undefined);
  await world.clock.advance(1);
  assert.equal(client.ended, 'reset');
});

test('a connection that is made while its endpoint goes drains with it', async () => {
  const engine = new FakeEngine();
  const world = createWorld(engine);
  await world.set(web(a));
  const client = engine.client(at, from);
  await world.set(web(b));
  engine.attempts[0]?.succeed();
  await settle();
  await world.clock.advance(30_000);
  assert.equal(client.ended, 'reset');
});

test('one connection too many is reset, counted, and said once in 10 s', async () => {
  const engine = new FakeEngine();
  const lines: unknown[] = [];
  const log: Logger = { ...silentLogger, warn: (_message, fields) => lines.push(fields) };
  const world = createWorld(engine, { log, maxConnections: 2 });
  await world.set(web(a));
  const clients = [1, 2, 3, 4].map((port) => engine.client(at, { ...from, port }));
  assert.deepEqual(
    clients.map((client) => client.ended),
    [undefined, undefined, 'reset', 'reset'],
  );
  assert.deepEqual(lines, [{ limit: 2, total: 1 }]);
  assert.deepEqual(world.driver.observe().limited, { connections: 2, flows: 0 });
  clients[0]?.destroy('close');
  await settle();
  assert.equal(engine.client(at, { ...from, port: 5 }).ended, undefined, 'there is room again');
  await world.clock.advance(10_000);
  engine.client(at, { ...from, port: 6 });
  assert.deepEqual(lines.at(-1), { limit: 2, total: 3 });
});

test('an endpoint that refused is set aside for a while, and the rest share evenly', async () => {
  const engine = new FakeEngine();
  const world = createWorld(engine);
  await world.set(web(a, b, c));
  const turns = async (count: number): Promise<readonly string[]> => {
    const seen: string[] = [];
    for (let i = 0; i < count; i++) {
      const client = engine.client(at, { ...from, port: 43_000 + i });
      seen.push(engine.attempts.at(-1)!.to);
      client.destroy('close');
    }
    await settle();
    return seen.map((to) => to.slice(7, 8)).toSorted();
  };
  engine.client(at, from);
  engine.attempts[0]?.fail('NET_REFUSED');
  await settle();
  assert.equal((await turns(4)).join(''), '2233');
  await world.clock.advance(1_000);
  assert.equal((await turns(6)).join(''), '112233', 'its time is over');
});

/** The rest is real: sockets from end to end. */
async function createRealWorld(
  t: { after(work: () => Promise<void>): void },
  endpoints: readonly Endpoint[],
  options: ServerOptions = {},
): Promise<World & { readonly at: SocketAddress; readonly server: VirtualServer }> {
  const world = createWorld(createPortableEngine());
  t.after(() => world.driver.stop(AbortSignal.abort()));
  const address = '127.9.60.1';
  const place = { address, port: await freePort(address) };
  const server = testServer([clusterIp(place)], { endpoints, ...options });
  await world.set(server);
  return Object.assign(world, { at: place, server });
}

test('a dead endpoint costs no client anything', async (t) => {
  const live = await startBackend('live', { address: '127.9.61.1', port: 0 });
  t.after(() => live.close());
  const dead = testEndpoint({ address: '127.9.61.2', port: await freePort('127.9.61.2') });
  const world = await createRealWorld(t, [dead, testEndpoint(live.at)]);
  for (let i = 0; i < 20; i++) {
    assert.deepEqual(await ask(world.at), { kind: 'answered', name: 'live' });
  }
  assert.equal(live.taken(), 20);
  const { failures } = world.counters(world.server, dead)!;
  assert.equal(failures, 1, 'set aside after the first');
  assert.equal(world.counters(world.server, testEndpoint(live.at))?.connections, 20);
});

test('when every endpoint is dead the client is reset', async (t) => {
  const dead = testEndpoint({ address: '127.9.61.3', port: await freePort('127.9.61.3') });
  const world = await createRealWorld(t, [dead]);
  assert.deepEqual(await ask(world.at), { kind: 'reset' });
});

test('when every endpoint has weight 0 the client is reset', async (t) => {
  const drained = testEndpoint({ address: '127.9.61.4', port: 1 }, { weight: 0 });
  const world = await createRealWorld(t, [drained]);
  assert.deepEqual(await ask(world.at), { kind: 'reset' });
});

test('a source outside the ranges of a load balancer is reset', async (t) => {
  const live = await startBackend('live', { address: '127.9.61.5', port: 0 });
  t.after(() => live.close());
  const world = await createRealWorld(t, [testEndpoint(live.at)]);
  const outside = { address: '127.9.60.2', port: await freePort('127.9.60.2') };
  const ranges = (cidr: string): VirtualServer =>
    testServer([clusterIp(world.at), loadBalancerIp(outside)], {
      endpoints: [testEndpoint(live.at)],
      sourceRanges: [parseCidr(cidr)!],
    });
  await world.set(ranges('192.0.2.0/24'));
  assert.deepEqual(await ask(outside), { kind: 'reset' });
  assert.deepEqual(await ask(world.at), { kind: 'answered', name: 'live' });
  await world.set(ranges('127.0.0.0/8'));
  assert.deepEqual(await ask(outside), { kind: 'answered', name: 'live' });
});

test('bytes and open connections are counted as they are', async (t) => {
  const live = await startBackend('live', { address: '127.9.61.6', port: 0 });
  t.after(() => live.close());
  const endpoint = testEndpoint(live.at);
  const world = await createRealWorld(t, [endpoint]);
  const held = await hold(world.at);
  await held.repeat('four');
  const counted = { connections: 1, failures: 0, bytesIn: 5, bytesOut: 10 };
  assert.deepEqual(world.counters(world.server, endpoint), { ...counted, open: 1 });
  held.close();
  const deadline = performance.now() + 5000;
  while (world.counters(world.server, endpoint)?.open !== 0) {
    assert.ok(performance.now() < deadline, 'the connection is counted as closed within 5 s');
    await settle();
  }
  assert.deepEqual(world.counters(world.server, endpoint), { ...counted, open: 0 });
});
