/**
 * Sets of fields of an object, as the tree that FieldsV1 writes: `f:NAME` is a field, `k:{...}` the item of a list
 * with that key, `v:...` the item with that value. A node is in the set itself, has others below it, or both.
 */
import { isJsonObject, type JsonObject } from '../kube/index.ts';

export interface FieldSet {
  /** Whether the node itself is in the set, apart from what is below it. */
  readonly isMember: boolean;
  readonly children: ReadonlyMap<string, FieldSet>;
}

export const emptySet: FieldSet = { isMember: false, children: new Map() };
const leaf: FieldSet = { isMember: true, children: new Map() };

export function isEmptySet({ isMember, children }: FieldSet): boolean {
  return !isMember && children.size === 0;
}

/** Deeper than any kind goes. */
const maxDepth = 100;

/** What cannot be read is left out. */
export function parseFields(fields: unknown, depth = 0): FieldSet {
  if (!isJsonObject(fields) || depth > maxDepth) return emptySet;
  const children = new Map<string, FieldSet>();
  for (const [key, value] of Object.entries(fields)) {
    if (key === '.') continue;
    const below = parseFields(value, depth + 1);
    const isLeaf = isJsonObject(value) && (Object.keys(value).length === 0 || '.' in value);
    children.set(key, { isMember: isLeaf, children: below.children });
  }
  return { isMember: false, children };
}

export function formatFields({ isMember, children }: FieldSet): JsonObject {
  const below = [...children]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, child]) => [key, formatFields(child)] as const);
  // Alone, a member needs no mark.
  return Object.fromEntries(isMember && below.length > 0 ? [['.', {}], ...below] : below);
}

export function unionOf(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a)) return b;
  if (isEmptySet(b)) return a;
  const children = new Map(a.children);
  for (const [key, child] of b.children) {
    const other = children.get(key);
    children.set(key, other === undefined ? child : unionOf(other, child));
  }
  return { isMember: a.isMember || b.isMember, children };
}

/** The members of `a` that are not members of `b`; what is below one of them stays. */
export function differenceOf(a: FieldSet, b: FieldSet): FieldSet {
  return combined(a, b, (inA, inB) => inA && !inB);
}

export function intersectionOf(a: FieldSet, b: FieldSet): FieldSet {
  return combined(a, b, (inA, inB) => inA && inB);
}

function combined(
  a: FieldSet,
  b: FieldSet,
  keep: (inA: boolean, inB: boolean) => boolean,
): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const [key, child] of a.children) {
    const kept = combined(child, b.children.get(key) ?? emptySet, keep);
    if (!isEmptySet(kept)) children.set(key, kept);
  }
  return { isMember: keep(a.isMember, b.isMember), children };
}

/** Without some of its first fields and all that is below them. */
export function withoutFields({ isMember, children }: FieldSet, keys: readonly string[]): FieldSet {
  return { isMember, children: new Map([...children].filter(([key]) => !keys.includes(key))) };
}

/** Every field that has something below it in the set is a member too; items of lists are as they were. */
export function withNamedFields({ isMember, children }: FieldSet): FieldSet {
  const named = [...children].map(([key, child]) => {
    const below = withNamedFields(child);
    const isNamed = below.isMember || (key.startsWith('f:') && below.children.size > 0);
    return [key, { ...below, isMember: isNamed }] as const;
  });
  return { isMember, children: new Map(named) };
}

export function equalSets(a: FieldSet, b: FieldSet): boolean {
  if (a.isMember !== b.isMember || a.children.size !== b.children.size) return false;
  return [...a.children].every(([key, child]) => {
    const other = b.children.get(key);
    return other !== undefined && equalSets(child, other);
  });
}

/** The members as paths of keys, in order. */
export function* pathsOf(
  { isMember, children }: FieldSet,
  path: readonly string[] = [],
): Iterable<readonly string[]> {
  if (isMember && path.length > 0) yield path;
  const sorted = [...children].toSorted(([a], [b]) => (a < b ? -1 : 1));
  for (const [key, child] of sorted) yield* pathsOf(child, [...path, key]);
}

/** `.spec.ports[port=80,protocol="TCP"].name`. */
export function formatPath(path: readonly string[]): string {
  return path.map(formatElement).join('');
}

function formatElement(element: string): string {
  const text = element.slice(2);
  if (element.startsWith('f:')) return `.${text}`;
  if (element.startsWith('v:')) return `[=${text}]`;
  const key: unknown = JSON.parse(text);
  const pairs = Object.entries(isJsonObject(key) ? key : {}).map(
    ([name, value]) => `${name}=${JSON.stringify(value)}`,
  );
  return `[${pairs.join(',')}]`;
}

/** A set that is filled path by path. */
export class FieldSetBuilder {
  private isMember = false;
  private readonly children = new Map<string, FieldSetBuilder>();

  insert(path: readonly string[], from = 0): void {
    const key = path[from];
    if (key === undefined) {
      this.isMember = true;
      return;
    }
    let next = this.children.get(key);
    if (next === undefined) {
      next = new FieldSetBuilder();
      this.children.set(key, next);
    }
    next.insert(path, from + 1);
  }

  build(): FieldSet {
    if (this.children.size === 0) return this.isMember ? leaf : emptySet;
    const children = new Map([...this.children].map(([key, child]) => [key, child.build()]));
    return { isMember: this.isMember, children };
  }
}
