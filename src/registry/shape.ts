/**
 * Which JSON types the fields have that are read here, as data, and the one walk that checks them. Fields that no
 * shape names are kept and not looked at.
 */
import { isJsonArray, isJsonObject } from '../kube/index.ts';
import type { Problems } from './problems.ts';

export type Shape =
  | { readonly type: 'string' | 'boolean' | 'integer' | 'integerOrString' }
  /** `nullable`: null is kept, because the API server keeps it; elsewhere null is as good as absent. */
  | { readonly type: 'list'; readonly items: Shape; readonly nullable?: boolean }
  | { readonly type: 'map'; readonly values: Shape }
  | {
      readonly type: 'object';
      readonly fields: Readonly<Record<string, Shape>>;
      /** Fields that are never absent: one left out is empty or 0, as in Go, and validation refuses that. */
      readonly required: readonly string[];
    };

export const string: Shape = { type: 'string' };
export const boolean: Shape = { type: 'boolean' };
/** 32 bits wide, as every integer the API has here. */
export const integer: Shape = { type: 'integer' };
export const integerOrString: Shape = { type: 'integerOrString' };
export const strings: Shape = { type: 'list', items: string };
export const stringMap: Shape = { type: 'map', values: string };

export function list(items: Shape): Shape {
  return { type: 'list', items };
}

export function object(
  fields: Readonly<Record<string, Shape>>,
  ...required: readonly string[]
): Shape {
  return { type: 'object', fields, required };
}

const maxInteger = 2 ** 31 - 1;

/**
 * The value without the fields that are null, and a problem for each field of the wrong type. The value is not
 * changed; it fits the shape when no problem was found.
 */
export function decodeShape(
  value: unknown,
  shape: Shape,
  path: string,
  problems: Problems,
): unknown {
  // Most are: they cost no copy and no paths.
  return fits(value, shape) ? value : decode(value, shape, path, problems);
}

/** The value is what decoding it would give. */
function fits(value: unknown, shape: Shape): boolean {
  switch (shape.type) {
    case 'string':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return isInt32(value);
    case 'integerOrString':
      return typeof value === 'string' || isInt32(value);
    case 'list':
      return isJsonArray(value) && value.every((item) => fits(item, shape.items));
    case 'map':
      return (
        isJsonObject(value) && Object.keys(value).every((key) => fits(value[key], shape.values))
      );
    case 'object':
      return (
        isJsonObject(value) &&
        shape.required.every((key) => Object.hasOwn(value, key)) &&
        Object.keys(value).every((key) => {
          const known = Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined;
          return known === undefined || fits(value[key], known);
        })
      );
  }
}

function decode(value: unknown, shape: Shape, path: string, problems: Problems): unknown {
  switch (shape.type) {
    case 'string':
      if (typeof value !== 'string') problems.wrongType(path, value, 'must be a string');
      return value;
    case 'boolean':
      if (typeof value !== 'boolean') problems.wrongType(path, value, 'must be a boolean');
      return value;
    case 'integer':
      if (!isInt32(value)) problems.wrongType(path, value, 'must be an integer');
      return value;
    case 'integerOrString':
      if (typeof value !== 'string' && !isInt32(value)) {
        problems.wrongType(path, value, 'must be an integer or a string');
      }
      return value;
    case 'list':
      if (!isJsonArray(value)) {
        problems.wrongType(path, value, 'must be a list');
        return value;
      }
      return value.map((item, i) => decode(item, shape.items, `${path}[${i}]`, problems));
    case 'map':
      return decodeFields(value, { path, problems, required: [], of: () => shape.values });
    case 'object':
      return decodeFields(value, {
        path,
        problems,
        required: shape.required,
        of: (key) => (Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined),
      });
  }
}

interface FieldsContext {
  readonly path: string;
  readonly problems: Problems;
  readonly required: readonly string[];
  of(key: string): Shape | undefined;
}

function decodeFields(value: unknown, context: FieldsContext): unknown {
  const { path, problems } = context;
  if (!isJsonObject(value)) {
    problems.wrongType(path, value, 'must be a map');
    return value;
  }
  const zeros = context.required.map((key) => [key, zeroOf(context.of(key))] as const);
  const present = Object.entries(value).flatMap(([key, field]) => {
    const shape = context.of(key);
    if (shape === undefined) return [[key, field] as const];
    const nullable = shape.type === 'list' && shape.nullable === true;
    if (field === null && nullable) return [[key, null] as const];
    if (field === null || field === undefined) return [];
    const at = path === '' ? key : `${path}.${key}`;
    return [[key, decode(field, shape, at, problems)] as const];
  });
  // The later entry of a key wins.
  return Object.fromEntries([...zeros, ...present]);
}

function zeroOf(shape: Shape | undefined): unknown {
  if (shape?.type === 'integer') return 0;
  return shape?.type === 'list' ? [] : '';
}

function isInt32(value: unknown): boolean {
  return Number.isInteger(value) && Math.abs(Number(value)) <= maxInteger;
}
