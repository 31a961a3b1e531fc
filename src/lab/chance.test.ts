import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chanceOfDifference } from './chance.ts';

// Tables of the chi-squared distribution: the 5 %, 1 % and 0.1 % points for 1, 2, 9 and 99 degrees of freedom.
const points: readonly (readonly [number, number, number])[] = [
  [1, 3.841, 0.05],
  [1, 6.635, 0.01],
  [1, 10.828, 0.001],
  [2, 5.991, 0.05],
  [9, 16.919, 0.05],
  [9, 27.877, 0.001],
  [99, 123.225, 0.05],
];

for (const [degrees, statistic, chance] of points) {
  test(`chi-squared ${statistic} with ${degrees} degrees of freedom has chance ${chance}`, () => {
    // One place is off by d and another by -d: the statistic is 2 d^2 / due.
    const due = 1_000;
    const expected = new Array<number>(degrees + 1).fill(due);
    const off = Math.sqrt((statistic * due) / 2);
    const seen = expected.with(0, due + off).with(1, due - off);
    assert.ok(Math.abs(chanceOfDifference(seen, expected) - chance) < chance * 0.005);
  });
}

test('no difference is certain, strangers are never chance, one place leaves nothing to it', () => {
  assert.equal(chanceOfDifference([10, 10], [10, 10]), 1);
  assert.equal(chanceOfDifference([10, 10, 1], [10.5, 10.5, 0]), 0);
  assert.equal(chanceOfDifference([10], [10]), 1);
  assert.equal(chanceOfDifference([], []), 1);
});
