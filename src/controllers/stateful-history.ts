/**
 * The ControllerRevisions of a StatefulSet: one for each template it had, so that a Pod that is not to be updated yet is
 * made anew as it was and `kubectl rollout undo` has something to go back to. Follows pkg/controller/history.
 */
import {
  apiVersionOf,
  controllerRevisionKind,
  isAlreadyExists,
  isJsonArray,
  isJsonObject,
  isLeaving,
  isNotFound,
  labels as wellKnown,
  nameOf,
  statefulSetKind,
  type ControllerRevision,
  type JsonObject,
  type Pod,
  type PodTemplate,
  type StatefulSet,
} from '../kube/index.ts';
import { claim } from './claim.ts';
import { ownedBy, sameMeaning, templateHash } from './pod-template.ts';
import type { SyncContext } from './sync-context.ts';

export interface SetRevisions {
  /** What the Pods were before the update that is under way; `update` when none is. */
  readonly current: ControllerRevision;
  /** The template as it is now. */
  readonly update: ControllerRevision;
  /** How often the name of a revision was taken by something else. */
  readonly collisionCount: number;
}

const defaultHistoryLimit = 10;

export async function syncRevisions(set: StatefulSet, context: SyncContext): Promise<SetRevisions> {
  const { client, state } = context;
  await claim({
    client,
    owner: set,
    ownerKind: statefulSetKind,
    kind: controllerRevisionKind,
    mirror: state.revisions,
    // What it made stays its own, whatever labels it has.
    owned: [],
    orphans: state.orphanRevisionsFor(set),
  });
  const known = oldestFirst(state.revisionsOf(set));
  const { revision: update, collisionCount } = await updateRevision(set, known, context);
  const named = set.status?.currentRevision;
  const current = known.find(({ metadata }) => metadata.name === named) ?? update;
  return { current, update, collisionCount };
}

/** Drops the oldest of those that no Pod is of and that are neither current nor next, beyond the limit. */
export async function truncateHistory(
  set: StatefulSet,
  pods: readonly Pod[],
  { client, state }: SyncContext,
): Promise<void> {
  const { currentRevision = '', updateRevision: next = '' } = set.status ?? {};
  const live = new Set([currentRevision, next, ...pods.map((pod) => revisionNameOf(pod))]);
  const unused = oldestFirst(state.revisionsOf(set)).filter(
    ({ metadata }) => !live.has(metadata.name),
  );
  const { revisionHistoryLimit = defaultHistoryLimit } = set.spec ?? {};
  for (const revision of unused.slice(0, Math.max(0, unused.length - revisionHistoryLimit))) {
    const { uid } = revision.metadata;
    try {
      await client.delete(controllerRevisionKind, nameOf(revision), { preconditions: { uid } });
    } catch (thrown) {
      if (!isNotFound(thrown)) throw thrown;
    }
    state.revisions.remove(revision);
  }
}

/** The template a revision keeps; undefined when somebody else wrote it, and something else. */
export function keptTemplate({ data }: ControllerRevision): PodTemplate | undefined {
  const spec = data?.['spec'];
  const template = isJsonObject(spec) ? spec['template'] : undefined;
  if (!isTemplate(template)) return undefined;
  const { $patch: _directive, ...kept } = template;
  return kept;
}

/** Which template a Pod is of, by the name of its revision. */
export function revisionNameOf({ metadata }: Pod): string | undefined {
  return metadata.labels?.[wellKnown.controllerRevisionHash];
}

interface Found {
  readonly revision: ControllerRevision;
  readonly collisionCount: number;
}

async function updateRevision(
  set: StatefulSet,
  known: readonly ControllerRevision[],
  context: SyncContext,
): Promise<Found> {
  const { collisionCount = 0 } = set.status ?? {};
  const data = patchOf(set);
  const equal = known.filter((revision) => sameMeaning(revision.data, data)).at(-1);
  const newest = known.at(-1);
  if (equal !== undefined && equal === newest) return { revision: equal, collisionCount };
  const number = (newest?.revision ?? 0) + 1;
  if (equal === undefined) return await createRevision(set, { number, data }, context);
  // Gone back to: it is the newest again, under the name it had.
  const { client, state } = context;
  const raised = await client.patch(controllerRevisionKind, nameOf(equal), { revision: number });
  state.revisions.set(raised);
  return { revision: raised, collisionCount };
}

async function createRevision(
  set: StatefulSet,
  { number, data }: { readonly number: number; readonly data: JsonObject },
  { client, state }: SyncContext,
): Promise<Found> {
  for (let { collisionCount = 0 } = set.status ?? {}; ; collisionCount++) {
    const wanted = newRevision(set, { number, data, collisionCount });
    try {
      const revision = await client.create(controllerRevisionKind, wanted);
      state.revisions.set(revision);
      return { revision, collisionCount };
    } catch (thrown) {
      if (!isAlreadyExists(thrown)) throw thrown;
      const revision = await client.get(controllerRevisionKind, nameOf(wanted));
      if (sameMeaning(revision.data, data)) return { revision, collisionCount };
    }
  }
}

function newRevision(
  set: StatefulSet,
  {
    number,
    data,
    collisionCount,
  }: { readonly number: number; readonly data: JsonObject; readonly collisionCount: number },
): ControllerRevision {
  const { name, namespace = 'default', annotations } = set.metadata;
  const { template } = set.spec ?? {};
  const hash = templateHash(template, collisionCount);
  return {
    apiVersion: apiVersionOf(controllerRevisionKind),
    kind: controllerRevisionKind.kind,
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels: { ...template?.metadata?.labels, [wellKnown.controllerRevision]: hash },
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [ownedBy(statefulSetKind, set)],
    },
    data,
    revision: number,
  };
}

/**
 * As a strategic merge patch, which is what `kubectl rollout undo` sends it as. By its bytes, with keys in order as Go
 * writes them, kubectl sees that there is nothing to go back to.
 */
function patchOf({ spec }: StatefulSet): JsonObject {
  const sorted = inOrder({ ...spec?.template, $patch: 'replace' });
  return { spec: { template: sorted } };
}

function inOrder(value: unknown): unknown {
  if (isJsonArray(value)) return value.map(inOrder);
  if (!isJsonObject(value)) return value;
  const keys = Object.keys(value).toSorted();
  return Object.fromEntries(keys.map((key) => [key, inOrder(value[key])]));
}

function oldestFirst(revisions: readonly ControllerRevision[]): readonly ControllerRevision[] {
  return revisions
    .filter((revision) => !isLeaving(revision))
    .toSorted((a, b) => a.revision - b.revision || (madeBefore(a, b) ? -1 : 1));
}

function madeBefore(
  { metadata: a }: ControllerRevision,
  { metadata: b }: ControllerRevision,
): boolean {
  const [left = '', right = ''] = [a.creationTimestamp, b.creationTimestamp];
  return left === right ? a.name < b.name : left < right;
}

/** The registry looks at what is made of it as at everything: here only that it is one at all. */
function isTemplate(value: unknown): value is PodTemplate & JsonObject {
  return isJsonObject(value) && isJsonObject(value['spec']);
}
