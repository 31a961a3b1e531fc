/** People are told what a driver does not do as asked, once and when it changes; and Events do not pile up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventKind, serviceKind, type ObjectClient } from '../kube/index.ts';
import {
  emptyPlan,
  nextPlan,
  type Driver,
  type FrontendFailure,
  type Plan,
  type VirtualServer,
} from '../model/index.ts';
import { testFrontend, testNode, testServer } from '../model/testing.ts';
import { silentLogger } from '../obs/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { createFakeClock } from '../sys/index.ts';
import { createEventExpiry } from './event-expiry.ts';
import { ServiceNotices } from './service-notices.ts';

const driver: Pick<Driver, 'name' | 'capabilities'> = {
  name: 'plain',
  capabilities: { schedulers: ['rr', 'random', 'wrr'], protocols: ['TCP', 'UDP'], differences: [] },
};

interface World {
  readonly client: ObjectClient;
  readonly apply: (
    set: readonly VirtualServer[],
    failures?: readonly FrontendFailure[],
  ) => Promise<readonly string[]>;
}

/** `apply` resolves with all Events there are, as texts. */
async function start(): Promise<World> {
  let uid = 0;
  const clock = createFakeClock();
  const client = createMemoryStore({ clock, newUid: () => `uid-${++uid}` });
  const metadata = { namespace: 'default', name: 'web' };
  await client.create(serviceKind, { apiVersion: 'v1', kind: 'Service', metadata });
  const options = { client, clock, random: Math.random, log: silentLogger, driver };
  const notices = new ServiceNotices(options);
  let plan: Plan = emptyPlan(testNode);
  return {
    client,
    apply: async (set, failures = []) => {
      const next = nextPlan(plan, { set, remove: [] });
      plan = next?.plan ?? plan;
      const report = { revision: plan.revision, operations: 0, failures, standIns: [] };
      notices.record({ plan, report, delta: next?.delta });
      await notices.settled();
      const { items } = await client.list(eventKind);
      return items.map(
        (e) => `${e.type} ${e.reason} ${e.involvedObject.name} ${e.count}: ${e.message}`,
      );
    },
  };
}

test('a scheduler that is replaced is told of, once', async () => {
  const { apply } = await start();
  assert.deepEqual(await apply([testServer()]), []);
  const [told = ''] = await apply([testServer({ scheduler: 'lc' })]);
  assert.match(
    told,
    /^Warning SchedulerStandIn web 1: Port http asks for the scheduler lc, which the driver plain does not have; \w+ stands in for it$/,
  );
  assert.deepEqual(await apply([testServer({ scheduler: 'lc', endpoints: [] })]), [told]);
  assert.equal((await apply([testServer({ scheduler: 'sh' })])).length, 2);
  // Mended and asked for again: it happened once more.
  await apply([testServer()]);
  const again = await apply([testServer({ scheduler: 'lc' })]);
  assert.ok(
    again.some((text) =>
      text.startsWith('Warning SchedulerStandIn web 2: Port http asks for the scheduler lc'),
    ),
  );
});

test('a protocol that is not carried is told of', async () => {
  const { apply } = await start();
  const ref = {
    namespace: 'default',
    name: 'web',
    portName: '',
    protocol: 'SCTP',
    family: 'IPv4',
  } as const;
  assert.deepEqual(await apply([testServer({ ref })]), [
    'Warning ProtocolNotServed web 1: Its port is not served: the driver plain carries no SCTP',
  ]);
});

test('a frontend that cannot be served is told of while it lasts once, with the remedy', async () => {
  const { apply } = await start();
  const server = testServer();
  const failure: FrontendFailure = {
    server: server.id,
    frontend: testFrontend,
    code: 'X',
    message: 'the port is taken',
    remedy: 'Stop who has it',
  };
  const wanted = [
    'Warning FrontendNotServed web 1: clusterIP 10.96.0.10:80 cannot be served: the port is taken. Stop who has it',
  ];
  assert.deepEqual(await apply([server], [failure]), wanted);
  assert.deepEqual(await apply([], [failure]), wanted);
});

test('an Event goes an hour after it last happened', async () => {
  const clock = createFakeClock(Date.parse('2026-11-22T00:00:00Z'));
  let uid = 0;
  const client = createMemoryStore({ clock, newUid: () => `uid-${++uid}` });
  const expiry = createEventExpiry({ client, clock, random: Math.random, log: silentLogger });
  await expiry.start(AbortSignal.timeout(5_000));
  for (const [name, lastTimestamp] of [
    ['old', '2026-11-22T00:00:00Z'],
    ['young', '2026-11-22T00:30:00Z'],
  ] as const) {
    await client.create(eventKind, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace: 'default', name },
      involvedObject: {},
      firstTimestamp: '2026-11-22T00:00:00Z',
      lastTimestamp,
    });
  }
  const names = async (): Promise<readonly string[]> =>
    (await client.list(eventKind)).items.map(({ metadata }) => metadata.name);
  await clock.advance(59 * 60_000);
  assert.deepEqual(await names(), ['old', 'young']);
  await clock.advance(60_000);
  assert.deepEqual(await names(), ['young']);
  await clock.advance(31 * 60_000);
  assert.deepEqual(await names(), []);
  await expiry.stop();
});
