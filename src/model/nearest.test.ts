import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import { byNearness, editDistance, isNear, nearNames } from './nearest.ts';

const distances: readonly (readonly [string, string, number])[] = [
  ['web', 'web', 0],
  ['web', 'wbe', 1],
  ['web', 'we', 1],
  ['web', 'webs', 1],
  ['web', 'wob', 1],
  ['kitten', 'sitting', 3],
  ['', 'abc', 3],
];

for (const [a, b, want] of distances) {
  test(`from "${a}" to "${b}" it is ${want}`, () => assert.equal(editDistance(a, b), want));
}

test('a distance is the same both ways, zero for equals only, at most the longer length', () => {
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 8 });
  fc.assert(
    fc.property(name, name, (a, b) => {
      const distance = editDistance(a, b);
      assert.equal(distance, editDistance(b, a));
      assert.equal(distance === 0, a === b);
      assert.ok(distance <= Math.max(a.length, b.length));
      assert.ok(distance >= Math.abs(a.length - b.length));
    }),
  );
});

test('near is a slip of the finger, or something added', () => {
  assert.ok(isNear('web', 'wbe'));
  assert.ok(isNear('web', 'web-api'));
  assert.ok(isNear('payments', 'payment'));
  assert.ok(!isNear('web', 'db'));
  assert.ok(!isNear('web', 'payments'));
});

test('the nearest comes first, and equals are in order of name', () => {
  assert.deepEqual(byNearness('web', ['wes', 'payments', 'wbe', 'webs']), [
    'wbe',
    'webs',
    'wes',
    'payments',
  ]);
  assert.deepEqual(nearNames('web', ['payments', 'wbe', 'wbe']), ['wbe']);
});
