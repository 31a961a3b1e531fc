import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testEndpoints } from '../testing.ts';
import { EndpointLoads } from './loads.ts';

test('slots stay while an endpoint is named or has something open, and are reused after', () => {
  const loads = new EndpointLoads();
  const endpoints = testEndpoints(20);
  const slots = endpoints.map((e) => loads.slotOf(e));
  assert.equal(new Set(slots).size, 20);
  loads.opened(slots[3]!);
  loads.retain([endpoints[0]!]);
  assert.equal(loads.slotOf(endpoints[0]!), slots[0]);
  assert.equal(loads.slotOf(endpoints[3]!), slots[3]);
  assert.equal(loads.open(slots[3]!), 1);
  loads.closed(slots[3]!);
  loads.retain([endpoints[0]!]);
  const fresh = testEndpoints(40).slice(20);
  assert.ok(Math.max(...fresh.map((e) => loads.slotOf(e))) <= 20);
});

test('a reused slot starts empty', () => {
  const loads = new EndpointLoads();
  const [a, b] = testEndpoints(2);
  loads.answered(loads.slotOf(a!), 7, 0);
  loads.retain([]);
  assert.equal(loads.latency(loads.slotOf(b!), 0), undefined);
  assert.equal(loads.open(loads.slotOf(b!)), 0);
});

test('closing more than was opened never goes below nothing', () => {
  const loads = new EndpointLoads();
  loads.closed(0);
  assert.equal(loads.open(0), 0);
});

test('latency: peaks count at once, improvements little by little, silence fades', () => {
  const loads = new EndpointLoads();
  loads.answered(0, 10, 0);
  assert.equal(loads.latency(0, 0), 10);
  loads.answered(0, 200, 100);
  assert.equal(loads.latency(0, 100), 200);
  loads.answered(0, 10, 200);
  const soon = loads.latency(0, 200)!;
  assert.ok(soon > 190 && soon < 200, `${soon}`);
  for (let n = 1; n <= 100; n++) loads.answered(0, 10, 200 + n * 1_000);
  assert.ok(loads.latency(0, 100_200)! < 12);
  assert.ok(loads.latency(0, 130_200)! < 1);
});
