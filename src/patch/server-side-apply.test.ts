/** Ownership of fields: what a configuration takes, keeps, gives up, and may not touch. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import {
  freezeCopy,
  isJsonObject,
  jsonEqual,
  serviceKind,
  type JsonObject,
} from '../kube/index.ts';
import { propertyRuns } from '../model/property-runs.suite.ts';
import { parseFields, formatFields, pathsOf, formatPath } from './field-set.ts';
import { managersOf, ownersAfterUpdate } from './managed-fields.ts';
import { applyConfiguration } from './server-side-apply.ts';

const nowMs = Date.UTC(2026, 0, 1);

interface Applying {
  readonly live?: JsonObject;
  readonly config: JsonObject;
  readonly manager?: string;
  readonly force?: boolean;
}

function apply({ live, config, manager = 'me', force = false }: Applying): JsonObject {
  const common = { kind: serviceKind, subresource: undefined, nowMs };
  return applyConfiguration({ ...common, live, config, manager, force });
}

function update(before: JsonObject, after: JsonObject, manager = 'updater'): JsonObject {
  const metadata = isJsonObject(after['metadata']) ? after['metadata'] : {};
  const managedFields = ownersAfterUpdate({
    kind: serviceKind,
    before,
    after,
    given: after,
    manager,
    subresource: undefined,
    nowMs,
  });
  return { ...after, metadata: { ...metadata, managedFields } };
}

function owned(object: JsonObject): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    (managersOf(object) ?? []).map(({ name, fields }) => [
      name,
      [...pathsOf(fields)].map((path) => formatPath(path)),
    ]),
  );
}

const service = (spec: object, labels?: object): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', ...(labels === undefined ? {} : { labels }) },
  spec,
});

test('an applier owns what it names, items by their keys', () => {
  const made = apply({
    config: service({ ports: [{ port: 80, name: 'a' }], selector: { a: 'b' } }),
  });
  assert.deepEqual(owned(made), {
    me: [
      '.spec.ports[port=80,protocol="TCP"]',
      '.spec.ports[port=80,protocol="TCP"].name',
      '.spec.ports[port=80,protocol="TCP"].port',
      '.spec.selector',
    ],
  });
});

test('what it no longer names goes, unless it is not its own', () => {
  const live = apply({ config: service({ type: 'NodePort' }, { a: '1', b: '2' }) });
  const more = update(live, { ...live, spec: { type: 'NodePort', sessionAffinity: 'None' } });
  const less = apply({ live: more, config: service({}, { a: '1' }) });
  assert.deepEqual(less['spec'], { sessionAffinity: 'None' });
  const { metadata } = less;
  assert.ok(isJsonObject(metadata));
  assert.deepEqual(metadata['labels'], { a: '1' });
});

test('what another applier names too stays', () => {
  const labelled = { metadata: { name: 'web', labels: { a: '1' } } };
  const live = apply({ config: labelled });
  const both = apply({ live, config: labelled, manager: 'other' });
  const left = apply({ live: both, config: { metadata: { name: 'web' } } });
  assert.deepEqual(owned(left), { other: ['.metadata.labels.a'] });
});

test('a field of somebody else is not taken, and is by force', () => {
  const live = apply({ config: service({ type: 'NodePort', sessionAffinity: 'None' }) });
  const config = service({ type: 'ClusterIP', sessionAffinity: 'ClientIP' });
  assert.throws(() => apply({ live, config, manager: 'other' }), {
    code: 'Conflict',
    message:
      'Apply failed with 2 conflicts: conflicts with "me":\n- .spec.sessionAffinity\n- .spec.type',
  });
  const forced = apply({ live, config, manager: 'other', force: true });
  assert.deepEqual(owned(forced), { other: ['.spec.sessionAffinity', '.spec.type'] });
});

test('the same value is shared without a conflict', () => {
  const live = apply({ config: service({ type: 'NodePort' }) });
  const both = apply({ live, config: service({ type: 'NodePort' }), manager: 'other' });
  assert.deepEqual(owned(both), { me: ['.spec.type'], other: ['.spec.type'] });
});

test('an update takes what it changes from appliers, and conflicts name it with its time', () => {
  const live = apply({ config: service({ type: 'NodePort' }) });
  const changed = update(live, { ...live, spec: { type: 'ClusterIP' } });
  assert.deepEqual(owned(changed), { updater: ['.spec.type'] });
  assert.throws(() => apply({ live: changed, config: service({ type: 'NodePort' }) }), {
    message:
      'Apply failed with 1 conflict: conflict with "updater" using v1 at 2026-01-01T00:00:00Z: .spec.type',
  });
});

test('applying again changes nothing, times included', () => {
  const config = service({ ports: [{ port: 80 }], selector: { a: 'b' } }, { a: '1' });
  const once = apply({ config });
  const later = applyConfiguration({
    kind: serviceKind,
    live: once,
    config,
    manager: 'me',
    force: false,
    subresource: undefined,
    nowMs: nowMs + 60_000,
  });
  assert.deepEqual(later, once);
});

test('an object from before is owned by before-first-apply', () => {
  const live = service({ type: 'ClusterIP' }, { a: '1' });
  assert.throws(() => apply({ live, config: service({ type: 'NodePort' }) }), /before-first-apply/);
  assert.deepEqual(Object.keys(owned(apply({ live, config: service({ type: 'ClusterIP' }) }))), [
    'me',
    'before-first-apply',
  ]);
});

test('more updaters than ten are ancient', () => {
  let object = service({});
  for (let n = 0; n < 14; n++) object = update(object, service({}, { [`l${n}`]: 'x' }), `m${n}`);
  assert.ok((managersOf(object) ?? []).length <= 10);
});

test('FieldsV1 is read as it is written', () => {
  const fields = { 'f:a': {}, 'f:b': { '.': {}, 'k:{"x":1}': { 'f:y': {} }, 'v:"z"': {} } };
  assert.deepEqual(formatFields(parseFields(fields)), fields);
});

const value = fc.record(
  {
    type: fc.constantFrom('ClusterIP', 'NodePort'),
    selector: fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('1', '2')),
    ports: fc.uniqueArray(
      fc.record({ port: fc.constantFrom(80, 81, 82), name: fc.constantFrom('x', 'y') }),
      { selector: ({ port }) => port },
    ),
  },
  { requiredKeys: [] },
);

test('two appliers in turn: each has what it said last, and nobody owns what is not there', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('me', 'you'), value), { maxLength: 6 }),
      (turns) => {
        let live: JsonObject | undefined;
        for (const [manager, spec] of turns) {
          const config = freezeCopy(service(spec));
          live = freezeCopy(apply({ ...(live && { live }), config, manager, force: true }));
          const found = isJsonObject(live['spec']) ? live['spec'] : {};
          for (const [field, said] of Object.entries(spec)) {
            if (field !== 'ports') assert.ok(jsonEqual(found[field], said), field);
          }
          for (const path of Object.values(owned(live)).flat()) {
            const [, name = ''] = /^\.spec\.([a-z]+)/i.exec(path) ?? [];
            if (name === '') continue;
            assert.ok(Object.hasOwn(found, name), `${path} is owned and gone`);
          }
        }
      },
    ),
    { numRuns: propertyRuns },
  );
});
