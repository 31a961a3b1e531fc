/**
 * Takes away what a deleted Namespace holds, in order: first whoever makes Pods, then the Pods, each with its grace,
 * then the rest; at last the finalizer that keeps the Namespace.
 */
import {
  deploymentKind,
  isConflict,
  isLeaving,
  isNotFound,
  kindKey,
  kinds,
  nameOf,
  namespaceFinalizer,
  namespaceKind,
  podKind,
  replicaSetKind,
  statefulSetKind,
  type Kind,
  type Namespace,
  type ObjectClient,
} from '../kube/index.ts';
import type { Component } from '../obs/index.ts';
import { createDirtyLoop } from './dirty-loop.ts';
import { followKind, Mirror, type ControllerOptions } from './mirror.ts';

/** How soon a Namespace that still holds something is looked at again. */
const retryMs = 200;

const first: readonly Kind[] = [deploymentKind, statefulSetKind, replicaSetKind, podKind];

/** Each stage begins when nothing is left of the one before. */
const stages: readonly (readonly Kind[])[] = [
  first,
  kinds.filter((kind) => kind.namespaced && !first.some((each) => kindKey(each) === kindKey(kind))),
];

export function createNamespaceController(options: ControllerOptions): Component {
  const { client, clock, log } = options;
  const dirty = new Set<string>();
  const namespaces = new Mirror<Namespace>((key, now) => {
    if (now !== undefined && isLeaving(now)) dirty.add(key);
  });
  return createDirtyLoop({
    name: 'namespaces',
    clock,
    log,
    retryMs,
    dirty,
    reflectors: (onChange) => [
      followKind(options, namespaceKind, { mirror: namespaces, onChange }),
    ],
    sync: async (key) => {
      const namespace = namespaces.objects.get(key);
      if (namespace === undefined || !isLeaving(namespace)) return 'done';
      for (const stage of stages) {
        if ((await takeAway(stage, namespace, client)) > 0) return 'wait';
      }
      await release(namespace, client);
      return 'done';
    },
  });
}

/** Deletes what there is of these kinds; resolves with how much is still there. */
async function takeAway(
  stage: readonly Kind[],
  { metadata }: Namespace,
  client: ObjectClient,
): Promise<number> {
  let left = 0;
  for (const kind of stage) {
    const { items } = await client.list(kind, { namespace: metadata.name });
    for (const item of items) {
      if (!isLeaving(item)) {
        const { uid } = item.metadata;
        await tolerating(() => client.delete(kind, nameOf(item), { preconditions: { uid } }));
      }
    }
    left +=
      items.length === 0 ? 0 : (await client.list(kind, { namespace: metadata.name })).items.length;
  }
  return left;
}

async function release({ metadata, spec }: Namespace, client: ObjectClient): Promise<void> {
  const finalizers = (spec?.finalizers ?? []).filter((each) => each !== namespaceFinalizer);
  await tolerating(() =>
    client.patch(namespaceKind, { name: metadata.name }, { spec: { finalizers } }),
  );
}

/** Somebody else was quicker: what was to go is gone, or is another one by now. */
async function tolerating(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    if (!isNotFound(thrown) && !isConflict(thrown)) throw thrown;
  }
}
