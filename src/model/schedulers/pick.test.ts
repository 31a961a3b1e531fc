import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Flow } from '../flow.ts';
import { testEndpoint, testEndpoints } from '../testing.ts';
import { createSchedulerState, pick } from './pick.ts';

const flow: Flow = {
  protocol: 'TCP',
  source: '192.0.2.7',
  sourcePort: 40_000,
  destination: '10.96.0.10',
  destinationPort: 80,
  entry: 'node',
};

function picks(weights: readonly number[], count: number, random = 0): readonly number[] {
  const pool = weights.map((weight, i) => testEndpoint({ address: `10.1.0.${i + 1}`, weight }));
  const state = createSchedulerState('rr', pool.length, () => random);
  return Array.from({ length: count }, () => pick('rr', state, pool, flow, 0, () => 0));
}

test('round robin goes around in order', () => {
  assert.deepEqual(picks([1, 1, 1], 7), [0, 1, 2, 0, 1, 2, 0]);
});

test('round robin starts where the random number says', () => {
  assert.deepEqual(picks([1, 1, 1], 4, 0.99), [2, 0, 1, 2]);
});

test('round robin passes over what has weight 0, and counts stay exact', () => {
  assert.deepEqual(picks([1, 0, 1, 0], 5), [0, 2, 0, 2, 0]);
});

test('nobody takes new connections: -1', () => {
  assert.deepEqual(picks([0, 0], 2), [-1, -1]);
  assert.deepEqual(picks([], 1), [-1]);
});

test('any whole number of rounds is exactly equal, wherever it starts', () => {
  for (let n = 1; n <= 40; n++) {
    const pool = testEndpoints(n);
    const state = createSchedulerState('rr', n, () => ((n * 7919) % 40) / 40);
    const counts = new Array<number>(n).fill(0);
    for (let i = 0; i < 5 * n; i++) {
      const at = pick('rr', state, pool, flow, 0, () => 0);
      counts[at] = (counts[at] ?? 0) + 1;
    }
    assert.deepEqual(counts, new Array<number>(n).fill(5));
  }
});
