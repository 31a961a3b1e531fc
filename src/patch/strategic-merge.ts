/**
 * Strategic merge patch: lists are merged by the keys that the schema names, and directives say what goes
 * (apimachinery's strategicpatch, Kubernetes 1.36).
 */
import {
  ApiError,
  fieldOf,
  isJsonArray,
  isJsonObject,
  jsonEqual,
  type JsonObject,
  type Schema,
} from '../kube/index.ts';

const directive = '$patch';
const retainKeys = '$retainKeys';
const orderPrefix = '$setElementOrder/';
const deletePrefix = '$deleteFromPrimitiveList/';

/** Throws BadRequest for a patch whose directives cannot be followed. The target is not changed. */
export function applyStrategicMerge(
  target: JsonObject,
  patch: JsonObject,
  schema: Schema | undefined,
): JsonObject {
  const action = fieldOf(patch, directive);
  if (action === 'replace') return withoutDirectives(patch);
  if (action === 'delete') return {};
  if (action !== undefined && action !== 'merge') {
    throw refuse(`unknown patch type found: ${JSON.stringify(action)}`);
  }
  // A Map, so that a key called `__proto__` stays a plain key.
  const merged = new Map(Object.entries(retained(target, patch)));
  for (const [key, value] of Object.entries(patch)) {
    if (key === directive || key === retainKeys) continue;
    if (key.startsWith(orderPrefix) || key.startsWith(deletePrefix)) continue;
    if (value === null) merged.delete(key);
    else merged.set(key, mergeField(merged.get(key), value, { key, schema }));
  }
  for (const [key, list] of listDirectives(patch, deletePrefix)) {
    const held = merged.get(key);
    if (!isJsonArray(held)) continue;
    merged.set(
      key,
      held.filter((item) => !list.some((gone) => jsonEqual(gone, item))),
    );
  }
  for (const [key, order] of listDirectives(patch, orderPrefix)) {
    const held = merged.get(key);
    if (isJsonArray(held)) {
      const before = fieldOf(target, key);
      const mergeKey = fieldSchema(schema, key)?.patchMergeKey;
      const original = isJsonArray(before) ? before : [];
      merged.set(key, ordered(held, { order, original, mergeKey }));
    }
  }
  return Object.fromEntries(merged);
}

interface FieldContext {
  readonly key: string;
  readonly schema: Schema | undefined;
}

function mergeField(held: unknown, value: unknown, { key, schema }: FieldContext): unknown {
  const own = fieldSchema(schema, key);
  if (isJsonObject(value)) {
    if (own?.patchStrategy.includes('replace') === true) return withoutDirectives(value);
    return applyStrategicMerge(isJsonObject(held) ? held : {}, value, own);
  }
  if (!isJsonArray(value)) return value;
  const merges = own?.patchStrategy.includes('merge') === true;
  const before = isJsonArray(held) ? held : [];
  if (!merges || own?.type !== 'list') return value.map(cleaned);
  if (own.patchMergeKey === undefined) return union(before, value);
  return mergeItems(before, value, { mergeKey: own.patchMergeKey, items: own.items });
}

function fieldSchema(schema: Schema | undefined, key: string): Schema | undefined {
  if (schema?.type === 'object') return schema.fields.get(key);
  return schema?.type === 'map' ? schema.values : undefined;
}

interface ItemsContext {
  readonly mergeKey: string;
  readonly items: Schema;
}

function mergeItems(
  held: readonly unknown[],
  patch: readonly unknown[],
  { mergeKey, items }: ItemsContext,
): readonly unknown[] {
  if (patch.some((item) => isJsonObject(item) && isReplaceAll(item))) {
    return patch.filter((item) => !(isJsonObject(item) && isReplaceAll(item))).map(cleaned);
  }
  let merged = held;
  for (const item of patch) {
    if (!isJsonObject(item)) {
      throw refuse(`cannot merge ${JSON.stringify(item)} into a list of objects`);
    }
    const id = fieldOf(item, mergeKey);
    if (id === undefined) {
      throw refuse(`${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`);
    }
    const isSame = (other: unknown): boolean =>
      isJsonObject(other) && jsonEqual(fieldOf(other, mergeKey), id);
    if (item[directive] === 'delete') {
      merged = merged.filter((other) => !isSame(other));
      continue;
    }
    const at = merged.findIndex(isSame);
    const before = merged[at];
    const next = applyStrategicMerge(isJsonObject(before) ? before : {}, item, items);
    merged = at === -1 ? [...merged, next] : merged.with(at, next);
  }
  return merged;
}

/** `{"$patch": "replace"}` among the items: the others are the whole list. */
function isReplaceAll(item: JsonObject): boolean {
  return item[directive] === 'replace' && Object.keys(item).length === 1;
}

function union(held: readonly unknown[], more: readonly unknown[]): readonly unknown[] {
  const merged = [...held];
  for (const item of more) if (!merged.some((other) => jsonEqual(other, item))) merged.push(item);
  return merged;
}

function retained(target: JsonObject, patch: JsonObject): JsonObject {
  const keys = fieldOf(patch, retainKeys);
  if (!isJsonArray(keys)) return target;
  return Object.fromEntries(Object.entries(target).filter(([key]) => keys.includes(key)));
}

function* listDirectives(
  patch: JsonObject,
  prefix: string,
): Iterable<readonly [string, readonly unknown[]]> {
  for (const [key, list] of Object.entries(patch)) {
    if (!key.startsWith(prefix)) continue;
    if (!isJsonArray(list)) throw refuse(`${key} must be a list`);
    yield [key.slice(prefix.length), list];
  }
}

interface OrderContext {
  readonly order: readonly unknown[];
  readonly original: readonly unknown[];
  readonly mergeKey: string | undefined;
}

/** What the order names stands in that order; the rest keeps its place among what it stood between. */
function ordered(
  list: readonly unknown[],
  { order, original, mergeKey }: OrderContext,
): readonly unknown[] {
  const idOf = (item: unknown): string =>
    JSON.stringify(mergeKey !== undefined && isJsonObject(item) ? fieldOf(item, mergeKey) : item) ??
    '';
  const wanted = new Map(order.map((item, i) => [idOf(item), i]));
  const before = new Map(original.map((item, i) => [idOf(item), i]));
  const placeIn = (places: ReadonlyMap<string, number>, item: unknown): number =>
    places.get(idOf(item)) ?? places.size;
  const named = list
    .filter((item) => wanted.has(idOf(item)))
    .toSorted((a, b) => placeIn(wanted, a) - placeIn(wanted, b));
  const others = list.filter((item) => !wanted.has(idOf(item)));
  const merged: unknown[] = [];
  while (named.length > 0 || others.length > 0) {
    const [other] = others;
    const [next] = named;
    const bothKnown = before.has(idOf(other)) && before.has(idOf(next));
    const takesOther =
      named.length === 0 ||
      (others.length > 0 && bothKnown && placeIn(before, other) < placeIn(before, next));
    merged.push(takesOther ? others.shift() : named.shift());
  }
  return merged;
}

/** What is new in the target has nothing that directives could be about. */
function cleaned(value: unknown): unknown {
  return isJsonObject(value) ? withoutDirectives(value) : value;
}

function withoutDirectives(value: JsonObject): JsonObject {
  const kept = Object.entries(value).filter(
    ([key, field]) =>
      field !== null &&
      key !== directive &&
      key !== retainKeys &&
      !key.startsWith(orderPrefix) &&
      !key.startsWith(deletePrefix),
  );
  return Object.fromEntries(
    kept.map(([key, field]) => [key, isJsonArray(field) ? field.map(cleaned) : cleaned(field)]),
  );
}

function refuse(reason: string): ApiError {
  return new ApiError('BadRequest', reason);
}
