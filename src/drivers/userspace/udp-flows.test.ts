/** What becomes of UDP flows: with a fake engine, so that time and refusals are the test's. */
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
  type VirtualServer,
} from '../../model/index.ts';
import { silentLogger, type Logger } from '../../obs/index.ts';
import { createFakeClock } from '../../sys/index.ts';
import {
  clusterIp,
  externalIp,
  loadBalancerIp,
  testEndpoint,
  testNode,
  testServer,
  type ServerOptions,
} from '../conformance/index.ts';
import { createUserspaceDriver, type UserspaceOptions } from './driver.ts';
import { FakeEngine, FakeUdp, settle } from './testing.ts';

const at = { address: '127.9.0.1', port: 53 };
const from = { address: '127.0.0.1', port: 41_000 };
const flow: Flow = {
  protocol: 'UDP',
  source: from.address,
  sourcePort: from.port,
  destination: at.address,
  destinationPort: at.port,
  entry: 'node',
};
const [a, b, c] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address) =>
  testEndpoint({ address, port: 53 }),
) as [Endpoint, Endpoint, Endpoint];
const none = { connections: 0, open: 0, failures: 0, bytesIn: 0, bytesOut: 0 };

class World {
  readonly udp = new FakeUdp();
  readonly clock = createFakeClock();
  readonly driver: Driver;
  plan: Plan = emptyPlan(testNode());

  constructor(options: Partial<UserspaceOptions> = {}) {
    this.driver = createUserspaceDriver({
      engine: new FakeEngine(),
      udp: this.udp,
      clock: this.clock,
      random: () => 0,
      log: silentLogger,
      ...options,
    });
  }

  async set(...set: readonly VirtualServer[]): Promise<void> {
    await this.change(set, []);
  }

  async remove(server: VirtualServer): Promise<void> {
    await this.change([], [server.id]);
  }

  counters(endpoint: Endpoint): EndpointCounters | undefined {
    return this.driver.observe().endpoints.get(dns().id)?.get(endpointKey(endpoint));
  }

  private async change(set: readonly VirtualServer[], remove: readonly string[]): Promise<void> {
    const next = nextPlan(this.plan, { set, remove })!;
    this.plan = next.plan;
    const report = await this.driver.apply(next.plan, next.delta, new AbortController().signal);
    assert.deepEqual(report.failures, []);
  }
}

function dns(endpoints: readonly Endpoint[] = [], options: ServerOptions = {}): VirtualServer {
  return testServer([clusterIp(at)], { name: 'dns', protocol: 'UDP', endpoints, ...options });
}

test('every client has a flow to one endpoint, answered from the frontend', async () => {
  const world = new World();
  await world.set(dns([a, b]));
  world.udp.client(at, from, 'one');
  world.udp.client(at, { ...from, port: 41_001 }, 'other');
  world.udp.client(at, from, 'two');
  const [first, second] = world.udp.peers;
  assert.deepEqual([first?.to, first?.sent], ['10.0.0.1:53', ['one', 'two']]);
  assert.deepEqual([second?.to, second?.sent], ['10.0.0.2:53', ['other']]);
  first?.answer('yes');
  second?.answer('no');
  assert.deepEqual(world.udp.answers, [
    '127.9.0.1:53>127.0.0.1:41000 yes',
    '127.9.0.1:53>127.0.0.1:41001 no',
  ]);
  assert.equal(await world.driver.locate(flow), a);
  const counted = { connections: 1, open: 1, failures: 0, bytesIn: 6, bytesOut: 3 };
  assert.deepEqual(world.counters(a), counted);
});

test('a flow without a datagram either way for a minute ends', async () => {
  const world = new World();
  await world.set(dns([a, b]));
  world.udp.client(at, from);
  world.udp.client(at, { ...from, port: 41_001 });
  await world.clock.advance(59_999);
  world.udp.client(at, from);
  world.udp.peers[1]?.answer('an answer counts as well');
  await world.clock.advance(59_999);
  assert.deepEqual(world.udp.goesTo(), ['10.0.0.1:53', '10.0.0.2:53']);
  world.udp.peers[1]?.answer('again');
  await world.clock.advance(1);
  assert.deepEqual(world.udp.goesTo(), ['10.0.0.2:53']);
  assert.equal(world.counters(a)?.open, 0);
  await world.clock.advance(60_000);
  assert.deepEqual(world.udp.goesTo(), []);
  assert.equal(world.clock.sleepers, 0, 'nobody waits for nothing');
  world.udp.client(at, from);
  assert.equal(world.udp.goesTo().length, 1);
  await world.clock.advance(60_000);
  assert.deepEqual(world.udp.goesTo(), []);
});

test('at the bound the flow idle longest makes room, and that is said once in 10 s', async () => {
  const lines: unknown[] = [];
  const log: Logger = { ...silentLogger, warn: (_message, fields) => lines.push(fields) };
  const world = new World({ maxFlows: 2, log });
  await world.set(dns([a, b, c]));
  for (const port of [1, 2, 1, 3, 4]) world.udp.client(at, { ...from, port });
  assert.deepEqual(world.udp.goesTo(), ['10.0.0.3:53', '10.0.0.1:53']);
  assert.deepEqual(world.driver.observe().limited, { connections: 0, flows: 2 });
  assert.deepEqual(lines, [{ limit: 2, total: 1 }]);
});

test('an endpoint that refuses is left at the next datagram, and set aside', async () => {
  const world = new World();
  await world.set(dns([a, b, c]));
  world.udp.client(at, from, 'lost');
  world.udp.peers[0]?.refuse();
  assert.deepEqual(world.counters(a), { ...none, connections: 1, failures: 1, bytesIn: 4 });
  assert.deepEqual(world.udp.goesTo(), []);
  world.udp.client(at, from, 'again');
  assert.deepEqual([world.udp.peers[1]?.to, world.udp.peers[1]?.sent], ['10.0.0.2:53', ['again']]);
  for (const port of [1, 2, 3]) world.udp.client(at, { ...from, port });
  assert.ok(!world.udp.goesTo().includes('10.0.0.1:53'), 'nobody else is sent there');
  assert.equal(await world.driver.locate(flow), b);
});

test('what a refusal kept from leaving goes to another endpoint at once', async () => {
  const world = new World();
  await world.set(dns([a, b]));
  world.udp.client(at, from, 'lost');
  world.udp.client(at, from, 'kept back');
  world.udp.peers[0]?.refuse('kept back');
  assert.deepEqual(
    [world.udp.peers[1]?.to, world.udp.peers[1]?.sent],
    ['10.0.0.2:53', ['kept back']],
  );
});

test('when all refuse, each is asked again at another datagram', async () => {
  const world = new World();
  await world.set(dns([a, b]));
  for (let i = 0; i < 4; i++) {
    world.udp.client(at, from);
    world.udp.peers.at(-1)?.refuse();
  }
  assert.deepEqual(
    new Set(world.udp.peers.map(({ to }) => to)),
    new Set(['10.0.0.1:53', '10.0.0.2:53']),
  );
  assert.equal(world.udp.peers.length, 4);
});

test('a hash and an affinity do not lead back to who refused', async () => {
  for (const options of [
    { scheduler: 'sh' },
    { affinity: { kind: 'clientIP', timeoutSeconds: 60 } },
  ] as const) {
    const world = new World();
    await world.set(dns([a, b, c], options));
    world.udp.client(at, from);
    world.udp.peers[0]?.refuse();
    world.udp.client(at, from);
    assert.notEqual(world.udp.peers[1]?.to, world.udp.peers[0]?.to);
  }
});

test('flows end with their endpoint, so that the next datagram is balanced anew', async () => {
  const world = new World();
  await world.set(dns([a, b]));
  world.udp.client(at, from);
  world.udp.client(at, { ...from, port: 41_001 });
  await world.set(dns([{ ...a, ready: false, terminating: true }, b]));
  assert.deepEqual(world.udp.goesTo(), ['10.0.0.1:53', '10.0.0.2:53'], 'it still serves');
  await world.set(dns([{ ...a, ready: false, serving: false, terminating: true }, b]));
  assert.deepEqual(world.udp.goesTo(), ['10.0.0.2:53']);
  world.udp.client(at, from);
  assert.deepEqual(world.udp.goesTo(), ['10.0.0.2:53', '10.0.0.2:53']);
});

test('no flow outlives a Service that is scaled to zero or deleted', async () => {
  for (const empty of [true, false]) {
    const world = new World();
    await world.set(dns([a]));
    world.udp.client(at, from);
    if (empty) await world.set(dns([]));
    else await world.remove(dns());
    assert.deepEqual([world.udp.goesTo(), world.udp.listening()], [[], []]);
    await world.set(dns([b]));
    world.udp.client(at, from);
    assert.deepEqual(world.udp.goesTo(), ['10.0.0.2:53']);
  }
});

test('a flow ends with its frontend, or when that goes to another Service', async () => {
  const world = new World();
  const outside = { address: '127.9.0.2', port: 53 };
  await world.set(dns([a], { name: 'z' }));
  const both = testServer([clusterIp(at), externalIp(outside)], {
    name: 'z',
    protocol: 'UDP',
    endpoints: [a],
  });
  await world.set(both);
  world.udp.client(at, from);
  world.udp.client(outside, from);
  await world.set(dns([a], { name: 'z' }));
  assert.equal(world.udp.goesTo().length, 1);
  const thief = nextPlan(world.plan, { set: [dns([b], { name: 'a' })], remove: [] })!;
  await world.driver.apply(thief.plan, thief.delta, new AbortController().signal);
  assert.deepEqual(world.udp.goesTo(), []);
  world.udp.client(at, from);
  assert.deepEqual(world.udp.goesTo(), ['10.0.0.2:53']);
});

test('a source that may not use a load balancer is not answered', async () => {
  const world = new World();
  const outside = { address: '127.9.0.2', port: 53 };
  const sourceRanges = [parseCidr('192.0.2.0/24')!];
  await world.set(
    testServer([loadBalancerIp(outside)], { protocol: 'UDP', endpoints: [a], sourceRanges }),
  );
  world.udp.client(outside, from);
  assert.deepEqual(world.udp.peers, []);
  world.udp.client(outside, { address: '192.0.2.9', port: 1 });
  assert.equal(world.udp.peers.length, 1);
});

test('a client at weight 0 everywhere is not answered, and holds nothing', async () => {
  const world = new World();
  await world.set(dns([{ ...a, weight: 0 }]));
  world.udp.client(at, from);
  assert.deepEqual(world.udp.peers, []);
  const located = world.driver.locate(flow);
  await world.clock.advance(1_000);
  assert.equal(await located, undefined);
});

test('an endpoint that is a frontend itself is not sent to: it would go round for ever', async () => {
  const lines: unknown[] = [];
  const log: Logger = { ...silentLogger, warn: (_message, fields) => lines.push(fields) };
  const world = new World({ log });
  await world.set(dns([testEndpoint(at)]));
  world.udp.client(at, from);
  world.udp.client(at, from);
  assert.deepEqual(world.udp.peers, []);
  assert.deepEqual(lines, [{ server: dns().id, endpoint: endpointKey(at) }]);
  await world.set(dns([testEndpoint(at), b]));
  for (const port of [1, 2, 3]) world.udp.client(at, { ...from, port });
  assert.deepEqual(world.udp.goesTo(), ['10.0.0.2:53', '10.0.0.2:53', '10.0.0.2:53']);
});

test('load-based choice counts flows', async () => {
  const world = new World();
  await world.set(dns([a, b], { scheduler: 'lc' }));
  for (const port of [1, 2, 3, 4]) world.udp.client(at, { ...from, port });
  assert.deepEqual(world.udp.goesTo().toSorted(), [
    '10.0.0.1:53',
    '10.0.0.1:53',
    '10.0.0.2:53',
    '10.0.0.2:53',
  ]);
});

test('stop ends every flow and waits for none', async () => {
  const world = new World();
  await world.set(dns([a]));
  world.udp.client(at, from);
  await world.driver.stop(new AbortController().signal);
  await settle();
  assert.deepEqual([world.udp.goesTo(), world.udp.listening(), world.clock.sleepers], [[], [], 0]);
});
