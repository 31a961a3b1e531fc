/** JSON merge patch (RFC 7386), the one kind of patch an ObjectClient takes. */
import { fieldOf, isJsonObject, jsonEqual, type JsonObject } from './json.ts';

/**
 * The target with the patch applied; neither is changed, and what the patch does not touch is shared. Returns
 * the target itself when the patch is an object that changes nothing.
 */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return patch;
  const base = isJsonObject(target) ? target : {};
  // A Map, so that a key called `__proto__` stays a plain key.
  const merged = new Map<string, unknown>(Object.entries(base));
  let changed = base !== target;
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    if (value === null) {
      changed = merged.delete(key) || changed;
      continue;
    }
    const before = merged.get(key);
    const after = applyMergePatch(before, value);
    if (merged.has(key) && Object.is(before, after)) continue;
    merged.set(key, after);
    changed = true;
  }
  return changed ? Object.fromEntries(merged) : base;
}

/**
 * The patch that makes `before` into `after`, save for what `after` does not mention: those fields stay. A list is
 * replaced as a whole. Undefined when nothing is to be done.
 */
export function mergePatchFor(before: unknown, after: JsonObject): JsonObject | undefined {
  const base = isJsonObject(before) ? before : {};
  const patch: [string, unknown][] = [];
  for (const [key, value] of Object.entries(after)) {
    if (value === undefined) continue;
    const old = fieldOf(base, key);
    if (isJsonObject(value)) {
      const part = mergePatchFor(old, value);
      if (part !== undefined) patch.push([key, part]);
      else if (!isJsonObject(old)) patch.push([key, {}]);
    } else if (!jsonEqual(old ?? null, value)) {
      patch.push([key, value]);
    }
  }
  return patch.length === 0 ? undefined : Object.fromEntries(patch);
}
