/** Leaves out the fields that a kind does not have, as the API server does when it reads an object. */
import { isJsonArray, isJsonObject, type Schema } from '../kube/index.ts';

/** Deeper than any kind. */
const maxDepth = 100;

/** The value itself when nothing is left out. */
export function pruneUnknown(schema: Schema, value: unknown, depth = 0): unknown {
  if (depth > maxDepth) return undefined;
  if (schema.type === 'list' && isJsonArray(value)) {
    const kept = value.map((item) => pruneUnknown(schema.items, item, depth + 1));
    return kept.some((item, i) => item !== value[i]) ? kept : value;
  }
  if (!isJsonObject(value) || (schema.type !== 'object' && schema.type !== 'map')) return value;
  let changed = false;
  const kept: [string, unknown][] = [];
  for (const [key, field] of Object.entries(value)) {
    const own = schema.type === 'map' ? schema.values : schema.fields.get(key);
    const next = own === undefined ? undefined : pruneUnknown(own, field, depth + 1);
    changed ||= next !== field;
    if (next !== undefined) kept.push([key, next]);
  }
  return changed ? Object.fromEntries(kept) : value;
}
