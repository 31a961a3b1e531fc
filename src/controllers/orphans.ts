/**
 * Objects without a controller and the selectors that would take them in, in both directions; and whether a whole
 * selector, with its expressions, matches. Pure.
 */
import type { LabelSelectorSpec } from '../kube/index.ts';
import { LabelIndex } from './label-index.ts';

type Labels = Readonly<Record<string, string>>;

/** An empty selector matches nothing: the API takes none for these kinds. */
export function selects(selector: LabelSelectorSpec | undefined, labels: Labels = {}): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  const pairs = Object.entries(matchLabels);
  if (pairs.length + matchExpressions.length === 0) return false;
  return (
    pairs.every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === 'In') return value !== undefined && values.includes(value);
      if (operator === 'NotIn') return value === undefined || !values.includes(value);
      return (value !== undefined) === (operator === 'Exists');
    })
  );
}

export class Orphans {
  private readonly index = new LabelIndex();
  /** By namespace: owners whose selector has only expressions, and all orphans for them to look at. */
  private readonly loose = new Map<string, Set<string>>();
  private readonly all = new Map<string, Set<string>>();

  setOwner(id: string, namespace: string, selector: LabelSelectorSpec | undefined): void {
    this.index.setSelector(id, namespace, selector?.matchLabels);
    const isLoose = selector !== undefined && Object.keys(selector.matchLabels ?? {}).length === 0;
    put(this.loose, namespace, { id, isIn: isLoose });
  }

  /** Undefined labels: it has a controller, or is gone. */
  setObject(key: string, namespace: string, labels: Labels | undefined): void {
    this.index.setObject(key, namespace, labels);
    put(this.all, namespace, { id: key, isIn: labels !== undefined });
  }

  /** Owners that may want the object; their whole selector is to be asked. */
  ownersOf(key: string, namespace: string): readonly string[] {
    return [...this.index.selectorsOf(key), ...(this.loose.get(namespace) ?? [])];
  }

  /** Objects the owner may want. */
  objectsOf(id: string, namespace: string): readonly string[] {
    const isLoose = this.loose.get(namespace)?.has(id) === true;
    return isLoose ? [...(this.all.get(namespace) ?? [])] : this.index.objectsOf(id);
  }
}

function put(
  sets: Map<string, Set<string>>,
  namespace: string,
  { id, isIn }: { readonly id: string; readonly isIn: boolean },
): void {
  const ids = sets.get(namespace) ?? new Set<string>();
  if (isIn) sets.set(namespace, ids.add(id));
  else if (ids.delete(id) && ids.size === 0) sets.delete(namespace);
}
