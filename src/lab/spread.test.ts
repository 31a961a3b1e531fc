import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  emptyPlan,
  nextPlan,
  servicePortId,
  type Endpoint,
  type Flow,
  type Plan,
  type SocketAddress,
} from '../model/index.ts';
import { createFakeClock } from '../sys/index.ts';
import { NetError, type Connection, type NetEngine } from '../sys/net/index.ts';
import { measureSpread, type SpreadOptions } from './spread.ts';

const endpoint = (last: number): Endpoint => ({
  address: `10.0.0.${last}`,
  port: 8080,
  ready: true,
  serving: true,
  terminating: false,
  local: true,
  node: 'n',
  zone: undefined,
  zoneHints: [],
  nodeHints: [],
  weight: 1,
  pod: undefined,
});

const endpoints = [endpoint(1), endpoint(2), endpoint(3)];
const declared: SocketAddress = { address: '127.10.0.1', port: 80 };
const target: SocketAddress = { address: '127.10.0.1', port: 8080 };

function planWith(all: readonly Endpoint[]): Plan {
  const ref = {
    namespace: 'default',
    name: 'web',
    portName: '',
    protocol: 'TCP',
    family: 'IPv4',
  } as const;
  const next = nextPlan(
    emptyPlan({
      name: 'n',
      zone: undefined,
      addresses: ['127.0.0.1'],
      nodePortAddresses: [],
      serviceRanges: [],
      masqueradeAll: false,
      detectsLocalPods: false,
    }),
    {
      set: [
        {
          id: servicePortId(ref),
          ref,
          frontends: [{ kind: 'clusterIP', ...declared }],
          internalTrafficPolicy: 'Cluster',
          externalTrafficPolicy: 'Cluster',
          endpoints: all,
          pools: { cluster: all, local: [], hasAny: all.length > 0 },
          scheduler: 'rr',
          affinity: { kind: 'none' },
          perRequest: undefined,
          proxyProtocol: 'none',
          replay: 'none',
          sourceRanges: [],
        },
      ],
      remove: [],
    },
  );
  assert.ok(next);
  return next.plan;
}

/** Connects at once, unless told to refuse; remembers how many were open together. */
class FakeNet {
  open = 0;
  most = 0;
  made = 0;
  destroyed: string[] = [];
  refuse: (n: number) => boolean = () => false;
  readonly engine: Pick<NetEngine, 'connect'> & NetEngine = {
    name: 'portable',
    listen: () => assert.fail('a measurement listens nowhere'),
    relay: () => assert.fail('a measurement relays nothing'),
    connect: async (to) => {
      const n = this.made++;
      if (this.refuse(n)) throw new NetError('NET_REFUSED', `Cannot connect to ${to.address}: no`);
      this.open++;
      this.most = Math.max(this.most, this.open);
      const connection: Connection = {
        local: { address: '127.0.0.1', port: 40_000 + n },
        remote: to,
        destroy: (how = 'close') => {
          this.open--;
          this.destroyed.push(how);
        },
        onClosed: () => undefined,
      };
      return connection;
    },
  };
}

function setUp(change: Partial<SpreadOptions> = {}): { net: FakeNet; options: SpreadOptions } {
  const net = new FakeNet();
  let next = 1;
  return {
    net,
    options: {
      engine: net.engine,
      driver: { locate: async () => endpoints[next++ % 3] },
      plan: planWith(endpoints),
      protocol: 'TCP',
      declared,
      target,
      connections: 30,
      concurrency: 4,
      timeoutMs: 1_000,
      clock: createFakeClock(),
      ...change,
    },
  };
}

test('a fair spread is exact, and every connection is closed', async () => {
  const { net, options } = setUp();
  const got = await measureSpread(options);
  assert.equal(got.exact, true);
  assert.equal(got.decision.kind, 'forward');
  assert.deepEqual(
    got.shares.map((s) => [s.endpoint.address, s.connections, s.expected]),
    [
      ['10.0.0.1', 10, 10],
      ['10.0.0.2', 10, 10],
      ['10.0.0.3', 10, 10],
    ],
  );
  assert.equal(net.open, 0);
  assert.deepEqual(new Set(net.destroyed), new Set(['close']));
  assert.equal(net.destroyed.length, 30);
});

test('never more than `concurrency` are open', async () => {
  const { net, options } = setUp({ connections: 100, concurrency: 7 });
  await measureSpread(options);
  assert.equal(net.most, 7);
});

test('the driver is asked for the flow of the real connection, at the real address', async () => {
  const flows: Flow[] = [];
  const { options } = setUp({
    connections: 1,
    driver: {
      locate: async (flow) => {
        flows.push(flow);
        return endpoints[0];
      },
    },
  });
  await measureSpread(options);
  assert.deepEqual(flows, [
    {
      protocol: 'TCP',
      source: '127.0.0.1',
      sourcePort: 40_000,
      destination: '127.10.0.1',
      destinationPort: 8080,
      entry: 'node',
    },
  ]);
});

test('failures are counted by why, and the measurement is not exact', async () => {
  const { net, options } = setUp({
    connections: 8,
    concurrency: 1,
    driver: { locate: async ({ sourcePort }) => endpoints[(sourcePort - 2) % 3] },
  });
  net.refuse = (n) => n < 2;
  const got = await measureSpread(options);
  assert.equal(got.connected, 6);
  assert.equal(got.failed, 2);
  assert.deepEqual(got.failures, [
    { code: 'NET_REFUSED', message: 'Cannot connect to 127.10.0.1: no', connections: 2 },
  ]);
  assert.deepEqual(
    got.shares.map((s) => s.connections),
    [2, 2, 2],
  );
  assert.equal(got.exact, false, 'two of eight are missing');
});

test('a connection that no endpoint got is a failure', async () => {
  const clock = createFakeClock();
  const { net, options } = setUp({
    connections: 3,
    clock,
    driver: { locate: async () => undefined },
  });
  const got = await measureSpread(options);
  assert.equal(clock.sleepers, 0);
  assert.equal(got.connected, 0);
  assert.deepEqual(
    got.failures.map((f) => [f.code, f.connections]),
    [['LAB_NOT_FORWARDED', 3]],
  );
  assert.equal(net.open, 0);
});

test('a connection that was closed is not waited for', async () => {
  const clock = createFakeClock();
  const { net, options } = setUp({
    connections: 1,
    clock,
    driver: { locate: () => new Promise(() => undefined) },
  });
  const engine: NetEngine = {
    ...net.engine,
    connect: async (to, how) => ({
      ...(await net.engine.connect(to, how)),
      onClosed: (listener) => listener(),
    }),
  };
  assert.equal((await measureSpread({ ...options, engine })).failed, 1);
});

test('a driver that never chooses does not hang the measurement', async () => {
  const clock = createFakeClock();
  const { options } = setUp({
    connections: 2,
    concurrency: 2,
    clock,
    driver: { locate: () => new Promise(() => undefined) },
  });
  const measured = measureSpread(options);
  await clock.advance(1_000);
  assert.equal((await measured).failed, 2);
  assert.equal(clock.sleepers, 0);
});

test('a Service without endpoints is measured as it is: refused', async () => {
  const { net, options } = setUp({ plan: planWith([]), connections: 2 });
  net.refuse = () => true;
  const got = await measureSpread(options);
  assert.equal(got.decision.kind, 'reject');
  assert.deepEqual(got.shares, []);
  assert.equal(got.failed, 2);
  assert.equal(got.exact, false);
});

test('giving up returns what was measured', async () => {
  const giveUp = new AbortController();
  let asked = 0;
  const { net, options } = setUp({
    connections: 1_000,
    concurrency: 2,
    signal: giveUp.signal,
    driver: {
      locate: async () => {
        if (++asked === 10) giveUp.abort();
        return endpoints[asked % 3];
      },
    },
  });
  const got = await measureSpread(options);
  assert.ok(got.connected >= 10 && got.connected <= 12, String(got.connected));
  assert.equal(got.exact, false);
  assert.equal(net.open, 0);
});

test('progress is said at most ten times a second, and at the end', async () => {
  const clock = createFakeClock();
  const said: number[] = [];
  const { options } = setUp({
    connections: 30,
    concurrency: 1,
    clock,
    driver: {
      locate: async () => {
        await clock.sleep(20);
        return endpoints[0];
      },
    },
    onProgress: ({ done, total }) => {
      assert.equal(total, 30);
      said.push(done);
    },
  });
  const measured = measureSpread(options);
  for (let i = 0; i < 30; i++) await clock.advance(20);
  const { tookMs } = await measured;
  assert.equal(tookMs, 600);
  assert.deepEqual(said, [5, 10, 15, 20, 25, 30, 30]);
});
