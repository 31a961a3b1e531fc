/** JSON patches against the examples of RFC 6902, and what the API server does with bad ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import { ApiError, freezeCopy } from '../kube/index.ts';
import { propertyRuns } from '../model/property-runs.suite.ts';
import { applyJsonPatch } from './json-patch.ts';

/** RFC 6902, appendix A: target, patch, result; undefined where it is to be refused. */
const examples: Readonly<Record<string, readonly [unknown, unknown, unknown]>> = {
  'A.1 adding a member': [
    { foo: 'bar' },
    [{ op: 'add', path: '/baz', value: 'qux' }],
    { baz: 'qux', foo: 'bar' },
  ],
  'A.2 adding an element': [
    { foo: ['bar', 'baz'] },
    [{ op: 'add', path: '/foo/1', value: 'qux' }],
    { foo: ['bar', 'qux', 'baz'] },
  ],
  'A.3 removing a member': [
    { baz: 'qux', foo: 'bar' },
    [{ op: 'remove', path: '/baz' }],
    { foo: 'bar' },
  ],
  'A.4 removing an element': [
    { foo: ['bar', 'qux', 'baz'] },
    [{ op: 'remove', path: '/foo/1' }],
    { foo: ['bar', 'baz'] },
  ],
  'A.5 replacing': [
    { baz: 'qux', foo: 'bar' },
    [{ op: 'replace', path: '/baz', value: 'boo' }],
    { baz: 'boo', foo: 'bar' },
  ],
  'A.6 moving a member': [
    { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } },
    [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
    { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
  ],
  'A.7 moving an element': [
    { foo: ['all', 'grass', 'cows', 'eat'] },
    [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
    { foo: ['all', 'cows', 'eat', 'grass'] },
  ],
  'A.8 a test that holds': [
    { baz: 'qux', foo: ['a', 2, 'c'] },
    [
      { op: 'test', path: '/baz', value: 'qux' },
      { op: 'test', path: '/foo/1', value: 2 },
    ],
    { baz: 'qux', foo: ['a', 2, 'c'] },
  ],
  'A.9 a test that does not': [
    { baz: 'qux' },
    [{ op: 'test', path: '/baz', value: 'bar' }],
    undefined,
  ],
  'A.10 adding an object': [
    { foo: 'bar' },
    [{ op: 'add', path: '/child', value: { grandchild: {} } }],
    { foo: 'bar', child: { grandchild: {} } },
  ],
  'A.12 adding below nothing': [
    { foo: 'bar' },
    [{ op: 'add', path: '/baz/bat', value: 'qux' }],
    undefined,
  ],
  'A.14 escapes': [
    { '/': 9, '~1': 10 },
    [{ op: 'test', path: '/~01', value: 10 }],
    { '/': 9, '~1': 10 },
  ],
  'A.16 adding a list': [
    { foo: ['bar'] },
    [{ op: 'add', path: '/foo/-', value: ['abc', 'def'] }],
    { foo: ['bar', ['abc', 'def']] },
  ],
  'an index with a leading zero': [
    { foo: ['a', 'b'] },
    [{ op: 'remove', path: '/foo/00' }],
    undefined,
  ],
  'an index behind the end': [{ foo: ['a'] }, [{ op: 'add', path: '/foo/3', value: 1 }], undefined],
  'behind the end there is room, and nothing': [
    { foo: [] },
    [{ op: 'replace', path: '/foo/-', value: 1 }],
    undefined,
  ],
  'nothing to take out behind the end': [
    { foo: ['a'] },
    [{ op: 'remove', path: '/foo/-' }],
    undefined,
  ],
  'no such operation': [{}, [{ op: 'jump', path: '/a' }], undefined],
  'no list': [{}, { op: 'add' }, undefined],
  'a value into itself': [{ a: { b: 1 } }, [{ op: 'move', from: '/a', path: '/a/b' }], undefined],
  'a key called __proto__': [
    {},
    [{ op: 'add', path: '/__proto__', value: 1 }],
    JSON.parse('{"__proto__":1}'),
  ],
};

for (const [name, [target, patch, result]] of Object.entries(examples)) {
  test(name, () => {
    const apply = (): unknown => applyJsonPatch(freezeCopy(target), patch);
    if (result === undefined) assert.throws(apply, ApiError);
    else assert.deepEqual(apply(), result);
  });
}

test('no patch makes it fail in another way, or changes its target', () => {
  const path = fc.stringMatching(/^(\/[a-c0-9~_-]{0,3}){0,4}$/);
  const operation = fc.record(
    {
      op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'x'),
      path,
      from: path,
      value: fc.jsonValue({ maxDepth: 2 }),
    },
    { requiredKeys: [] },
  );
  const target = fc.dictionary(
    fc.constantFrom('a', 'b', '__proto__'),
    fc.jsonValue({ maxDepth: 3 }),
  );
  fc.assert(
    fc.property(target, fc.array(operation, { maxLength: 4 }), (value, patch) => {
      const frozen = freezeCopy(value);
      try {
        applyJsonPatch(frozen, patch);
      } catch (thrown) {
        assert.ok(thrown instanceof ApiError, String(thrown));
      }
    }),
    { numRuns: propertyRuns },
  );
});
