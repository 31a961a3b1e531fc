/** The changes that make one set of objects of another. */
import { jsonEqual, kindKey, kinds, type KubeObject } from '../kube/index.ts';
import type { StoredRevision } from './journal.ts';
import type { WantedChange } from './memory.ts';

export interface ReplacementOptions {
  readonly now: readonly StoredRevision[];
  readonly wanted: readonly StoredRevision[];
  /** Stays as it is now, or stays away. */
  readonly isKept: (object: KubeObject) => boolean;
}

/** What goes comes first, as it may hold a name that something else is to have. */
export function changesBetween({
  now,
  wanted,
  isKept,
}: ReplacementOptions): readonly WantedChange[] {
  const kindOf = new Map(kinds.map((kind) => [kindKey(kind), kind]));
  const before = new Map(now.map((revision) => [keyOf(revision), revision.object]));
  const after = new Map(wanted.map((revision) => [keyOf(revision), revision.object]));
  const gone: WantedChange[] = [];
  const there: WantedChange[] = [];
  for (const { kind: key, object, ...rest } of now) {
    const kind = kindOf.get(key);
    const next = after.get(keyOf({ kind: key, ...rest }));
    // Made anew under its name, it is another object, and watchers are to see one go and one come.
    const isSame = next !== undefined && next.metadata.uid === object.metadata.uid;
    if (kind !== undefined && !isSame && !isKept(object))
      gone.push({ kind, type: 'DELETED', object });
  }
  for (const { kind: key, object, ...rest } of wanted) {
    const kind = kindOf.get(key);
    const old = before.get(keyOf({ kind: key, ...rest }));
    if (kind === undefined || isKept(object)) continue;
    if (old === undefined || old.metadata.uid !== object.metadata.uid) {
      there.push({ kind, type: 'ADDED', object });
    } else if (!jsonEqual(unversioned(old), unversioned(object))) {
      there.push({ kind, type: 'MODIFIED', object });
    }
  }
  return [...gone, ...there];
}

function keyOf({
  kind,
  namespace,
  name,
}: Omit<StoredRevision, 'object' | 'version' | 'deleted'>): string {
  return `${kind} ${namespace}/${name}`;
}

function unversioned(object: KubeObject): unknown {
  return { ...object, metadata: { ...object.metadata, resourceVersion: '' } };
}
