/**
 * Deletes what is left of those that are gone: an object whose owners are all deleted goes too. An owner that was
 * deleted in the foreground waits for those that block it; one that leaves orphans, until they have forgotten it. An
 * owner of a kind that is not served is taken to live.
 */
import {
  apiVersionOf,
  garbageFinalizers,
  isLeaving,
  isNotFound,
  kinds,
  nameOf,
  type DeleteOptions,
  type KubeObject,
  type OwnerReference,
} from '../kube/index.ts';
import type { Component } from '../obs/index.ts';
import { createDirtyLoop } from './dirty-loop.ts';
import { followKind, keyOf, type ControllerOptions } from './mirror.ts';
import { Ownership, waitsForCollector, type Tracked } from './ownership.ts';

const retryMs = 500;
const { foreground, orphan } = garbageFinalizers;

export function createGarbageCollector(options: ControllerOptions): Component {
  const ownership = new Ownership();
  const collector = new Collector(options, ownership);
  return createDirtyLoop({
    name: 'garbage-collector',
    clock: options.clock,
    log: options.log,
    retryMs,
    dirty: ownership.dirty,
    reflectors: (onChange) =>
      kinds.map((kind) => followKind(options, kind, { mirror: ownership.mirror(kind), onChange })),
    sync: async (id) => {
      const found = ownership.get(id);
      if (found !== undefined) await collector.collect(found);
      return 'done';
    },
  });
}

class Collector {
  private readonly options: ControllerOptions;
  private readonly ownership: Ownership;

  constructor(options: ControllerOptions, ownership: Ownership) {
    this.options = options;
    this.ownership = ownership;
  }

  async collect(found: Tracked): Promise<void> {
    const { object } = found;
    if (!isLeaving(object)) return await this.judge(found);
    if (!waitsForCollector(object)) return;
    const { uid = '', finalizers = [] } = object.metadata;
    const dependents = this.ownership.dependentsOf(uid);
    if (finalizers.includes(orphan)) {
      for (const dependent of dependents)
        await this.disown(dependent, (owner) => owner.uid !== uid);
      await this.takeOff(found, orphan);
    } else if (!dependents.some((each) => blocks(each.object, uid))) {
      // Those that do not block are dirty themselves, and go when they are looked at.
      await this.takeOff(found, foreground);
    }
  }

  /** Keeps it for the owners it has; deletes it when all are gone or wait for its end. */
  private async judge(found: Tracked): Promise<void> {
    const { kind, object } = found;
    const { uid, namespace, ownerReferences = [] } = object.metadata;
    const solid: OwnerReference[] = [];
    let waiting = 0;
    for (const owner of ownerReferences) {
      if (this.ownership.isWaiting(owner.uid)) waiting++;
      else if (!(await this.isGone(owner, namespace))) solid.push(owner);
    }
    if (solid.length === ownerReferences.length) return;
    if (solid.length > 0) {
      return await this.disown(found, ({ uid: owner }) => solid.some((each) => each.uid === owner));
    }
    // Who owns something itself waits for that, when somebody waits for it.
    const owns = this.ownership.dependentsOf(uid ?? '').length > 0;
    const how: DeleteOptions = waiting > 0 && owns ? { propagationPolicy: 'Foreground' } : {};
    const { client, log } = this.options;
    await tolerating(() => client.delete(kind, nameOf(object), { ...how, preconditions: { uid } }));
    log.debug('Deleted what its owner left', { kind: kind.kind, object: keyOf(object) });
  }

  /** Asks the API: a watch may be behind that of the owner's kind. */
  private async isGone(owner: OwnerReference, namespace: string | undefined): Promise<boolean> {
    if (this.ownership.isLive(owner.uid)) return false;
    const kind = kinds.find((k) => k.kind === owner.kind && apiVersionOf(k) === owner.apiVersion);
    if (kind === undefined) return false;
    try {
      const name = { name: owner.name, namespace: kind.namespaced ? namespace : undefined };
      return (await this.options.client.get(kind, name)).metadata.uid !== owner.uid;
    } catch (thrown) {
      if (isNotFound(thrown)) return true;
      throw thrown;
    }
  }

  /** Takes away the references that are not to be kept. A Conflict brings it back. */
  private async disown(
    { kind, object }: Tracked,
    keeps: (owner: OwnerReference) => boolean,
  ): Promise<void> {
    const { resourceVersion, ownerReferences = [] } = object.metadata;
    const kept = ownerReferences.filter(keeps);
    const metadata = { resourceVersion, ownerReferences: kept.length === 0 ? null : kept };
    await tolerating(() => this.options.client.patch(kind, nameOf(object), { metadata }));
  }

  private async takeOff({ kind, object }: Tracked, finalizer: string): Promise<void> {
    const { resourceVersion, finalizers = [] } = object.metadata;
    const kept = finalizers.filter((each) => each !== finalizer);
    const metadata = { resourceVersion, finalizers: kept.length === 0 ? null : kept };
    await tolerating(() => this.options.client.patch(kind, nameOf(object), { metadata }));
  }
}

/** Its owner, deleted in the foreground, waits for it. */
function blocks({ metadata }: KubeObject, owner: string): boolean {
  return (metadata.ownerReferences ?? []).some(
    ({ uid, blockOwnerDeletion }) => uid === owner && blockOwnerDeletion === true,
  );
}

/** What was to go is gone. */
async function tolerating(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    if (!isNotFound(thrown)) throw thrown;
  }
}
