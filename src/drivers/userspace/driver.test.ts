/** What the driver does to listeners as Plans follow one another, and what that costs: no sockets, only calls. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  emptyPlan,
  nextPlan,
  type ApplyReport,
  type Driver,
  type NodeView,
  type Plan,
  type PlanChange,
  type VirtualServer,
} from '../../model/index.ts';
import { silentLogger } from '../../obs/index.ts';
import { createFakeClock } from '../../sys/index.ts';
import {
  clusterIp,
  externalIp,
  nodePort,
  testEndpoint,
  testNode,
  testServer,
} from '../conformance/index.ts';
import { createUserspaceDriver } from './driver.ts';
import { FakeEngine, FakeUdp } from './testing.ts';

class World {
  readonly engine = new FakeEngine();
  readonly udp = new FakeUdp();
  readonly driver: Driver = createUserspaceDriver({
    engine: this.engine,
    udp: this.udp,
    clock: createFakeClock(),
    random: () => 0,
    log: silentLogger,
  });
  plan: Plan;

  constructor(node: NodeView = testNode()) {
    this.plan = emptyPlan(node);
  }

  set(...set: readonly VirtualServer[]): Promise<ApplyReport> {
    return this.change({ set, remove: [] });
  }

  remove(...servers: readonly VirtualServer[]): Promise<ApplyReport> {
    return this.change({ set: [], remove: servers.map((server) => server.id) });
  }

  change(change: PlanChange, signal = new AbortController().signal): Promise<ApplyReport> {
    const next = nextPlan(this.plan, change);
    assert.ok(next !== undefined, 'the change changes something');
    this.plan = next.plan;
    return this.driver.apply(next.plan, next.delta, signal);
  }

  whole(): Promise<ApplyReport> {
    return this.driver.apply(this.plan, undefined, new AbortController().signal);
  }
}

const a = testEndpoint({ address: '10.0.0.1', port: 8080 });
const b = testEndpoint({ address: '10.0.0.2', port: 8080 });
const place = (n: number, port = 8080): { readonly address: string; readonly port: number } => ({
  address: `127.9.${n >> 8}.${n & 255}`,
  port,
});
const server = (n: number, endpoints = [a]): VirtualServer =>
  testServer([clusterIp(place(n))], { name: `s${n}`, endpoints });

test('cost follows the change, not the number of Services', async () => {
  const world = new World();
  const many = Array.from({ length: 1000 }, (_, n) => server(n));
  const first = await world.set(...many);
  assert.equal(first.operations, 1000);
  assert.deepEqual([first.failures, first.standIns], [[], []]);
  world.engine.takeCalls();

  assert.equal((await world.set(server(7, [a, b]))).operations, 0, 'an endpoint more');
  assert.equal((await world.set(server(7, [b]))).operations, 0, 'an endpoint less');
  assert.deepEqual(world.engine.takeCalls(), []);
  assert.equal((await world.set(server(7, []))).operations, 1, 'the last endpoint gone');
  assert.equal((await world.set(server(7))).operations, 1, 'an endpoint again');
  assert.equal((await world.set(server(1000))).operations, 1, 'a Service more');
  assert.equal((await world.remove(server(3))).operations, 1, 'a Service less');
  assert.deepEqual(world.engine.takeCalls(), [
    '-127.9.0.7:8080',
    '+127.9.0.7:8080',
    '+127.9.3.232:8080',
    '-127.9.0.3:8080',
  ]);
  const whole = await world.whole();
  assert.equal(whole.operations, 0, 'the whole Plan again');
  assert.equal(whole.revision, world.plan.revision);
});

test('a Delta from another Plan is not trusted', async () => {
  const world = new World();
  await world.set(server(1), server(2));
  // This Plan was never applied: its Delta alone would leave s1's listener behind.
  const missed = nextPlan(world.plan, { set: [], remove: [server(1).id] });
  world.plan = missed!.plan;
  await world.set(server(3));
  assert.deepEqual(world.engine.listening(), ['127.9.0.2:8080', '127.9.0.3:8080']);
});

test('a taken port is reported, tried again, and disturbs nobody', async () => {
  const world = new World();
  world.engine.refused.set('127.9.0.1:8080', 'NET_ADDRESS_IN_USE');
  const report = await world.set(server(1), server(2));
  assert.equal(report.operations, 1);
  assert.deepEqual(report.failures, [
    {
      server: 'default/s1:/TCP/IPv4',
      frontend: clusterIp(place(1)),
      code: 'NET_ADDRESS_IN_USE',
      message:
        'Cannot serve Service default/s1 at 127.9.0.1:8080: another process already listens at 127.9.0.1:8080',
      remedy: undefined,
    },
  ]);
  assert.deepEqual((await world.set(server(2, [b]))).failures.length, 1, 'it still fails');
  world.engine.refused.clear();
  const healed = await world.set(server(2, [a]));
  assert.deepEqual([healed.operations, healed.failures], [1, []]);
  assert.deepEqual(world.engine.listening(), ['127.9.0.1:8080', '127.9.0.2:8080']);
});

test('a frontend that failed and is gone is not tried again', async () => {
  const world = new World();
  world.engine.refused.set('127.9.0.1:8080', 'NET_ADDRESS_IN_USE');
  await world.set(server(1), server(2));
  world.engine.refused.clear();
  const report = await world.remove(server(1));
  assert.deepEqual([report.operations, report.failures], [0, []]);
  assert.deepEqual(world.engine.listening(), ['127.9.0.2:8080']);
});

const low = (name: string, ...ports: readonly number[]): VirtualServer =>
  testServer(
    ports.map((port) => clusterIp(place(1, port))),
    { name, endpoints: [a] },
  );

const standInCases = {
  'a low port without privilege stands in 8000 higher': {
    refused: [[':80', 'NET_NOT_PERMITTED']],
    set: [low('web', 80)],
    standIns: ['127.9.0.1:80 at 127.9.0.1:8080'],
    failures: [],
  },
  'a Service with 80 and 8080 keeps its real 8080': {
    refused: [[':80', 'NET_NOT_PERMITTED']],
    set: [low('web', 80, 8080)],
    standIns: ['127.9.0.1:80 at 127.9.0.1:50000'],
    failures: [],
  },
  'an address of another host stands in on loopback': {
    refused: [['127.9.0.1', 'NET_ADDRESS_NOT_AVAILABLE']],
    set: [low('web', 80)],
    standIns: ['127.9.0.1:80 at 127.0.0.1:50000'],
    failures: [],
  },
  'both: no privilege, then no such address': {
    refused: [
      [':80', 'NET_NOT_PERMITTED'],
      ['127.9.0.1:8080', 'NET_ADDRESS_NOT_AVAILABLE'],
    ],
    set: [low('web', 80)],
    standIns: ['127.9.0.1:80 at 127.0.0.1:50000'],
    failures: [],
  },
  'a high port without privilege has no stand-in': {
    refused: [[':8443', 'NET_NOT_PERMITTED']],
    set: [low('web', 8443)],
    standIns: [],
    failures: ['NET_NOT_PERMITTED'],
  },
} as const;

for (const [name, { refused, set, standIns, failures }] of Object.entries(standInCases)) {
  test(name, async () => {
    const world = new World();
    for (const [where, code] of refused) world.engine.refused.set(where, code);
    const report = await world.set(...set);
    assert.deepEqual(
      report.standIns.map(
        ({ frontend, address }) =>
          `${frontend.address}:${frontend.port} at ${address.address}:${address.port}`,
      ),
      standIns,
    );
    assert.deepEqual(
      report.failures.map((failure) => failure.code),
      failures,
    );
  });
}

test('IPv6 stands in on its own loopback', async () => {
  const world = new World();
  world.engine.refused.set('fd00::1', 'NET_ADDRESS_NOT_AVAILABLE');
  const report = await world.set(
    testServer([clusterIp({ address: 'fd00::1', port: 80 })], { family: 'IPv6', endpoints: [a] }),
  );
  assert.deepEqual(report.standIns[0]?.address, { address: '::1', port: 50_000 });
});

test('a stand-in gives way to the Service whose port it is', async () => {
  const world = new World();
  world.engine.refused.set(':80', 'NET_NOT_PERMITTED');
  await world.set(low('low', 80));
  const report = await world.set(low('real', 8080));
  assert.deepEqual(report.failures, []);
  assert.deepEqual(report.standIns[0]?.address, { address: '127.9.0.1', port: 50_000 });
  assert.deepEqual(world.engine.listening(), ['127.9.0.1:50000', '127.9.0.1:8080']);
});

test('a stand-in that closes frees its place in the same apply', async () => {
  const world = new World();
  world.engine.refused.set(':80', 'NET_NOT_PERMITTED');
  await world.set(low('web', 80));
  const report = await world.set(low('web', 8080));
  assert.deepEqual([report.failures, report.standIns], [[], []]);
  assert.deepEqual(world.engine.listening(), ['127.9.0.1:8080']);
});

test('who comes second waits, and takes over the listener as it stands', async () => {
  const world = new World();
  world.engine.refused.set(':80', 'NET_NOT_PERMITTED');
  const [first, second] = [low('a', 80), low('b', 80)];
  assert.equal((await world.set(second)).standIns[0]?.server, second.id);
  const claimed = await world.set(first);
  assert.equal(claimed.operations, 0);
  assert.equal(claimed.standIns[0]?.server, first.id, 'the first by id has it');
  assert.deepEqual(
    claimed.failures.map(({ server: id, code }) => [id, code]),
    [[second.id, 'USERSPACE_FRONTEND_TAKEN']],
  );
  const freed = await world.remove(first);
  assert.equal(freed.operations, 0);
  assert.deepEqual(freed.failures, []);
  assert.equal(freed.standIns[0]?.server, second.id);
});

test('an address of the node takes over from a NodePort, and gives it back', async () => {
  const world = new World();
  const port = testServer([nodePort(30080)], { name: 'a', endpoints: [a] });
  const exact = testServer([externalIp({ address: '127.9.0.1', port: 30080 })], {
    name: 'b',
    endpoints: [b],
  });
  await world.set(port);
  const taken = await world.set(exact);
  assert.deepEqual(
    [taken.operations, taken.failures.map((failure) => failure.server)],
    [0, [port.id]],
  );
  const back = await world.remove(exact);
  assert.deepEqual([back.operations, back.failures], [0, []]);
});

test('NodePorts follow the addresses of the node', async () => {
  const world = new World(testNode({ nodePortAddresses: ['127.9.0.1', '127.9.0.2'] }));
  await world.set(server(9), testServer([nodePort(30080)], { endpoints: [a] }));
  world.engine.takeCalls();
  const node = testNode({ nodePortAddresses: ['127.9.0.2', '127.9.0.3'] });
  const report = await world.change({ set: [], remove: [], node });
  assert.equal(report.operations, 2);
  assert.deepEqual(world.engine.takeCalls(), ['+127.9.0.3:30080', '-127.9.0.1:30080']);
});

test('an apply that is given up leaves the Plan before in force', async () => {
  const world = new World();
  await world.set(server(1));
  world.engine.takeCalls();
  const abort = new AbortController();
  const given = world.change({ set: [server(2)], remove: [server(1).id] }, abort.signal);
  abort.abort(new Error('given up'));
  await assert.rejects(given, { message: 'given up' });
  assert.deepEqual(world.engine.listening(), ['127.9.0.1:8080']);
  assert.deepEqual([...world.driver.observe().endpoints.keys()], [server(1).id]);
  const report = await world.whole();
  assert.equal(report.operations, 2);
  assert.deepEqual(world.engine.listening(), ['127.9.0.2:8080']);
});

test('SCTP is reported and does not stop the rest', async () => {
  const world = new World();
  const sctp = testServer([clusterIp(place(5, 53))], {
    name: 'sctp',
    protocol: 'SCTP',
    endpoints: [a],
  });
  const report = await world.set(sctp, server(1));
  assert.deepEqual(world.driver.capabilities.protocols, ['TCP', 'UDP']);
  assert.deepEqual(
    report.failures.map(({ server: id, code }) => [id, code]),
    [[sctp.id, 'USERSPACE_PROTOCOL_UNSUPPORTED']],
  );
  assert.equal(report.operations, 1);
  assert.deepEqual((await world.remove(sctp)).failures, []);
});

test('TCP and UDP share an address and port, and stand in at the same place', async () => {
  const world = new World();
  const dns = (protocol: 'TCP' | 'UDP'): VirtualServer =>
    testServer([clusterIp(place(5, 53))], { name: 'dns', protocol, endpoints: [a] });
  for (const fake of [world.engine, world.udp]) fake.refused.set(':53', 'NET_NOT_PERMITTED');
  const report = await world.set(dns('TCP'), dns('UDP'));
  assert.deepEqual(report.failures, []);
  assert.deepEqual(
    report.standIns.map(({ server: id, address }) => `${id} ${address.port}`),
    ['default/dns:/TCP/IPv4 8053', 'default/dns:/UDP/IPv4 8053'],
  );
  await world.remove(dns('TCP'));
  assert.deepEqual([world.engine.listening(), world.udp.listening()], [[], ['127.9.0.5:8053']]);
});

test('a stopped driver listens nowhere and takes no Plan', async () => {
  const world = new World();
  await world.set(server(1));
  await world.driver.stop(new AbortController().signal);
  assert.deepEqual(world.engine.listening(), []);
  await assert.rejects(world.whole(), { code: 'USERSPACE_STOPPED' });
});

test('a host that lets nobody listen lacks something', async () => {
  const world = new World();
  assert.deepEqual(await world.driver.probe(), []);
  assert.deepEqual(world.engine.listening(), []);
  world.engine.refused.set('127.0.0.1', 'NET_NOT_PERMITTED');
  const [missing] = await world.driver.probe();
  assert.match(missing?.what ?? '', /^listening on the loopback address/);
});
