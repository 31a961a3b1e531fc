/** What a driver knows of its endpoints, the driver of the next process knows: their load, and which are set aside. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { emptyPlan, nextPlan, type VirtualServer } from '../../model/index.ts';
import { silentLogger } from '../../obs/index.ts';
import { createFakeClock, type FakeClock } from '../../sys/index.ts';
import { clusterIp, testEndpoint, testNode, testServer } from '../conformance/index.ts';
import { createUserspaceDriver } from './driver.ts';
import type { DriverEstate } from './hand-over.ts';
import { FakeEngine, FakeUdp } from './testing.ts';

const at = { address: '127.9.0.1', port: 8080 };
const [a, b] = ['10.0.0.1', '10.0.0.2'].map((address) => testEndpoint({ address, port: 8080 }));
assert.ok(a !== undefined && b !== undefined);
const endpoints = [a, b];
const server = (scheduler: VirtualServer['scheduler']): VirtualServer => ({
  ...testServer([clusterIp(at)], { name: 'web', endpoints }),
  scheduler,
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function started(of: VirtualServer, clock: FakeClock, inherited?: DriverEstate) {
  const engine = new FakeEngine();
  const driver = createUserspaceDriver({
    engine,
    udp: new FakeUdp(),
    clock,
    random: () => 0,
    log: silentLogger,
    inherited,
  });
  const next = nextPlan(emptyPlan(testNode()), { set: [of], remove: [] });
  assert.ok(next !== undefined);
  await driver.apply(next.plan, undefined, new AbortController().signal);
  let port = 40_000;
  /** Which endpoint each of so many clients got. */
  const connect = async (count: number): Promise<readonly string[]> => {
    const before = engine.attempts.length;
    for (let i = 0; i < count; i++) {
      engine.client(at, { address: '127.0.0.1', port: port++ });
      await turn();
      engine.attempts.at(-1)?.succeed();
      await turn();
    }
    return engine.attempts.slice(before).map(({ to }) => (to === '10.0.0.1:8080' ? 'a' : 'b'));
  };
  return { driver, engine, connect };
}

/** As it goes from process to process. */
async function left({ driver }: Awaited<ReturnType<typeof started>>): Promise<DriverEstate> {
  const estate = await driver.suspend({ duplicate: () => -1, close: () => 0 }, 10_000);
  return { sockets: [], memory: JSON.parse(JSON.stringify(estate.memory)) };
}

test('least connections counts what is open in the process before, until that has to be gone', async () => {
  const clock = createFakeClock(1_000);
  const lc = server('wlc');
  const first = await started(lc, clock);
  assert.deepEqual(await first.connect(8), ['a', 'b', 'a', 'b', 'a', 'b', 'a', 'b']);
  for (const [i, relay] of first.engine.relays.entries()) if (i % 2 === 1) relay.finish('finished');
  await turn();
  const second = await started(lc, clock, await left(first));
  // Four of `a` are open elsewhere.
  assert.deepEqual(await second.connect(4), ['b', 'b', 'b', 'b']);
  await clock.advance(5_000);
  // Two of them are taken for ended: 2 and 4.
  assert.deepEqual(await second.connect(2), ['a', 'a']);
  await clock.advance(5_000);
  // None is left, and its own two are.
  assert.deepEqual(await second.connect(2), ['a', 'a']);
  await second.driver.stop(AbortSignal.abort());
  assert.equal(clock.sleepers, 0);
});

test('an endpoint set aside stays so for the rest of its time', async () => {
  const clock = createFakeClock(1_000);
  const rr = server('rr');
  const first = await started(rr, clock);
  first.engine.client(at, { address: '127.0.0.1', port: 39_999 });
  await turn();
  assert.equal(first.engine.attempts[0]?.to, '10.0.0.1:8080');
  first.engine.attempts[0]?.fail('NET_REFUSED');
  await turn();
  await clock.advance(400);
  const estate = await left(first);
  // Another process, whose monotonic clock began elsewhere.
  const later = createFakeClock(50_000);
  const second = await started(rr, later, estate);
  assert.deepEqual(await second.connect(3), ['b', 'b', 'b']);
  await later.advance(599);
  assert.deepEqual(await second.connect(1), ['b']);
  await later.advance(2);
  assert.ok((await second.connect(2)).includes('a'));
  await second.driver.stop(AbortSignal.abort());
});
