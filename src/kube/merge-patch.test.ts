/** Merge patches, against the examples of RFC 7386 and properties. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import { freezeCopy, isJsonObject, jsonEqual } from './json.ts';
import { applyMergePatch, mergePatchFor } from './merge-patch.ts';

/** RFC 7386, appendix A: target, patch, result. */
const examples: readonly (readonly [unknown, unknown, unknown])[] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

for (const [target, patch, result] of examples) {
  test(`${JSON.stringify(target)} with ${JSON.stringify(patch)}`, () =>
    assert.deepEqual(applyMergePatch(freezeCopy(target), freezeCopy(patch)), result));
}

test('what is not touched is shared, and a patch that changes nothing gives the target', () => {
  const target = freezeCopy({ spec: { a: 1 }, status: { b: 2 } });
  const patched = applyMergePatch(target, { status: { b: 3 } });
  assert.ok(isJsonObject(patched));
  assert.equal(patched['spec'], target.spec);
  assert.equal(applyMergePatch(target, { status: { b: 2, c: null } }), target);
});

test('a key called __proto__ stays a key', () => {
  const patched = applyMergePatch({}, JSON.parse('{"__proto__":{"polluted":true}}'));
  assert.equal(Object.hasOwn(Object(patched), '__proto__'), true);
  assert.equal(Object(patched).polluted, undefined);
});

const json = fc.jsonValue({ maxDepth: 3 });
const jsonObject = fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__'), json);

test('applying twice is applying once, and inputs stay as they are', () => {
  fc.assert(
    fc.property(json, json, (target, patch) => {
      const frozen = freezeCopy(target);
      const once = applyMergePatch(frozen, freezeCopy(patch));
      assert.ok(jsonEqual(applyMergePatch(once, patch), once));
      assert.ok(jsonEqual(frozen, target));
    }),
  );
});

test('the patch that is made leads where it should', () => {
  fc.assert(
    fc.property(jsonObject, jsonObject, (before, after) => {
      const patch = mergePatchFor(before, after);
      const reached = applyMergePatch(before, patch ?? {});
      // Nothing that `after` asks for is left to do.
      assert.equal(mergePatchFor(reached, after), undefined);
    }),
  );
});

test('fields that are not mentioned stay', () => {
  const before = { spec: { clusterIP: '10.0.0.1', type: 'ClusterIP' } };
  assert.deepEqual(mergePatchFor(before, { spec: { type: 'NodePort' } }), {
    spec: { type: 'NodePort' },
  });
  assert.equal(mergePatchFor(before, { spec: { type: 'ClusterIP' } }), undefined);
});
