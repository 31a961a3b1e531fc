import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testEndpoint, testEndpoints } from '../testing.ts';
import { pickableSchedulers } from './names.ts';
import { outgrown } from './outgrown.ts';

const steep = [65_535, 1].map((weight) => testEndpoint({ weight }));

test('weights too steep for a ring are told where a ring is used', () => {
  for (const scheduler of pickableSchedulers) {
    const uses = ['wrr', 'random', 'sh', 'dh'].includes(scheduler);
    assert.equal(outgrown(scheduler, steep), uses ? 'scaled-weights' : undefined, scheduler);
  }
});

test('more than 1,310 endpoints are too many for Maglev; those that take nothing do not count', () => {
  assert.equal(outgrown('mh', testEndpoints(1_310)), undefined);
  assert.equal(outgrown('mh', testEndpoints(1_311)), 'large-maglev');
  const drained = testEndpoints(2_000).map((e, i) => ({ ...e, weight: i < 1_000 ? 1 : 0 }));
  assert.equal(outgrown('mh', drained), undefined);
});

test('equal weights never outgrow a ring', () => {
  assert.equal(outgrown('wrr', testEndpoints(5_000, { weight: 7 })), undefined);
});
