/**
 * Which selectors match which labelled objects of a namespace, in both directions, without looking at all of
 * either: every selector is filed under one of its pairs, every object under each of its labels.
 */

type Labels = Readonly<Record<string, string>>;

const pairKey = (namespace: string, key: string, value: string): string =>
  `${namespace}/${key}=${value}`;

class Shelf {
  private readonly byPair = new Map<string, Set<string>>();

  add(pair: string, id: string): void {
    const ids = this.byPair.get(pair);
    if (ids === undefined) this.byPair.set(pair, new Set([id]));
    else ids.add(id);
  }

  delete(pair: string, id: string): void {
    const ids = this.byPair.get(pair);
    ids?.delete(id);
    if (ids?.size === 0) this.byPair.delete(pair);
  }

  get(pair: string): Iterable<string> {
    return this.byPair.get(pair) ?? [];
  }
}

export class LabelIndex {
  private readonly selectors = new Map<string, { namespace: string; selector: Labels }>();
  private readonly objects = new Map<string, { namespace: string; labels: Labels }>();
  private readonly selectorShelf = new Shelf();
  private readonly objectShelf = new Shelf();

  /** Files a selector, or takes it out when it is undefined or empty (which matches nothing here). */
  setSelector(id: string, namespace: string, selector: Labels | undefined): void {
    const old = this.selectors.get(id);
    const oldPair = old === undefined ? undefined : firstPair(old.namespace, old.selector);
    if (oldPair !== undefined) this.selectorShelf.delete(oldPair, id);
    const pair = firstPair(namespace, selector ?? {});
    if (selector === undefined || pair === undefined) {
      this.selectors.delete(id);
      return;
    }
    this.selectors.set(id, { namespace, selector });
    this.selectorShelf.add(pair, id);
  }

  /** Files an object's labels, or takes it out when they are undefined. */
  setObject(id: string, namespace: string, labels: Labels | undefined): void {
    const old = this.objects.get(id);
    if (old !== undefined) {
      for (const pair of pairs(old.namespace, old.labels)) this.objectShelf.delete(pair, id);
    }
    if (labels === undefined) {
      this.objects.delete(id);
      return;
    }
    this.objects.set(id, { namespace, labels });
    for (const pair of pairs(namespace, labels)) this.objectShelf.add(pair, id);
  }

  /** Ids of the selectors that match the object as it is filed. */
  selectorsOf(objectId: string): readonly string[] {
    const object = this.objects.get(objectId);
    if (object === undefined) return [];
    const found: string[] = [];
    for (const pair of pairs(object.namespace, object.labels)) {
      for (const id of this.selectorShelf.get(pair)) {
        const selector = this.selectors.get(id)?.selector;
        if (selector !== undefined && matches(selector, object.labels)) found.push(id);
      }
    }
    return found;
  }

  /** Ids of the objects the selector matches. */
  objectsOf(selectorId: string): readonly string[] {
    const filed = this.selectors.get(selectorId);
    if (filed === undefined) return [];
    const pair = firstPair(filed.namespace, filed.selector);
    if (pair === undefined) return [];
    return [...this.objectShelf.get(pair)].filter((id) => {
      const object = this.objects.get(id);
      return object !== undefined && matches(filed.selector, object.labels);
    });
  }
}

function firstPair(namespace: string, selector: Labels): string | undefined {
  const first = Object.entries(selector)[0];
  return first === undefined ? undefined : pairKey(namespace, first[0], first[1]);
}

function pairs(namespace: string, labels: Labels): readonly string[] {
  return Object.entries(labels).map(([key, value]) => pairKey(namespace, key, value));
}

function matches(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
