/**
 * Server-side apply: a configuration is laid over the live object, what its applier owned and no longer names goes
 * unless somebody else owns it, and fields of others are not taken without force.
 */
import {
  ApiError,
  apiVersionOf,
  formatTimestamp,
  isJsonObject,
  schemaOf,
  type JsonObject,
  type Kind,
  type ManagedFieldsEntry,
} from '../kube/index.ts';
import {
  differenceOf,
  emptySet,
  equalSets,
  formatPath,
  intersectionOf,
  isEmptySet,
  pathsOf,
  unionOf,
  withNamedFields,
  type FieldSet,
} from './field-set.ts';
import {
  comparable,
  firstManagers,
  formatManagers,
  isSameManager,
  managersOf,
  ownable,
  type Manager,
} from './managed-fields.ts';
import { compareTyped, fieldsOf, mergeTyped, removeFields } from './typed-walk.ts';

export interface Application {
  readonly kind: Kind;
  /** The stored object; undefined when the configuration makes it. */
  readonly live: JsonObject | undefined;
  readonly config: JsonObject;
  readonly manager: string;
  readonly force: boolean;
  readonly subresource: 'status' | undefined;
  readonly nowMs: number;
}

/** The object to store, its owners in its metadata. Throws Conflict when somebody else owns what would change. */
export function applyConfiguration(application: Application): JsonObject {
  const { kind, live, config, manager, force, subresource = '', nowMs } = application;
  const schema = schemaOf(kind);
  const identity = {
    name: manager,
    operation: 'Apply',
    apiVersion: apiVersionOf(kind),
    subresource,
  } as const;
  const before = managersOf(live) ?? (live === undefined ? [] : firstManagers(kind, live, nowMs));
  const last = before.find((one) => isSameManager(one, identity));
  const fields = ownable(fieldsOf(schema, config), subresource);
  const own: Manager = {
    ...identity,
    time: last !== undefined && equalSets(last.fields, fields) ? last.time : formatTimestamp(nowMs),
    fields,
  };
  const others = before.filter((one) => one !== last);
  const base = withoutOwners(live);
  const merged = mergeTyped(schema, base, withoutOwners(config));
  const wanted = prune(schema, merged, {
    last: last?.fields ?? emptySet,
    owned: [...others, own].reduce((sum, one) => unionOf(sum, one.fields), emptySet),
  });
  const compared = compareTyped(schema, {
    before: comparable(kind, base),
    after: comparable(kind, wanted),
  });
  const changed = ownable(unionOf(compared.added, compared.modified), subresource);
  const removed = ownable(compared.removed, subresource);
  if (!force && live !== undefined) refuseConflicts(others, changed);
  const left = others.map((one) => ({
    ...one,
    fields: differenceOf(differenceOf(one.fields, changed), removed),
  }));
  return withOwners(wanted, formatManagers([...left, own]));
}

interface Pruning {
  /** What the applier owned before. */
  readonly last: FieldSet;
  /** What anybody owns now. */
  readonly owned: FieldSet;
}

function prune(
  schema: ReturnType<typeof schemaOf>,
  merged: unknown,
  { last, owned }: Pruning,
): JsonObject {
  const gone = differenceOf(withNamedFields(last), withNamedFields(owned));
  const left = isEmptySet(gone) ? merged : removeFields(schema, merged, gone);
  return isJsonObject(left) ? left : {};
}

function withoutOwners(object: JsonObject | undefined): JsonObject {
  if (object === undefined) return {};
  const metadata = object['metadata'];
  if (!isJsonObject(metadata)) return object;
  const { managedFields: _owners, ...rest } = metadata;
  return { ...object, metadata: rest };
}

function withOwners(object: JsonObject, managedFields: readonly ManagedFieldsEntry[]): JsonObject {
  const metadata = object['metadata'];
  return { ...object, metadata: { ...(isJsonObject(metadata) ? metadata : {}), managedFields } };
}

interface FieldConflict {
  readonly owner: string;
  readonly field: string;
}

function refuseConflicts(others: readonly Manager[], changed: FieldSet): void {
  const conflicts = others.flatMap((manager): readonly FieldConflict[] => {
    const owner = ownerText(manager);
    return [...pathsOf(intersectionOf(manager.fields, changed))].map((path) => ({
      owner,
      field: formatPath(path),
    }));
  });
  if (conflicts.length === 0) return;
  throw new ApiError('Conflict', conflictMessage(conflicts), {
    causes: conflicts.map(({ owner, field }) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${owner}`,
      field,
    })),
  });
}

function ownerText({ name, operation, apiVersion, time, subresource }: Manager): string {
  const named = `${JSON.stringify(name)}${subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`}`;
  if (operation === 'Apply') return named;
  return time === '' ? `${named} using ${apiVersion}` : `${named} using ${apiVersion} at ${time}`;
}

function conflictMessage(conflicts: readonly FieldConflict[]): string {
  const [first] = conflicts;
  if (first !== undefined && conflicts.length === 1) {
    return `Apply failed with 1 conflict: conflict with ${first.owner}: ${first.field}`;
  }
  const byOwner = [...Map.groupBy(conflicts, ({ owner }) => owner)].toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  );
  const lines = byOwner.flatMap(([owner, fields]) => [
    `conflicts with ${owner}:`,
    ...fields.map(({ field }) => `- ${field}`),
  ]);
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`;
}
