import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/properties.ts';
import { buildMaglev, maglevIsBounded, maglevSize } from './maglev.ts';

const names = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `10.1.${i >> 8}.${i & 255}:8080`);
const ones = (count: number): number[] => Array.from({ length: count }, () => 1);

function counts(table: Uint32Array, candidates: number): number[] {
  const all = Array.from({ length: candidates }, () => 0);
  for (const i of table) all[i] = all[i]! + 1;
  return all;
}

test('sizes are primes of at least 100 slots each, up to the bound', () => {
  for (const n of [1, 2, 3, 10, 100, 1_000, 1_310, 1_311, 5_000]) {
    const size = maglevSize(n);
    assert.ok(size >= Math.min(100 * n, 131_071));
    for (let d = 2; d * d <= size; d++) assert.notEqual(size % d, 0);
  }
  assert.equal(maglevIsBounded(1_310), false);
  assert.equal(maglevIsBounded(1_311), true);
});

test('equal weights: shares within one percent', () => {
  for (const n of [1, 2, 3, 7, 10, 50, 333, 1_000]) {
    const table = buildMaglev(names(n), ones(n));
    const share = table.length / n;
    for (const count of counts(table, n)) {
      assert.ok(Math.abs(count - share) <= Math.max(1, share * 0.01), `${count} of ${share}`);
    }
  }
});

test('weights: shares in their ratio within one percent of the table', () => {
  const weighted = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(weighted, (weights) => {
      const table = buildMaglev(names(weights.length), weights);
      const sum = weights.reduce((a, b) => a + b, 0);
      if (sum === 0) return assert.equal(table.length, 0);
      for (const [i, count] of counts(table, weights.length).entries()) {
        assert.ok(Math.abs(count / table.length - weights[i]! / sum) < 0.01);
      }
    }),
  );
});

test('the table depends on the set, not on its order', () => {
  const n = 20;
  const forward = names(n);
  const backward = forward.toReversed();
  const a = buildMaglev(forward, ones(n));
  const b = buildMaglev(backward, ones(n));
  assert.deepEqual(
    [...a].map((i) => forward[i]),
    [...b].map((i) => backward[i]),
  );
});

/** The share of slots that change hands although their candidate stays. */
function moved(n: number, gone: number): number {
  const before = names(n);
  const after = before.toSpliced(gone, 1);
  const table = buildMaglev(before, ones(n));
  const next = buildMaglev(after, ones(n - 1));
  assert.equal(next.length, table.length);
  const others = table.filter((i, slot) => i !== gone && before[i] !== after[next[slot]!]);
  return others.length / table.length;
}

// The paper (section 5.3, figure 12) has about 2 % of the other connections move at 100 slots a backend.
test('removing one endpoint moves its own clients and about two percent of the others', () => {
  for (const n of [2, 3, 9, 10, 35, 40, 150, 163, 600]) {
    const removals = Array.from({ length: Math.min(n, 10) }, (_, i) =>
      moved(n, Math.floor((i * n) / Math.min(n, 10))),
    );
    const mean = removals.reduce((a, b) => a + b, 0) / removals.length;
    assert.ok(mean < 0.025, `${mean} of the slots moved in the mean with ${n} endpoints`);
    assert.ok(Math.max(...removals) < 0.08, `${Math.max(...removals)} moved at worst with ${n}`);
  }
});

test('draining one endpoint moves exactly as few as removing it', () => {
  const n = 35;
  const table = buildMaglev(names(n), ones(n));
  const drained = buildMaglev(names(n), ones(n).with(7, 0));
  const others = table.filter((i, slot) => i !== 7 && i !== drained[slot]);
  assert.equal(others.length / table.length, moved(n, 7));
  assert.ok(!drained.includes(7));
});

test('past a table size everything may move; the size says when', () => {
  assert.deepEqual(
    [1, 40, 41, 163, 164, 655, 656, 9_999].map(maglevSize),
    [4_093, 4_093, 16_381, 16_381, 65_521, 65_521, 131_071, 131_071],
  );
});
