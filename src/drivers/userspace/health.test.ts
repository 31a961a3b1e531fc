import assert from 'node:assert/strict';
import test from 'node:test';
import type { Endpoint } from '../../model/index.ts';
import { createFakeClock } from '../../sys/index.ts';
import { clusterIp, testEndpoint, testServer } from '../conformance/index.ts';
import { Health } from './health.ts';

const id = 'default/web:/TCP/IPv4';

function endpoints(count: number, weight = 1): readonly Endpoint[] {
  return Array.from({ length: count }, (_, i) =>
    testEndpoint({ address: `10.0.0.${i + 1}`, port: 80 }, { weight }),
  );
}

async function asideFor(random: number): Promise<readonly number[]> {
  const clock = createFakeClock();
  const health = new Health(clock, () => random);
  const pool = endpoints(2);
  const times: number[] = [];
  for (let round = 0; round < 7; round++) {
    health.failed(id, pool[0]!);
    const startMs = clock.monotonic();
    while (health.inUse(id, pool) !== pool) await clock.advance(250);
    times.push(clock.monotonic() - startMs);
  }
  return times;
}

test('an endpoint is set aside from 1 s to 30 s, twice as long each time, with jitter', async () => {
  assert.deepEqual(await asideFor(0), [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  assert.deepEqual(await asideFor(1), [1_250, 2_500, 5_000, 10_000, 20_000, 37_500, 37_500]);
});

for (const [count, atLeast] of [
  [1, 1],
  [2, 1],
  [3, 2],
  [4, 2],
  [5, 3],
  [10, 5],
] as const) {
  test(`of ${count} that all fail ${atLeast} stay in use`, () => {
    const health = new Health(createFakeClock(), () => 0);
    const pool = endpoints(count);
    for (const endpoint of pool) health.failed(id, endpoint);
    assert.equal(health.inUse(id, pool).length, atLeast);
  });
}

test('endpoints that take nothing anyway do not count for the floor', () => {
  const health = new Health(createFakeClock(), () => 0);
  const [taker] = endpoints(1);
  const pool = [taker!, ...endpoints(4, 0).slice(1)];
  health.failed(id, taker!);
  assert.equal(health.inUse(id, pool), pool);
});

test('many failures at one moment are one', async () => {
  const clock = createFakeClock();
  const health = new Health(clock, () => 0);
  const pool = endpoints(2);
  for (let i = 0; i < 32; i++) health.failed(id, pool[0]!);
  await clock.advance(1_000);
  assert.equal(health.inUse(id, pool), pool);
});

test('a success makes it as good as new', async () => {
  const clock = createFakeClock();
  const health = new Health(clock, () => 0);
  const pool = endpoints(2);
  for (let round = 0; round < 3; round++) {
    health.failed(id, pool[0]!);
    await clock.advance(2_000);
  }
  health.succeeded(id, pool[0]!);
  assert.equal(health.inUse(id, pool), pool);
  health.failed(id, pool[0]!);
  await clock.advance(1_000);
  assert.equal(health.inUse(id, pool), pool, 'a second, as for the first failure');
});

test('the same answer is the same array, so that schedulers keep their turns', () => {
  const health = new Health(createFakeClock(), () => 0);
  const pool = endpoints(4);
  health.failed(id, pool[1]!);
  const first = health.inUse(id, pool);
  assert.equal(health.inUse(id, pool), first);
  health.failed(id, pool[2]!);
  assert.notEqual(health.inUse(id, pool), first);
});

test('an endpoint that went is forgotten', () => {
  const health = new Health(createFakeClock(), () => 0);
  const pool = endpoints(2);
  health.failed(id, pool[0]!);
  const at = { address: '127.9.0.1', port: 80 };
  health.follow(id, testServer([clusterIp(at)], { endpoints: pool.slice(1) }));
  assert.equal(health.inUse(id, pool), pool);
  health.failed(id, pool[0]!);
  health.follow(id, undefined);
  assert.equal(health.inUse(id, pool), pool);
});
