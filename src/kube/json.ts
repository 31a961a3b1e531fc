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

/** What freezeCopy returned: deep frozen, so it may be shared as it is. */
const frozen = new WeakSet<object>();

/**
 * A deep-frozen copy without the fields that are undefined. Parts that are frozen copies already are shared, so
 * copying an object with one changed field costs that field's path.
 */
export function freezeCopy<T>(value: T): T {
  // A copy of JSON has the type of what was copied.
  return copyOf(value) as T;
}

function copyOf(value: unknown): unknown {
  // JSON has no word for NaN and the infinities.
  if (typeof value === 'number' && !Number.isFinite(value)) return null;
  if (typeof value !== 'object' || value === null || frozen.has(value)) return value;
  const copy = isJsonArray(value)
    ? value.map(copyOf)
    : // fromEntries defines its keys: one called `__proto__` stays a plain key.
      Object.fromEntries(
        Object.entries(value)
          .filter(([, field]) => field !== undefined)
          .map(([key, field]) => [key, copyOf(field)]),
      );
  Object.freeze(copy);
  frozen.add(copy);
  return copy;
}

/** Text for messages, as Kubernetes prints values: strings quoted, the rest as JSON. */
export function formatValue(value: unknown): string {
  return value === undefined ? '' : JSON.stringify(value);
}
