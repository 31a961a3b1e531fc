/** What a controller has seen of a kind, and what it wrote itself before the watch says so. */
import {
  createReflector,
  nameOf,
  objectKey,
  type Kind,
  type KubeObject,
  type ObjectClient,
} from '../kube/index.ts';
import type { Clock, Random } from '../model/index.ts';
import type { Component, Logger } from '../obs/index.ts';

/** Everything a controller needs of the world. */
export interface ControllerOptions {
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export type Changed<T> = (key: string, now: T | undefined, before: T | undefined) => void;

/** Objects of one kind by key, telling `changed` of every difference. */
export class Mirror<T extends KubeObject> {
  readonly objects = new Map<string, T>();
  private readonly changed: Changed<T>;

  constructor(changed: Changed<T>) {
    this.changed = changed;
  }

  /** Takes the object unless a newer one is known: a controller's own write comes before the watch tells of it. */
  set(object: T): void {
    const key = keyOf(object);
    const before = this.objects.get(key);
    if (before !== undefined && versionOf(object) <= versionOf(before)) return;
    this.objects.set(key, object);
    this.changed(key, object, before);
  }

  /** `last` is the object as it went. */
  remove(last: T): void {
    const before = this.objects.get(keyOf(last));
    if (before !== undefined && versionOf(last) < versionOf(before)) return;
    this.forget(keyOf(last));
  }

  replace(items: readonly T[]): void {
    if (this.objects.size > 0) {
      const listed = new Set(items.map(keyOf));
      for (const key of this.objects.keys()) if (!listed.has(key)) this.forget(key);
    }
    for (const item of items) this.set(item);
  }

  private forget(key: string): void {
    const before = this.objects.get(key);
    if (before === undefined) return;
    this.objects.delete(key);
    this.changed(key, undefined, before);
  }
}

/** A reflector that keeps the mirror true and calls `onChange` after each change. */
export function followKind<T extends KubeObject>(
  { client, clock, random, log }: ControllerOptions,
  kind: Kind<T>,
  followed: { readonly mirror: Mirror<T>; readonly onChange: () => void },
): Component {
  const { mirror, onChange } = followed;
  return createReflector<T>({
    client,
    kind,
    clock,
    random,
    log,
    onReplace: (items) => {
      mirror.replace(items);
      onChange();
    },
    onEvent: (event) => {
      if (event.type === 'DELETED') mirror.remove(event.object);
      else mirror.set(event.object);
      onChange();
    },
  });
}

export function keyOf(object: KubeObject): string {
  return objectKey(nameOf(object));
}

/** Versions grow over all objects, and may be compared (KEP-5504). */
function versionOf({ metadata }: KubeObject): number {
  return Number(metadata.resourceVersion ?? 0);
}
