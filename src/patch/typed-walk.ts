/** Walks over values along their schema: what differs, which fields there are, merging and taking out. */
import {
  fieldOf,
  isJsonArray,
  isJsonObject,
  jsonEqual,
  type JsonObject,
  type ListSchema,
  type Schema,
} from '../kube/index.ts';
import { FieldSetBuilder, type FieldSet } from './field-set.ts';

/** Defaults of fields that are part of keys: `protocol` is the only one the API has. */
const keyDefaults: JsonObject = { protocol: 'TCP' };

/** What a value is to the walks, by its schema; JSON that no schema describes is granular as far as it is maps. */
type Shape = 'leaf' | 'map' | 'list';

function shapeOf(schema: Schema | undefined, ...values: readonly unknown[]): Shape {
  const has = (is: (value: unknown) => boolean): boolean =>
    values.every((value) => value === undefined || value === null || is(value)) && values.some(is);
  if (schema === undefined || schema.type === 'any') return has(isJsonObject) ? 'map' : 'leaf';
  if (schema.type === 'object' || schema.type === 'map') {
    return !schema.isAtomic && has(isJsonObject) ? 'map' : 'leaf';
  }
  return schema.type === 'list' && schema.listType !== 'atomic' && has(isJsonArray)
    ? 'list'
    : 'leaf';
}

function childSchema(schema: Schema | undefined, key: string): Schema | undefined {
  if (schema?.type === 'object') return schema.fields.get(key);
  return schema?.type === 'map' ? schema.values : undefined;
}

function itemKey({ listType, mapKeys }: ListSchema, item: unknown): string {
  if (listType === 'set' || !isJsonObject(item)) return `v:${JSON.stringify(item)}`;
  const parts = inOrder(mapKeys)
    .map((name) => [name, fieldOf(item, name) ?? keyDefaults[name]] as const)
    .filter(([, value]) => value !== undefined);
  return `k:${JSON.stringify(Object.fromEntries(parts))}`;
}

const ordered = new WeakMap<readonly string[], readonly string[]>();

function inOrder(mapKeys: readonly string[]): readonly string[] {
  const known = ordered.get(mapKeys) ?? mapKeys.toSorted();
  ordered.set(mapKeys, known);
  return known;
}

function itemsByKey(schema: ListSchema, value: unknown): ReadonlyMap<string, unknown> {
  return new Map((isJsonArray(value) ? value : []).map((item) => [itemKey(schema, item), item]));
}

const asObject = (value: unknown): JsonObject => (isJsonObject(value) ? value : {});
const isVoid = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (isJsonArray(value) ? value.length : Object.keys(Object(value)).length) === 0;

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

interface Sides {
  readonly before: unknown;
  readonly after: unknown;
}

/** What makes `after` of `before`. A field that is there and null is there. */
export function compareTyped(schema: Schema | undefined, sides: Sides): Comparison {
  const sets = {
    added: new FieldSetBuilder(),
    modified: new FieldSetBuilder(),
    removed: new FieldSetBuilder(),
  };
  const path: string[] = [];
  walkBoth(schema, sides, {
    enter: (key) => path.push(key),
    leave: () => path.pop(),
    found: (what) => sets[what].insert(path),
  });
  const { added, modified, removed } = sets;
  return { added: added.build(), modified: modified.build(), removed: removed.build() };
}

/** A text that is the same for two pairs only if `compareTyped` is; cheaper than that. */
export function traceOf(schema: Schema | undefined, sides: Sides): string {
  let trace = '';
  walkBoth(schema, sides, {
    enter: (key) => (trace += `${key.length}:${key}(`),
    leave: () => (trace += ')'),
    found: (what) => (trace += what),
  });
  return trace;
}

interface Finder {
  enter(key: string): void;
  leave(): void;
  /** Where it is. */
  found(what: keyof Comparison): void;
}

function walkBoth(schema: Schema | undefined, sides: Sides, finder: Finder): void {
  /** Where nothing was before: most of an object that is made. */
  const visitNew = (own: Schema | undefined, after: unknown): void => {
    const shape = shapeOf(own, after);
    if (shape === 'list' && own?.type === 'list') {
      for (const [key, item] of itemsByKey(own, after)) {
        finder.enter(key);
        if (item !== undefined) visitNew(own.items, item);
        finder.leave();
      }
    } else if (shape !== 'leaf') {
      const now = asObject(after);
      for (const key of Object.keys(now)) {
        finder.enter(`f:${key}`);
        if (now[key] !== undefined) visitNew(childSchema(own, key), now[key]);
        finder.leave();
      }
    }
    finder.found('added');
  };
  const visit = (own: Schema | undefined, { before, after }: Sides): void => {
    if (before === undefined) {
      if (after !== undefined) visitNew(own, after);
      return;
    }
    const shape = shapeOf(own, before, after);
    if (shape === 'leaf' || (isVoid(before) && isVoid(after))) {
      if (after !== undefined && !jsonEqual(before, after)) finder.found('modified');
    } else if (shape === 'list' && own?.type === 'list') {
      const old = itemsByKey(own, before);
      const now = itemsByKey(own, after);
      for (const key of new Set([...old.keys(), ...now.keys()])) {
        step(key, own.items, { before: old.get(key), after: now.get(key) });
      }
    } else {
      const old = asObject(before);
      const now = asObject(after);
      for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
        const child = { before: fieldOf(old, key), after: fieldOf(now, key) };
        step(`f:${key}`, childSchema(own, key), child);
      }
    }
    if (after === undefined) finder.found('removed');
  };
  const step = (key: string, own: Schema | undefined, child: Sides): void => {
    finder.enter(key);
    visit(own, child);
    finder.leave();
  };
  visit(schema, sides);
}

/** The fields a configuration names: what its applier comes to own. */
export function fieldsOf(schema: Schema | undefined, value: unknown): FieldSet {
  const set = new FieldSetBuilder();
  const path: string[] = [];
  const visit = (own: Schema | undefined, at: unknown): void => {
    const shape = shapeOf(own, at);
    if (shape === 'list' && own?.type === 'list') {
      for (const [key, item] of itemsByKey(own, at)) {
        path.push(key);
        visit(own.items, item);
        set.insert(path);
        path.pop();
      }
    } else if (shape === 'map') {
      for (const [key, field] of Object.entries(asObject(at))) {
        path.push(`f:${key}`);
        visit(childSchema(own, key), field);
        // An empty map, and a key that is no field of the kind's, are owned themselves.
        const isKey = own?.type !== 'object';
        if (isKey || field === null || (isJsonObject(field) && isVoid(field))) set.insert(path);
        path.pop();
      }
    } else set.insert(path);
  };
  visit(schema, value);
  return set.build();
}

/** The value with a configuration laid over it. */
export function mergeTyped(schema: Schema | undefined, live: unknown, config: unknown): unknown {
  if (config === undefined) return live;
  if (live === undefined || live === null) return config;
  const shape = shapeOf(schema, live, config);
  if (shape === 'leaf') return config;
  if (shape === 'list' && schema?.type === 'list') return mergeLists(schema, live, config);
  const merged = new Map(Object.entries(asObject(live)));
  for (const [key, field] of Object.entries(asObject(config))) {
    merged.set(key, mergeTyped(childSchema(schema, key), merged.get(key), field));
  }
  return Object.fromEntries(merged);
}

/** In the configuration's order; what only the live list has stays before what it stood before. */
function mergeLists(schema: ListSchema, live: unknown, config: unknown): readonly unknown[] {
  const old = [...itemsByKey(schema, live)];
  const now = itemsByKey(schema, config);
  const merged: unknown[] = [];
  let at = 0;
  for (const [key, item] of now) {
    const found = old.findIndex(([other]) => other === key);
    for (; found !== -1 && at < found; at++) {
      const [other = '', kept] = old[at] ?? [];
      if (!now.has(other)) merged.push(kept);
    }
    merged.push(mergeTyped(schema.items, old[found]?.[1], item));
  }
  for (; at < old.length; at++) {
    const [other = '', kept] = old[at] ?? [];
    if (!now.has(other)) merged.push(kept);
  }
  return merged;
}

/** The value without the members of a set; undefined when nothing is left of a list or map that lost something. */
export function removeFields(schema: Schema | undefined, value: unknown, gone: FieldSet): unknown {
  const shape = shapeOf(schema, value);
  if (gone.children.size === 0 || shape === 'leaf') return value;
  if (shape === 'list' && schema?.type === 'list') {
    const kept = [...itemsByKey(schema, value)].flatMap(([key, item]) => {
      const below = gone.children.get(key);
      if (below === undefined) return [item];
      return below.isMember ? [] : [removeFields(schema.items, item, below) ?? {}];
    });
    return kept.length === 0 ? undefined : kept;
  }
  const kept = Object.entries(asObject(value)).flatMap(([key, field]) => {
    const below = gone.children.get(`f:${key}`);
    if (below === undefined) return [[key, field] as const];
    const left = below.isMember ? undefined : removeFields(childSchema(schema, key), field, below);
    return left === undefined ? [] : [[key, left] as const];
  });
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}
