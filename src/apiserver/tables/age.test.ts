/** Ages as kubectl prints them: the cases of apimachinery's own test of HumanDuration. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ageSince } from './age.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

const cases: readonly (readonly [number, string])[] = [
  [second, '1s'],
  [70 * second, '70s'],
  [190 * second, '3m10s'],
  [70 * minute, '70m'],
  [47 * hour, '47h'],
  [49 * hour, '2d1h'],
  [8 * day + 2 * hour, '8d'],
  [367 * day, '367d'],
  [2 * year + 25 * day, '2y25d'],
  [8 * year + 2 * day, '8y'],
  [-5 * second, '<invalid>'],
];

for (const [ms, want] of cases) {
  test(want, () => {
    const now = Date.UTC(2026, 0, 1);
    assert.equal(ageSince(new Date(now - ms).toISOString(), now), want);
  });
}

test('no time', () => assert.equal(ageSince(undefined, 0), '<unknown>'));
