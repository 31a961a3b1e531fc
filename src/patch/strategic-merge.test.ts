/** Strategic merge patches, as the API server's documentation describes them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import { ApiError, freezeCopy, schemaOf, type JsonObject } from '../kube/index.ts';
import { propertyRuns } from '../model/property-runs.suite.ts';
import { applyStrategicMerge } from './strategic-merge.ts';

const schema = schemaOf({ group: 'apps', version: 'v1', kind: 'Deployment' });

const pod = (spec: object): JsonObject => ({ spec: { template: { spec } } });
const nginx = { name: 'nginx', image: 'nginx:1' };
const log = { name: 'log', image: 'log:1' };

const cases: Readonly<Record<string, readonly [JsonObject, JsonObject, unknown]>> = {
  'an item is merged by its key': [
    pod({ containers: [nginx, log] }),
    pod({ containers: [{ name: 'log', image: 'log:2' }] }),
    pod({ containers: [nginx, { name: 'log', image: 'log:2' }] }),
  ],
  'an item that is new comes at the end': [
    pod({ containers: [nginx] }),
    pod({ containers: [log] }),
    pod({ containers: [nginx, log] }),
  ],
  'an item is deleted': [
    pod({ containers: [nginx, log] }),
    pod({ containers: [{ $patch: 'delete', name: 'nginx' }] }),
    pod({ containers: [log] }),
  ],
  'a whole list is replaced': [
    pod({ containers: [nginx, log] }),
    pod({ containers: [{ name: 'x' }, { $patch: 'replace' }] }),
    pod({ containers: [{ name: 'x' }] }),
  ],
  'an order is set': [
    pod({ containers: [nginx, log] }),
    pod({ '$setElementOrder/containers': [{ name: 'log' }, { name: 'nginx' }] }),
    pod({ containers: [log, nginx] }),
  ],
  'what the order does not name keeps its place': [
    pod({ containers: [{ name: 'first' }, nginx, log] }),
    pod({
      '$setElementOrder/containers': [{ name: 'log' }, { name: 'nginx' }],
      containers: [{ name: 'log', image: 'log:2' }],
    }),
    pod({ containers: [{ name: 'first' }, { name: 'log', image: 'log:2' }, nginx] }),
  ],
  'keys that are kept': [
    { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } },
    { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } },
    { spec: { strategy: { type: 'Recreate' } } },
  ],
  'a list of texts without a strategy is replaced': [
    pod({ containers: [{ name: 'a', args: ['x', 'y'] }] }),
    pod({ containers: [{ name: 'a', args: ['z'] }] }),
    pod({ containers: [{ name: 'a', args: ['z'] }] }),
  ],
  'finalizers are joined': [
    { metadata: { finalizers: ['a.example/x'] } },
    { metadata: { finalizers: ['b.example/x', 'a.example/x'] } },
    { metadata: { finalizers: ['a.example/x', 'b.example/x'] } },
  ],
  'one of them is taken off': [
    { metadata: { finalizers: ['a.example/x', 'b.example/x'] } },
    { metadata: { '$deleteFromPrimitiveList/finalizers': ['a.example/x'] } },
    { metadata: { finalizers: ['b.example/x'] } },
  ],
  'a map is replaced': [
    { metadata: { labels: { a: '1', b: '2' } } },
    { metadata: { labels: { $patch: 'replace', c: '3' } } },
    { metadata: { labels: { c: '3' } } },
  ],
  'null deletes': [
    { metadata: { labels: { a: '1', b: '2' } } },
    { metadata: { labels: { a: null } } },
    { metadata: { labels: { b: '2' } } },
  ],
  'nulls in what is new are nothing': [
    {},
    { metadata: { labels: { a: null } } },
    { metadata: { labels: {} } },
  ],
};

for (const [name, [target, patch, want]] of Object.entries(cases)) {
  test(name, () => assert.deepEqual(applyStrategicMerge(freezeCopy(target), patch, schema), want));
}

test('an item without its key, and an unknown directive, are refused', () => {
  const apply = (patch: JsonObject): unknown =>
    applyStrategicMerge(pod({ containers: [nginx] }), patch, schema);
  assert.throws(() => apply(pod({ containers: [{ image: 'x' }] })), /declared merge key: name/);
  assert.throws(() => apply({ $patch: 'turn' }), /unknown patch type/);
});

test('no patch makes it fail in another way, or changes its target', () => {
  const key = fc.constantFrom(
    'spec',
    'template',
    'containers',
    'name',
    '$patch',
    '$retainKeys',
    '$setElementOrder/containers',
    '$deleteFromPrimitiveList/finalizers',
    'finalizers',
    'metadata',
  );
  const { node } = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom('delete', 'replace', 'merge', null, 1),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(key, tie('node'), { maxKeys: 3 }),
    ),
  }));
  const object = fc.dictionary(key, node, { maxKeys: 4 });
  fc.assert(
    fc.property(object, object, (target, patch) => {
      try {
        applyStrategicMerge(freezeCopy(target), freezeCopy(patch), schema);
      } catch (thrown) {
        assert.ok(thrown instanceof ApiError, String(thrown));
      }
    }),
    { numRuns: propertyRuns },
  );
});
