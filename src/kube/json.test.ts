/** JSON values are compared by content, and frozen copies are safe to share. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import { freezeCopy, jsonEqual } from './json.ts';

test('equal whatever the order, undefined as good as absent', () => {
  assert.ok(jsonEqual({ a: 1, b: [{ c: null }] }, { b: [{ c: null }], a: 1, d: undefined }));
  assert.ok(!jsonEqual({ a: 1 }, { a: 1, b: null }));
  assert.ok(!jsonEqual([1, 2], [2, 1]));
  assert.ok(!jsonEqual({ constructor: undefined }, { constructor: 1 }));
  assert.ok(!jsonEqual({}, []));
});

test('a copy is equal and frozen to its leaves, the original is not touched', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const copy = freezeCopy(value);
      assert.ok(jsonEqual(copy, JSON.parse(JSON.stringify(value))));
      assert.ok(isDeepFrozen(copy));
      assert.equal(freezeCopy(copy), copy);
    }),
  );
  const open = { a: { b: 1 } };
  freezeCopy(open);
  assert.equal(Object.isFrozen(open.a), false);
});

test('a changed copy shares what did not change', () => {
  const first = freezeCopy({ spec: { ports: [1, 2] }, status: {} });
  const second = freezeCopy({ ...first, status: { ok: true } });
  assert.equal(second.spec, first.spec);
});

function isDeepFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isDeepFrozen);
}
