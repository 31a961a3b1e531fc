/** Who owns whom among all objects, by uid: what the garbage collector decides by. */
import {
  garbageFinalizers,
  isLeaving,
  type Kind,
  type KubeObject,
  type OwnerReference,
} from '../kube/index.ts';
import { Mirror } from './mirror.ts';

export interface Tracked {
  readonly kind: Kind;
  readonly object: KubeObject;
}

export class Ownership {
  /** Ids, `PLURAL NAMESPACE/NAME`, of what must be looked at. */
  readonly dirty = new Set<string>();
  /** Objects with owners, and those that wait for the collector themselves. */
  private readonly tracked = new Map<string, Tracked>();
  private readonly live = new Set<string>();
  /** Uid of the owner -> ids of those it owns. */
  private readonly dependents = new Map<string, Set<string>>();
  /** Uid -> id of those that wait until those they own are gone, or free. */
  private readonly waiting = new Map<string, string>();

  mirror(kind: Kind): Mirror<KubeObject> {
    return new Mirror<KubeObject>((key, now, before) => this.note(kind, key, { now, before }));
  }

  get(id: string): Tracked | undefined {
    return this.tracked.get(id);
  }

  isLive(uid: string): boolean {
    return this.live.has(uid);
  }

  /** It is deleted, and waits until those it owns are gone. */
  isWaiting(uid: string): boolean {
    const object = this.tracked.get(this.waiting.get(uid) ?? '')?.object;
    return object?.metadata.finalizers?.includes(garbageFinalizers.foreground) === true;
  }

  dependentsOf(uid: string): readonly Tracked[] {
    return [...(this.dependents.get(uid) ?? [])].flatMap((id) => this.tracked.get(id) ?? []);
  }

  private note(
    kind: Kind,
    key: string,
    {
      now,
      before,
    }: { readonly now: KubeObject | undefined; readonly before: KubeObject | undefined },
  ): void {
    const id = `${kind.plural} ${key}`;
    if (before !== undefined) this.unfile(id, before);
    if (before !== undefined && before.metadata.uid !== now?.metadata.uid) {
      this.gone(before.metadata.uid ?? '');
    }
    const uid = now?.metadata.uid;
    if (now === undefined || uid === undefined) {
      this.tracked.delete(id);
      return;
    }
    this.live.add(uid);
    const owners = now.metadata.ownerReferences ?? [];
    const waits = isLeaving(now) && waitsForCollector(now);
    if (waits) {
      this.waiting.set(uid, id);
      this.dirty.add(id);
      for (const dependent of this.dependents.get(uid) ?? []) this.dirty.add(dependent);
    }
    if (owners.length === 0 && !waits) {
      if (before !== undefined) this.tracked.delete(id);
      return;
    }
    this.tracked.set(id, { kind, object: now });
    for (const owner of owners) this.file(id, owner);
  }

  private file(id: string, { uid }: OwnerReference): void {
    const siblings = this.dependents.get(uid);
    if (siblings === undefined) this.dependents.set(uid, new Set([id]));
    else siblings.add(id);
    if (!this.live.has(uid) || this.waiting.has(uid)) this.dirty.add(id);
  }

  private unfile(id: string, before: KubeObject): void {
    for (const { uid } of before.metadata.ownerReferences ?? []) {
      const siblings = this.dependents.get(uid);
      siblings?.delete(id);
      if (siblings?.size === 0) this.dependents.delete(uid);
      const waiting = this.waiting.get(uid);
      if (waiting !== undefined) this.dirty.add(waiting);
    }
  }

  private gone(uid: string): void {
    this.live.delete(uid);
    this.waiting.delete(uid);
    for (const dependent of this.dependents.get(uid) ?? []) this.dirty.add(dependent);
  }
}

export function waitsForCollector({ metadata }: KubeObject): boolean {
  const ours: readonly string[] = Object.values(garbageFinalizers);
  return metadata.finalizers?.some((each) => ours.includes(each)) === true;
}
