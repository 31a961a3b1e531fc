/** The schemas say what the recorded API says, and unknown fields are named in its words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/properties.ts';
import { propertyRuns } from '../../model/property-runs.suite.ts';
import { freezeCopy } from '../json.ts';
import { kinds } from '../served.ts';
import { schemaKinds, schemaOf } from './definitions.ts';
import type { Schema } from './schema.ts';
import { strictProblems } from './strict-problems.ts';
import { unknownFields, withoutUnknownFields } from './unknown-fields.ts';

function known(group: string, version: string, kind: string): Schema {
  const schema = schemaOf({ group, version, kind });
  assert.ok(schema !== undefined, `${kind} has a schema`);
  return schema;
}

/** The schema at a path of field names; `[]` goes into a list. */
function at(schema: Schema, ...path: readonly string[]): Schema {
  return path.reduce<Schema>((here, name) => {
    if (name === '[]' && here.type === 'list') return here.items;
    const next = here.type === 'object' ? here.fields.get(name) : undefined;
    assert.ok(next !== undefined, `${name} of ${path.join('.')}`);
    return next;
  }, schema);
}

const service = known('', 'v1', 'Service');
const deployment = known('apps', 'v1', 'Deployment');

test('every kind that is served has a schema', () => {
  assert.deepEqual(
    kinds.filter((kind) => schemaOf(kind) === undefined).map(({ kind }) => kind),
    [],
  );
  assert.equal(schemaOf({ group: '', version: 'v1', kind: 'Nonsense' }), undefined);
  assert.equal(schemaKinds().length, 26);
});

test('lists and maps say how they are merged', () => {
  const ports = at(service, 'spec', 'ports');
  assert.ok(ports.type === 'list');
  assert.deepEqual(
    [ports.listType, ports.mapKeys, ports.patchStrategy, ports.patchMergeKey],
    ['map', ['port', 'protocol'], ['merge'], 'port'],
  );
  const selector = at(service, 'spec', 'selector');
  assert.ok(selector.type === 'map' && selector.isAtomic);
  const families = at(service, 'spec', 'ipFamilies');
  assert.ok(families.type === 'list' && families.listType === 'atomic');
  const finalizers = at(service, 'metadata', 'finalizers');
  assert.ok(finalizers.type === 'list' && finalizers.listType === 'set');
  assert.deepEqual(finalizers.patchStrategy, ['merge']);
  const volumes = at(deployment, 'spec', 'template', 'spec', 'volumes');
  assert.deepEqual(volumes.patchStrategy, ['merge', 'retainKeys']);
  assert.deepEqual(at(deployment, 'spec', 'strategy').patchStrategy, ['retainKeys']);
  const labels = at(deployment, 'spec', 'selector');
  assert.ok(labels.type === 'object' && labels.isAtomic);
});

test('types are those of the API', () => {
  assert.equal(at(service, 'spec', 'ports', '[]', 'targetPort').type, 'intOrString');
  const port = at(service, 'spec', 'ports', '[]', 'port');
  assert.deepEqual([port.type, 'format' in port && port.format], ['integer', 'int32']);
  const spec = at(service, 'spec', 'ports', '[]');
  assert.ok(spec.type === 'object');
  assert.deepEqual([spec.required, spec.definition], [['port'], 'core.v1.ServicePort']);
  const limits = at(
    deployment,
    'spec',
    'template',
    'spec',
    'containers',
    '[]',
    'resources',
    'limits',
  );
  assert.ok(limits.type === 'map' && limits.values.type === 'quantity');
});

test('unknown fields are named where they stand', () => {
  const object = {
    spec: { prots: [{ port: 80 }], ports: [{ port: 80, prot: 'TCP' }], selector: { any: 'key' } },
    sepc: {},
    metadata: { labels: { any: 'key' }, managedFields: [{ fieldsV1: { 'f:spec': {} } }] },
  };
  const found = unknownFields(service, object);
  assert.deepEqual(
    found.map(({ path }) => path),
    ['spec.prots', 'spec.ports[0].prot', 'sepc'],
  );
  assert.ok(found[0]?.known.includes('ports'));
});

const strict: Readonly<Record<string, { text: string; want: readonly string[] }>> = {
  'an unknown field, as recorded': {
    text: '{"metadata":{"name":"q"},"spec":{"prots":[{"port":80}],"ports":[{"port":80}]}}',
    want: ['unknown field "spec.prots"'],
  },
  'a field twice': {
    text: '{"spec":{"type":"NodePort", "type" : "ClusterIP","ports":[{"port":1,"port":2}]}}',
    want: ['duplicate field "spec.type"', 'duplicate field "spec.ports[0].port"'],
  },
  'a key of a map twice': {
    text: '{"spec":{"selector":{"a":"1","a":"2"}}}',
    want: ['duplicate field "spec.selector.a"'],
  },
  'an unknown field twice is said once': {
    text: '{"x":{"y":1,"y":2},"x":1}',
    want: ['unknown field "x"'],
  },
  'escaped names are read': {
    text: '{"\\u0073pec":{"a\\"b":1}}',
    want: ['unknown field "spec.a\\"b"'],
  },
  'nothing wrong': { text: '{"metadata":{"labels":{"x":"}"}},"spec":{"ports":[]}}', want: [] },
  'no JSON': { text: '{"spec":', want: [] },
};
for (const [name, { text, want }] of Object.entries(strict)) {
  test(`strict: ${name}`, () => assert.deepEqual(strictProblems(service, text), want));
}

test('both ways agree on unknown fields, never throw and change nothing', () => {
  const keys = fc.constantFrom(
    'spec',
    'ports',
    'port',
    'metadata',
    'labels',
    'name',
    '__proto__',
    'x',
  );
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 5 },
      fc.jsonValue(),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(keys, tie('node'), { maxKeys: 4 }),
    ),
  })).node;
  fc.assert(
    fc.property(tree, (value) => {
      const frozen = freezeCopy(value);
      const text = JSON.stringify(frozen);
      const wanted = new Set(
        unknownFields(service, frozen).map(({ path }) => `unknown field ${JSON.stringify(path)}`),
      );
      assert.deepEqual(strictProblems(service, text), [...wanted]);
      const pruned = withoutUnknownFields(service, frozen);
      assert.deepEqual(unknownFields(service, pruned), []);
      assert.equal(pruned === frozen, wanted.size === 0);
    }),
    { numRuns: propertyRuns },
  );
});

test('a text that is no JSON ends', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', ':', ',', 'a', '\\', ' ') }),
      (text) => {
        strictProblems(service, text);
      },
    ),
    { numRuns: propertyRuns },
  );
});
