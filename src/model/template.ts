/**
 * Sentences with gaps. `{name}` is filled with the value, a list as `a, b and c`; `{name#Pod}` counts
 * (`3 Pods`); `{name?is|are}` takes the first word for one and the second for any other number.
 *
 * The gaps of a template are known to the compiler, so a value that is missing is a type error.
 */

/** A list counts by its length. */
export type Value = string | number | readonly string[];

type GapName<Gap extends string> = Gap extends `${infer Name}#${string}`
  ? Name
  : Gap extends `${infer Name}?${string}`
    ? Name
    : Gap;

/** The names of a template's gaps. */
export type GapsOf<Template extends string> =
  Template extends `${string}{${infer Gap}}${infer Rest}` ? GapName<Gap> | GapsOf<Rest> : never;

/** So many items of a list are named, the others are counted. */
const namedItems = 5;

/** The sentence; a gap without a value stays empty, which the types rule out for templates known to them. */
export function fill(template: string, values: Readonly<Record<string, Value>>): string {
  return template.replaceAll(
    /\{(\w+)(?:#(\w+)|\?([^|}]*)\|([^}]*))?\}/g,
    (_, name: string, noun?: string, one?: string, many?: string) => {
      const value = values[name] ?? '';
      if (noun !== undefined) return `${countOf(value)} ${plural(noun, countOf(value))}`;
      if (many !== undefined) return countOf(value) === 1 ? (one ?? '') : many;
      return typeof value === 'object' ? formatList(value) : String(value);
    },
  );
}

/** `a`, `a and b`, `a, b and 7 more`; `none` for nothing. */
export function formatList(items: readonly string[]): string {
  if (items.length === 0) return 'none';
  const rest = items.length - namedItems;
  // Naming the last one is as short as counting it.
  const named = rest > 1 ? [...items.slice(0, namedItems), `${rest} more`] : items;
  const last = named.at(-1) ?? '';
  return named.length === 1 ? last : `${named.slice(0, -1).join(', ')} and ${last}`;
}

function countOf(value: Value): number {
  return typeof value === 'object' ? value.length : Number(value);
}

function plural(noun: string, count: number): string {
  if (count === 1) return noun;
  return noun.endsWith('s') ? `${noun}es` : `${noun}s`;
}
