import assert from 'node:assert/strict';
import test from 'node:test';
import { PassiveHealth } from './passive-health.ts';
import type { Endpoint } from './service-port.ts';
import { testEndpoint, testServer } from './testing.ts';

const id = 'default/web:/TCP/IPv4';

function endpoints(count: number, weight = 1): readonly Endpoint[] {
  return Array.from({ length: count }, (_, i) =>
    testEndpoint({ address: `10.0.0.${i + 1}`, port: 80, weight }),
  );
}

function asideFor(random: number): readonly number[] {
  let nowMs = 0;
  const health = new PassiveHealth(() => random);
  const pool = endpoints(2);
  const times: number[] = [];
  for (let round = 0; round < 7; round++) {
    health.failed(id, pool[0]!, nowMs);
    const startMs = nowMs;
    while (health.inUse(id, pool, nowMs) !== pool) nowMs += 250;
    times.push(nowMs - startMs);
  }
  return times;
}

test('an endpoint is set aside from 1 s to 30 s, twice as long each time, with jitter', () => {
  assert.deepEqual(asideFor(0), [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  assert.deepEqual(asideFor(1), [1_250, 2_500, 5_000, 10_000, 20_000, 37_500, 37_500]);
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
    const health = new PassiveHealth(() => 0);
    const pool = endpoints(count);
    for (const endpoint of pool) health.failed(id, endpoint, 0);
    assert.equal(health.inUse(id, pool, 0).length, atLeast);
  });
}

test('endpoints that take nothing anyway do not count for the floor', () => {
  const health = new PassiveHealth(() => 0);
  const [taker] = endpoints(1);
  const pool = [taker!, ...endpoints(4, 0).slice(1)];
  health.failed(id, taker!, 0);
  assert.equal(health.inUse(id, pool, 0), pool);
});

test('many failures at one moment are one', () => {
  let nowMs = 0;
  const health = new PassiveHealth(() => 0);
  const pool = endpoints(2);
  for (let i = 0; i < 32; i++) health.failed(id, pool[0]!, nowMs);
  nowMs += 1_000;
  assert.equal(health.inUse(id, pool, nowMs), pool);
});

test('a success makes it as good as new', () => {
  let nowMs = 0;
  const health = new PassiveHealth(() => 0);
  const pool = endpoints(2);
  for (let round = 0; round < 3; round++) {
    health.failed(id, pool[0]!, nowMs);
    nowMs += 2_000;
  }
  health.succeeded(id, pool[0]!);
  assert.equal(health.inUse(id, pool, nowMs), pool);
  health.failed(id, pool[0]!, nowMs);
  nowMs += 1_000;
  assert.equal(health.inUse(id, pool, nowMs), pool, 'a second, as for the first failure');
});

test('the same answer is the same array, so that schedulers keep their turns', () => {
  const health = new PassiveHealth(() => 0);
  const pool = endpoints(4);
  health.failed(id, pool[1]!, 0);
  const first = health.inUse(id, pool, 0);
  assert.equal(health.inUse(id, pool, 0), first);
  health.failed(id, pool[2]!, 0);
  assert.notEqual(health.inUse(id, pool, 0), first);
});

test('an endpoint that went is forgotten', () => {
  const health = new PassiveHealth(() => 0);
  const pool = endpoints(2);
  health.failed(id, pool[0]!, 0);
  health.follow(id, testServer({ endpoints: pool.slice(1) }));
  assert.equal(health.inUse(id, pool, 0), pool);
  health.failed(id, pool[0]!, 0);
  health.follow(id, undefined);
  assert.equal(health.inUse(id, pool, 0), pool);
});
