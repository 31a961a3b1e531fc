/**
 * Values that are of another JSON type than their field: what the API server, written in Go, says of the first of them
 * (encoding/json as sigs.k8s.io/json has it, and the converter of patched objects; Kubernetes 1.36).
 */
import { isJsonArray, isJsonObject } from '../json.ts';
import { goKindOf, goTypeOf } from './go-types.ts';
import type { ScalarSchema, Schema } from './schema.ts';

const wide: Readonly<Record<string, number>> = { int32: 2 ** 31, int64: 2 ** 63 };
const quantity = /^[+-]?[0-9.]+[eEinumkKMGTP]*[-+]?[0-9.]*$/;
const quantityRule =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9.]*)$'";

/** The value has nothing that its kind does not have, and nothing of another type. Null is as good as absent. */
export function fitsSchema(schema: Schema, value: unknown): boolean {
  if (value === null || value === undefined || schema.type === 'any') return true;
  if (schema.type === 'list') {
    return isJsonArray(value) && value.every((item) => fitsSchema(schema.items, item));
  }
  if (schema.type !== 'map' && schema.type !== 'object') return fitsScalar(schema, value);
  if (!isJsonObject(value)) return false;
  return Object.keys(value).every((name) => {
    const known = schema.type === 'map' ? schema.values : schema.fields.get(name);
    return known !== undefined && fitsSchema(known, value[name]);
  });
}

function fitsScalar({ type, format = '' }: ScalarSchema, value: unknown): boolean {
  switch (type) {
    case 'string':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'number':
      return typeof value === 'number';
    case 'integer':
      return isInteger(value, format);
    case 'intOrString':
      return typeof value === 'string' || isInteger(value, 'int32');
    case 'quantity':
      return typeof value === 'number' || (typeof value === 'string' && isQuantity(value));
  }
}

function isInteger(value: unknown, format: string): boolean {
  const limit = wide[format] ?? Infinity;
  return Number.isInteger(value) && Number(value) < limit && Number(value) >= -limit;
}

function isQuantity(text: string): boolean {
  return quantity.test(text.trim());
}

export interface WrongType {
  /** Of what was sent: `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`. */
  readonly decoding: string;
  /** Of what a strategic merge patch made: `unrecognized type: int32`. */
  readonly converting: string;
  /** Of what is applied: `.spec.replicas: expected numeric (int or float), got string`. */
  readonly applying: string;
}

/** The first in the order of the fields; undefined when all are right, whatever is unknown. */
export function wrongType(schema: Schema, value: unknown): WrongType | undefined {
  return find(schema, value, { owner: '', field: '', names: [], path: '' });
}

interface Place {
  /** The definition that has the field; empty at the top. */
  readonly owner: string;
  /** Its name there. */
  readonly field: string;
  /** The fields that lead here, without the keys of maps. */
  readonly names: readonly string[];
  /** The same with all, as server-side apply writes it. */
  readonly path: string;
}

function find(schema: Schema, value: unknown, place: Place): WrongType | undefined {
  if (value === null || value === undefined || schema.type === 'any') return undefined;
  if (schema.type === 'list') {
    if (!isJsonArray(value)) return wrong(schema, value, place);
    return firstOf(value.entries(), ([i, item]) =>
      find(schema.items, item, { ...place, path: `${place.path}[${i}]` }),
    );
  }
  if (schema.type !== 'map' && schema.type !== 'object') {
    return fitsScalar(schema, value) ? undefined : wrong(schema, value, place);
  }
  if (!isJsonObject(value)) return wrong(schema, value, place);
  return firstOf(Object.entries(value), ([name, item]) => {
    const path = `${place.path}.${name}`;
    if (schema.type === 'map') return find(schema.values, item, { ...place, path });
    const known = schema.fields.get(name);
    if (known === undefined) return undefined;
    const owner = schema.definition;
    return find(known, item, { owner, field: name, names: [...place.names, name], path });
  });
}

function firstOf<T>(
  items: Iterable<T>,
  look: (item: T) => WrongType | undefined,
): WrongType | undefined {
  for (const item of items) {
    const found = look(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function wrong(schema: Schema, value: unknown, place: Place): WrongType {
  const { path } = place;
  const type = goTypeOf(schema, place);
  const applying = `${path}: expected ${expected(schema)}, got ${goKindOf(value)}`;
  if (schema.type === 'quantity') {
    return { decoding: quantityRule, converting: quantityRule, applying };
  }
  const found = foundOf(value, type);
  return {
    decoding: `json: cannot unmarshal ${found} into Go ${targetOf(place)} of type ${type}`,
    converting: convertingOf(schema, value, { type, found }),
    applying,
  };
}

function targetOf({ owner, names }: Place): string {
  if (names.length === 0) return 'value';
  return `struct field ${owner.split('.').at(-1)}.${names.join('.')}`;
}

/** As encoding/json calls what it found; of a number for an integer it says which. */
function foundOf(value: unknown, type: string): string {
  if (isJsonArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value !== 'number') return typeof value;
  return /^u?int\d+$/.test(type) ? `number ${value}` : 'number';
}

// oxlint-disable-next-line eslint/max-params -- what was wanted, what was found, and their names.
function convertingOf(
  schema: Schema,
  value: unknown,
  { type, found }: { readonly type: string; readonly found: string },
): string {
  const kind = goKindOf(value);
  const { type: wanted } = schema;
  if (wanted === 'list') return `cannot restore slice from ${kind}`;
  if (wanted === 'map') return `cannot restore map from ${kind}`;
  if (wanted === 'object') return `cannot restore struct from: ${kind}`;
  if (wanted === 'intOrString') {
    return `json: cannot unmarshal ${found} into Go value of type ${type}`;
  }
  // Go converts an integer to a string, and a fraction to an integer: the server has to refuse that in words.
  const isConvertible = kind === (wanted === 'string' ? 'int64' : 'float64');
  const goKind = wanted === 'string' ? 'string' : type;
  return isConvertible ? `cannot convert ${kind} to ${type}` : `unrecognized type: ${goKind}`;
}

function expected({ type }: Schema): string {
  if (type === 'object') return 'map';
  return type === 'integer' || type === 'number' ? 'numeric (int or float)' : type;
}
