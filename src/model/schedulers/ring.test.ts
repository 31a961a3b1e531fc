import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/properties.ts';
import { buildRing, maxRingSlots, ringIsScaled, slotCounts } from './ring.ts';

const rings: readonly (readonly [readonly number[], readonly number[]])[] = [
  [[], []],
  [[0, 0], []],
  [
    [1, 1, 1],
    [0, 1, 2],
  ],
  [
    [1, 0, 1],
    [0, 2],
  ],
  [
    [7, 7],
    [0, 1],
  ],
  // nginx's own example of smooth weighted round robin.
  [
    [5, 1, 1],
    [0, 0, 1, 0, 2, 0, 0],
  ],
  [
    [50, 10, 10],
    [0, 0, 1, 0, 2, 0, 0],
  ],
];

for (const [weights, want] of rings) {
  test(`weights ${weights.join(' ')} give the turns ${want.join(' ')}`, () => {
    assert.deepEqual([...buildRing(weights)], want);
  });
}

const weights = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 12 });

function countSlots(ring: Uint32Array, candidates: number): number[] {
  const counts = Array.from({ length: candidates }, () => 0);
  for (const i of ring) counts[i] = counts[i]! + 1;
  return counts;
}

test('one cycle is exact: slots stand in the ratio of the weights', () => {
  fc.assert(
    fc.property(weights, (all) => {
      const sum = all.reduce((a, b) => a + b, 0);
      const ring = buildRing(all);
      assert.equal(ringIsScaled(all), false);
      for (const [i, count] of countSlots(ring, all.length).entries()) {
        assert.equal(count * sum, all[i]! * ring.length);
      }
    }),
  );
});

test('the turns are smooth: at any point of the cycle nobody is as many turns off its share as there are members', () => {
  fc.assert(
    fc.property(weights, (all) => {
      const ring = buildRing(all);
      const sum = all.reduce((a, b) => a + b, 0);
      const seen = Array.from({ length: all.length }, () => 0);
      for (const [turn, i] of ring.entries()) {
        seen[i] = seen[i]! + 1;
        for (const [j, count] of seen.entries()) {
          const due = ((turn + 1) * all[j]!) / sum;
          assert.ok(
            Math.abs(count - due) < all.length,
            `turn ${turn}: ${j} had ${count}, due ${due}`,
          );
          if (all.length <= 2) assert.ok(Math.abs(count - due) <= 1);
        }
      }
    }),
  );
});

test('large weights are scaled to the bound, nobody loses its last slot, and shares stay close', () => {
  const large = fc.array(fc.integer({ min: 0, max: 65_535 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(large, (all) => {
      const counts = slotCounts(all);
      const total = counts.reduce((a, b) => a + b, 0);
      const sum = all.reduce((a, b) => a + b, 0);
      assert.ok(total <= maxRingSlots);
      for (const [i, count] of counts.entries()) {
        assert.equal(count > 0, all[i]! > 0);
        if (ringIsScaled(all)) {
          assert.equal(total, maxRingSlots);
          const due = (all[i]! * maxRingSlots) / sum;
          assert.ok(Math.abs(count - due) <= all.length + 1);
        }
      }
    }),
  );
});

test('more endpoints than slots: one slot each', () => {
  const many = Array.from({ length: 5_000 }, (_, i) => 1 + (i % 7));
  assert.deepEqual(new Set(slotCounts(many)), new Set([1]));
  assert.equal(ringIsScaled(many), true);
  assert.equal(ringIsScaled(Array.from({ length: 5_000 }, () => 3)), false);
});
