/** Remembering shapes changes nothing of who owns what. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import { configMapKind, namespaceKind, podKind, serviceKind, type Kind } from '../kube/index.ts';
import { ownersAfterUpdate } from './managed-fields.ts';
import { ShapeMemory } from './shape-memory.ts';

const word = fc.constantFrom('a', 'b', 'x(', '1:a', '', ')added');
const map = fc.dictionary(word, fc.oneof(word, fc.constant(null), fc.constant({})), { maxKeys: 3 });
const ports = fc.array(
  fc.record(
    { port: fc.integer({ min: 1, max: 3 }), name: word, protocol: fc.constantFrom('TCP', 'UDP') },
    { requiredKeys: ['port'] },
  ),
  { maxLength: 3 },
);
const spec = fc.record(
  {
    ports,
    selector: map,
    clusterIP: word,
    clusterIPs: fc.array(word, { maxLength: 2 }),
    type: word,
    tolerations: fc.array(map, { maxLength: 2 }),
    finalizers: fc.uniqueArray(word, { maxLength: 2 }),
    priority: fc.integer({ min: 0, max: 1 }),
    containers: fc.array(fc.record({ name: word, image: word, ports }), { maxLength: 2 }),
  },
  { requiredKeys: [] },
);
const object = fc.record(
  { metadata: fc.record({ name: word, labels: map }), spec, data: map, status: map },
  { requiredKeys: ['metadata'] },
);
const kinds: readonly Kind[] = [serviceKind, podKind, namespaceKind, configMapKind];

test('objects of every shape have the owners they would have without a memory', () => {
  const shapes = new ShapeMemory();
  const change = fc.record({
    kind: fc.constantFrom(...kinds),
    after: object,
    given: fc.oneof(object, fc.constant(undefined)),
    subresource: fc.constantFrom(undefined, 'status' as const),
  });
  fc.assert(
    fc.property(change, (one) => {
      const whole = { ...one, before: undefined, manager: 'm', nowMs: 0 };
      const expected = ownersAfterUpdate(whole);
      // The first time it is worked out, the second time remembered.
      assert.deepEqual(ownersAfterUpdate({ ...whole, shapes }), expected);
      assert.deepEqual(ownersAfterUpdate({ ...whole, shapes }), expected);
    }),
    { numRuns: 2_000 },
  );
});

test('what is remembered is shared and cannot be changed', () => {
  const shapes = new ShapeMemory();
  const fields = (name: string): unknown =>
    ownersAfterUpdate({
      kind: configMapKind,
      before: undefined,
      after: { metadata: { name }, data: { key: name } },
      given: undefined,
      manager: 'm',
      subresource: undefined,
      nowMs: 0,
      shapes,
    })[0]?.fieldsV1;
  assert.equal(fields('a'), fields('b'));
  assert.ok(Object.isFrozen(fields('a')));
});
