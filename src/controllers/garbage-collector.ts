/**
 * Deletes what is left of those that are gone: an object whose owners are all deleted goes too. An owner of a kind
 * that is not served is taken to live.
 */
import {
  apiVersionOf,
  isLeaving,
  isNotFound,
  kinds,
  nameOf,
  type Kind,
  type KubeObject,
  type OwnerReference,
} from '../kube/index.ts';
import type { Component } from '../obs/index.ts';
import { createDirtyLoop } from './dirty-loop.ts';
import { followKind, keyOf, Mirror, type ControllerOptions } from './mirror.ts';

const retryMs = 500;

export function createGarbageCollector(options: ControllerOptions): Component {
  const { client, clock, log } = options;
  /** Uids of all objects there are. */
  const live = new Set<string>();
  const owned = new Map<string, { readonly kind: Kind; readonly object: KubeObject }>();
  const dependents = new Map<string, Set<string>>();
  const dirty = new Set<string>();

  const note = (kind: Kind): Mirror<KubeObject> =>
    new Mirror<KubeObject>((key, now, before) => {
      const id = `${kind.plural} ${key}`;
      for (const { uid } of before?.metadata.ownerReferences ?? []) {
        const siblings = dependents.get(uid);
        siblings?.delete(id);
        if (siblings?.size === 0) dependents.delete(uid);
      }
      if (before !== undefined && before.metadata.uid !== now?.metadata.uid) {
        const gone = before.metadata.uid ?? '';
        live.delete(gone);
        for (const dependent of dependents.get(gone) ?? []) dirty.add(dependent);
      }
      if (now?.metadata.uid !== undefined) live.add(now.metadata.uid);
      const owners = now?.metadata.ownerReferences ?? [];
      if (now === undefined || owners.length === 0) {
        owned.delete(id);
        return;
      }
      owned.set(id, { kind, object: now });
      for (const { uid } of owners) {
        dependents.set(uid, (dependents.get(uid) ?? new Set<string>()).add(id));
      }
      if (owners.every((owner) => !live.has(owner.uid))) dirty.add(id);
    });

  /** Asks the API: a watch may be behind that of the owner's kind. */
  const isGone = async (owner: OwnerReference, namespace: string | undefined): Promise<boolean> => {
    if (live.has(owner.uid)) return false;
    const kind = kinds.find((k) => k.kind === owner.kind && apiVersionOf(k) === owner.apiVersion);
    if (kind === undefined) return false;
    try {
      const name = { name: owner.name, namespace: kind.namespaced ? namespace : undefined };
      return (await client.get(kind, name)).metadata.uid !== owner.uid;
    } catch (thrown) {
      if (isNotFound(thrown)) return true;
      throw thrown;
    }
  };

  return createDirtyLoop({
    name: 'garbage-collector',
    clock,
    log,
    retryMs,
    dirty,
    reflectors: (onChange) =>
      kinds.map((kind) => followKind(options, kind, { mirror: note(kind), onChange })),
    sync: async (id) => {
      const found = owned.get(id);
      if (found === undefined || isLeaving(found.object)) return 'done';
      const { kind, object } = found;
      const { uid, namespace, ownerReferences = [] } = object.metadata;
      for (const owner of ownerReferences) if (!(await isGone(owner, namespace))) return 'done';
      try {
        await client.delete(kind, nameOf(object), { preconditions: { uid } });
        log.debug('Deleted what its owner left', { kind: kind.kind, object: keyOf(object) });
      } catch (thrown) {
        if (!isNotFound(thrown)) throw thrown;
      }
      return 'done';
    },
  });
}
