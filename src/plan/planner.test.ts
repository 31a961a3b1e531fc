import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointSliceKind, serviceKind, type ObjectClient } from '../kube/index.ts';
import type { ApplyReport, Delta, Driver, NodeView, Plan } from '../model/index.ts';
import { silentLogger } from '../obs/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { createFakeClock } from '../sys/index.ts';
import { createPlanner } from './planner.ts';

const node: NodeView = {
  name: 'node-a',
  zone: undefined,
  addresses: [],
  nodePortAddresses: [],
  serviceRanges: [],
  masqueradeAll: false,
  detectsLocalPods: false,
};

interface Call {
  readonly plan: Plan;
  readonly delta: Delta | undefined;
}

/** A driver that notes its calls; `next` decides how the next ones end. */
function scriptedDriver(): {
  driver: Driver;
  calls: Call[];
  script: ('ok' | 'fail' | 'refuse-one')[];
} {
  const calls: Call[] = [];
  const script: ('ok' | 'fail' | 'refuse-one')[] = [];
  const driver: Driver = {
    name: 'scripted',
    capabilities: { schedulers: ['rr'], protocols: ['TCP'], differences: [] },
    probe: async () => [],
    apply: async (plan, delta): Promise<ApplyReport> => {
      calls.push({ plan, delta });
      const how = script.shift() ?? 'ok';
      if (how === 'fail') throw new Error('the kernel said no');
      const server = [...plan.servers.values()][0];
      const failures =
        how === 'refuse-one' && server !== undefined && server.frontends[0] !== undefined
          ? [
              {
                server: server.id,
                frontend: server.frontends[0],
                code: 'X',
                message: 'x',
                remedy: undefined,
              },
            ]
          : [];
      return { revision: plan.revision, operations: 1, failures, standIns: [] };
    },
    observe: () => ({ endpoints: new Map() }),
    drained: async () => undefined,
    locate: async () => undefined,
    stop: async () => undefined,
  };
  return { driver, calls, script };
}

async function service(client: ObjectClient, name: string, last: number): Promise<void> {
  await client.create(serviceKind, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name },
    spec: { clusterIP: `10.96.0.${last}`, ports: [{ name: 'http', port: 80 }] },
  });
}

async function start() {
  const clock = createFakeClock(1_000_000);
  let uid = 0;
  const client = createMemoryStore({ clock, newUid: () => `${++uid}` });
  const { driver, calls, script } = scriptedDriver();
  const planner = createPlanner({
    client,
    driver,
    node,
    clock,
    random: () => 0.5,
    log: silentLogger,
    minIntervalMs: 10,
    retryMs: 1_000,
    maxIntervalMs: 3_600_000,
  });
  return { clock, client, planner, calls, script };
}

test('the first apply is full and has everything that was there; then come Deltas', async () => {
  const { clock, client, planner, calls } = await start();
  await service(client, 'a', 1);
  await client.create(endpointSliceKind, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'default', name: 'a-1', labels: { 'kubernetes.io/service-name': 'a' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.1.0.1'] }],
    ports: [{ name: 'http', port: 8080 }],
  });
  await planner.start(new AbortController().signal);
  assert.equal(calls.length, 1);
  assert.equal(calls[0]?.delta, undefined);
  assert.equal([...calls[0]!.plan.servers.values()][0]?.pools.cluster.length, 1);
  await service(client, 'b', 2);
  await clock.advance(100);
  assert.equal(calls.length, 2);
  assert.deepEqual(
    calls[1]?.delta?.added.map((s) => s.ref.name),
    ['b'],
  );
  assert.equal(planner.status().state, 'ready');
  await planner.stop();
});

test('after a refused apply the next one is full, later, and nothing is lost', async () => {
  const { clock, client, planner, calls, script } = await start();
  await planner.start(new AbortController().signal);
  script.push('fail', 'fail');
  await service(client, 'a', 1);
  await clock.advance(500);
  assert.equal(calls.length, 2);
  assert.equal(planner.status().state, 'degraded');
  assert.equal(planner.applied().plan.servers.size, 0);
  await clock.advance(2_500);
  assert.equal(calls.length, 4);
  assert.deepEqual(
    calls.map((c) => c.delta === undefined),
    [true, false, true, true],
  );
  assert.equal(planner.applied().plan.servers.size, 1);
  assert.equal(planner.status().state, 'ready');
  await planner.stop();
});

test('frontends that fail are tried again with an empty Delta', async () => {
  const { clock, client, planner, calls, script } = await start();
  await planner.start(new AbortController().signal);
  script.push('refuse-one', 'refuse-one');
  await service(client, 'a', 1);
  await clock.advance(100);
  assert.equal(planner.status().state, 'degraded');
  await clock.advance(5_000);
  assert.equal(calls.length, 4);
  assert.deepEqual(calls[3]?.delta?.added, []);
  assert.equal(planner.status().state, 'ready');
  await planner.stop();
});

test('a start that is given up resolves nothing and holds nothing', async () => {
  const { planner } = await start();
  await assert.rejects(planner.start(AbortSignal.abort(new Error('enough'))));
  await planner.stop();
});

test('once an hour an apply is full, quiet or not', async () => {
  const { clock, client, planner, calls, script } = await start();
  await service(client, 'a', 1);
  await planner.start(new AbortController().signal);
  await clock.advance(3_600_000 - 1);
  assert.equal(calls.length, 1);
  await clock.advance(1);
  const fulls = (): number => calls.filter(({ delta }) => delta === undefined).length;
  assert.deepEqual([calls.length, fulls()], [2, 2]);
  assert.equal(calls[1]?.plan, calls[0]?.plan);
  // Changes each ten minutes: never quiet for an hour.
  for (let i = 2; i < 8; i++) {
    await clock.advance(600_000);
    await service(client, `s${i}`, i);
    await clock.advance(20);
  }
  assert.deepEqual([calls.length, fulls()], [8, 3]);
  // One that fails is made up for.
  script.push('ok', 'fail');
  await clock.advance(3_600_000);
  await clock.advance(3_700_000);
  const kinds = calls.slice(8).map(({ delta }) => delta === undefined);
  assert.deepEqual(kinds, [true, true, true]);
  assert.equal(planner.status().state, 'ready');
  await planner.stop();
});
