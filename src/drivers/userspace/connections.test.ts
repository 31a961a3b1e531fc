/** What becomes of single connections: with a fake engine for order and timing, with real sockets for the rest. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  emptyPlan,
  endpointKey,
  nextPlan,
  parseCidr,
  type Clock,
  type Driver,
  type Endpoint,
  type EndpointCounters,
  type Flow,
  type Plan,
  type SocketAddress,
  type VirtualServer,
} from '../../model/index.ts';
import { silentLogger, type Logger } from '../../obs/index.ts';
import { createFakeClock } from '../../sys/index.ts';
import { createPortableEngine, type NetEngine } from '../../sys/net/index.ts';
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
import { createUserspaceDriver } from './driver.ts';
import { FakeEngine, settle } from './testing.ts';

interface World {
  readonly driver: Driver;
  plan: Plan;
  set(server: VirtualServer): Promise<void>;
  remove(server: VirtualServer): Promise<void>;
  counters(server: VirtualServer, endpoint: Endpoint): EndpointCounters | undefined;
}

function createWorld(
  engine: NetEngine,
  options: { readonly clock?: Clock; readonly log?: Logger } = {},
): World {
  const { clock = createFakeClock(), log = silentLogger } = options;
  const driver = createUserspaceDriver({ engine, clock, random: () => 0, log });
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
    plan: emptyPlan(testNode()),
    set: (server) => change([server], []),
    remove: (server) => change([], [server.id]),
    counters: (server, endpoint) =>
      driver.observe().endpoints.get(server.id)?.get(endpointKey(endpoint)),
  };
  return world;
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
  assert.equal(await world.driver.locate(flow), undefined);
});

test('locate waits while the connection is being made', async () => {
  const engine = new FakeEngine();
  const world = createWorld(engine);
  await world.set(web(a, b));
  engine.client(at, from);
  const located = world.driver.locate(flow);
  engine.attempts[0]?.fail('NET_REFUSED');
  await settle();
  engine.attempts[1]?.succeed();
  assert.equal(await located, b);
  assert.equal(await world.driver.locate(flow), b);
  assert.equal(await world.driver.locate({ ...flow, destinationPort: 1 }), undefined);
  engine.relays[0]?.finish('finished');
  await settle();
  assert.equal(await world.driver.locate(flow), undefined, 'the connection has ended');
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
  assert.ok(failures! >= 10, `the dead one had ${failures} turns`);
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
