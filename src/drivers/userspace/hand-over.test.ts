/** Connections of per-request ServicePorts are offered to a gateway, once their source and policy are decided. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  emptyPlan,
  nextPlan,
  parseCidr,
  plainRequestRules,
  type PoolName,
  type VirtualServer,
} from '../../model/index.ts';
import { silentLogger } from '../../obs/index.ts';
import { createFakeClock } from '../../sys/index.ts';
import { clusterIp, testEndpoint, testNode, testServer } from '../conformance/index.ts';
import { createUserspaceDriver } from './driver.ts';
import { FakeConnection, FakeEngine, FakeUdp } from './testing.ts';

const at = { address: '127.9.0.1', port: 8080 };
const from = { address: '127.0.0.1', port: 40_000 };
const endpoint = testEndpoint({ address: '10.0.0.1', port: 8080 });
const gateway = testEndpoint({ address: '127.0.0.1', port: 40_123 });
const plain = testServer([clusterIp(at)], { name: 'web', endpoints: [endpoint] });
const live: VirtualServer = {
  ...plain,
  perRequest: { ...plainRequestRules, pools: plain.pools },
  pools: { cluster: [gateway], local: [], hasAny: true },
};

interface Offer {
  readonly id: string;
  readonly pool: PoolName;
  readonly client: string;
}

async function connected(server: VirtualServer, takes: boolean) {
  const engine = new FakeEngine();
  const offers: Offer[] = [];
  const driver = createUserspaceDriver({
    engine,
    udp: new FakeUdp(),
    clock: createFakeClock(),
    random: () => 0,
    log: silentLogger,
    handOver: ({ remote }, id, pool) => {
      offers.push({ id, pool, client: remote.address });
      return takes;
    },
  });
  const next = nextPlan(emptyPlan(testNode()), { set: [server], remove: [] });
  assert.ok(next !== undefined);
  await driver.apply(next.plan, undefined, new AbortController().signal);
  const client = engine.client(at, from);
  await new Promise((resolve) => setImmediate(resolve));
  return { engine, offers, client, driver };
}

test('one that is taken is not connected here, and not reset when the driver stops', async () => {
  const { engine, offers, client, driver } = await connected(live, true);
  assert.deepEqual(offers, [{ id: live.id, pool: 'cluster', client: from.address }]);
  assert.deepEqual(engine.attempts, []);
  await driver.stop(AbortSignal.abort());
  assert.equal(client.ended, undefined, 'it is the gateway to end it');
});

test('one that is not taken is carried to the port of the gateway', async () => {
  const { engine, offers } = await connected(live, false);
  assert.equal(offers.length, 1);
  assert.deepEqual(
    engine.attempts.map(({ to }) => to),
    ['127.0.0.1:40123'],
  );
});

test('without a live gateway, and without requests, nothing is offered', async () => {
  for (const server of [plain, { ...live, pools: plain.pools }]) {
    const { engine, offers } = await connected(server, true);
    assert.deepEqual(offers, []);
    assert.deepEqual(
      engine.attempts.map(({ to }) => to),
      ['10.0.0.1:8080'],
    );
  }
});

test('a source that is not allowed is never offered', async () => {
  const range = parseCidr('192.0.2.0/24');
  assert.ok(range !== undefined);
  const guarded = {
    ...live,
    frontends: [{ kind: 'loadBalancer', ...at }],
    sourceRanges: [range],
  } as const;
  const { offers, client } = await connected(guarded, true);
  assert.deepEqual(offers, []);
  assert.ok(client instanceof FakeConnection && client.ended === 'reset');
});
