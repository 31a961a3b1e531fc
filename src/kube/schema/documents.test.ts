/** The committed schemas say what the OpenAPI documents in assets/openapi say, field by field. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { schemaKinds, schemaOf } from './definitions.ts';
import type { Schema } from './schema.ts';

interface Documented {
  readonly $ref?: string;
  readonly allOf?: readonly Documented[];
  readonly type?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Documented>>;
  readonly items?: Documented;
  readonly additionalProperties?: Documented;
  readonly 'x-kubernetes-group-version-kind'?: readonly {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
  }[];
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-patch-strategy'?: string;
  readonly 'x-kubernetes-patch-merge-key'?: string;
}

const folder = new URL('../../../assets/openapi/', import.meta.url);
const definitions = new Map<string, Documented>();
for (const file of readdirSync(folder)) {
  const text = gunzipSync(readFileSync(new URL(file, folder))).toString();
  const document = JSON.parse(text) as {
    components: { schemas: Readonly<Record<string, Documented>> };
  };
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    definitions.set(name, schema);
  }
}

/** Fields compared, so that a walk that sees nothing fails. */
let compared = 0;

function compare(schema: Schema, given: Documented, path: string): void {
  compared++;
  const ref = given.$ref ?? given.allOf?.[0]?.$ref;
  const { 'x-kubernetes-patch-strategy': strategy, 'x-kubernetes-patch-merge-key': key } = given;
  if (strategy !== undefined) assert.deepEqual(schema.patchStrategy, strategy.split(','), path);
  if (key !== undefined) assert.equal(schema.patchMergeKey, key, path);
  if (ref !== undefined) {
    const target = definitions.get(ref.replace('#/components/schemas/', ''));
    assert.ok(target !== undefined, path);
    compare(schema, target, path);
  } else if (given.properties !== undefined) {
    assert.ok(schema.type === 'object', `${path}: ${schema.type}`);
    assert.deepEqual([...schema.fields.keys()], Object.keys(given.properties), path);
    assert.deepEqual(schema.required, given.required ?? [], path);
    for (const [name, field] of Object.entries(given.properties)) {
      compare(schema.fields.get(name)!, field, `${path}.${name}`);
    }
  } else if (given.items !== undefined) {
    assert.ok(schema.type === 'list', path);
    assert.equal(schema.listType, given['x-kubernetes-list-type'] ?? 'atomic', path);
    assert.deepEqual(schema.mapKeys, given['x-kubernetes-list-map-keys'] ?? [], path);
    compare(schema.items, given.items, `${path}[]`);
  } else if (given.additionalProperties !== undefined) {
    assert.ok(schema.type === 'map', path);
    compare(schema.values, given.additionalProperties, `${path}{}`);
  } else if (given.type !== undefined && given.type !== 'object') {
    assert.equal(schema.type, given.type, path);
  }
}

test('every kind, every field', () => {
  for (const gvk of schemaKinds()) {
    const found = [...definitions.values()].find((definition) =>
      definition['x-kubernetes-group-version-kind']?.some(
        (own) => own.group === gvk.group && own.version === gvk.version && own.kind === gvk.kind,
      ),
    );
    assert.ok(found !== undefined, gvk.kind);
    compare(schemaOf(gvk)!, found, gvk.kind);
  }
  assert.ok(compared > 3_000, String(compared));
});
