/**
 * JSON values as they come from files and the network: telling them apart, comparing, and copying them so that
 * nobody can change them any more. The only place that narrows unknown JSON by assertion.
 */

/** A JSON object: not an array, not null. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isJsonArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** An own field: every object has a `constructor`, and none of JSON's is meant. */
export function fieldOf(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Equal as JSON: key order does not count, and a field that is undefined is as good as absent. */
export function jsonEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isJsonArray(a)) {
    return isJsonArray(b) && a.length === b.length && a.every((item, i) => jsonEqual(item, b[i]));
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const present = (object: JsonObject): readonly string[] =>
    Object.keys(object).filter((key) => object[key] !== undefined);
  const keys = present(a);
  return (
    keys.length === present(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && jsonEqual(a[key], b[key]))
  );
}

/**
 * A deep-frozen copy without the fields that are undefined. Parts that are deep frozen already are shared as they
 * are, so copying an object with one changed field makes that field's path anew.
 */
export function freezeCopy<T>(value: T): T {
  // A copy of JSON has the type of what was copied.
  return copyOf(value) as T;
}

function copyOf(value: unknown): unknown {
  // JSON has no word for NaN and the infinities.
  if (typeof value === 'number' && !Number.isFinite(value)) return null;
  if (typeof value !== 'object' || value === null || isWhole(value)) return value;
  return Object.freeze(isJsonArray(value) ? value.map(copyOf) : copyOfObject(value));
}

/** Deep frozen, and nothing in it that a copy would lack: it stands for its own copy. No mark, no memory. */
function isWhole(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return value !== undefined;
  if (!Object.isFrozen(value)) return false;
  if (isJsonArray(value)) return value.every(isWhole);
  for (const key of Object.keys(value)) if (!isWhole(Reflect.get(value, key))) return false;
  return true;
}

function copyOfObject(value: object): object {
  // Spreading defines every key, also `__proto__`, which setting then finds; and it packs fields closest.
  const copy: Record<string, unknown> = { ...value };
  for (const key of Object.keys(copy)) {
    const field = copy[key];
    if (field === undefined) return withoutUndefined(value);
    if (typeof field === 'object' || typeof field === 'number') {
      copy[key] = copyOf(field);
    }
  }
  return copy;
}

function withoutUndefined(value: object): object {
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return copyOfObject(Object.fromEntries(fields));
}

/** Text for messages, as Kubernetes prints values: strings quoted, the rest as JSON. */
export function formatValue(value: unknown): string {
  return value === undefined ? '' : JSON.stringify(value);
}
