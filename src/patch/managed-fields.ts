/**
 * Who owns which field: `metadata.managedFields`, kept as the API server keeps it (structured-merge-diff and
 * apimachinery's managedfields, Kubernetes 1.36).
 */
import {
  apiVersionOf,
  formatTimestamp,
  isJsonObject,
  kindKey,
  schemaOf,
  type JsonObject,
  type Kind,
  type ManagedFieldsEntry,
} from '../kube/index.ts';
import {
  differenceOf,
  emptySet,
  equalSets,
  formatFields,
  isEmptySet,
  parseFields,
  unionOf,
  withoutFields,
  type FieldSet,
} from './field-set.ts';
import type { ShapeMemory } from './shape-memory.ts';
import { compareTyped, fieldsOf, traceOf } from './typed-walk.ts';
import { zeroObject } from './zero-objects.ts';

export interface Manager {
  readonly name: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly time: string;
  readonly subresource: string;
  readonly fields: FieldSet;
}

/** Managers of the updates of one object; more are one, called `ancient-changes`. */
const maxUpdaters = 10;
const ancient = 'ancient-changes';
/** Owner of what was there when the first configuration was applied. */
const beforeFirstApply = 'before-first-apply';

function parseManagers(entries: readonly ManagedFieldsEntry[] | undefined): Manager[] {
  return (entries ?? []).flatMap((entry) => {
    if (!isJsonObject(entry.fieldsV1)) return [];
    const { manager = '', operation, apiVersion = '', time = '', subresource = '' } = entry;
    return {
      name: manager,
      operation: operation === 'Apply' ? 'Apply' : 'Update',
      apiVersion,
      time,
      subresource,
      fields: parseFields(entry.fieldsV1),
    };
  });
}

export function formatManagers(managers: readonly Manager[]): readonly ManagedFieldsEntry[] {
  return managers
    .filter(({ fields }) => !isEmptySet(fields))
    .toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
    .map(({ name, operation, apiVersion, time, subresource, fields }) => ({
      manager: name,
      operation,
      apiVersion,
      time,
      fieldsType: 'FieldsV1',
      fieldsV1: formatFields(fields),
      ...(subresource === '' ? {} : { subresource }),
    }));
}

function sortKey({ operation, time, name, apiVersion, subresource }: Manager): string {
  return JSON.stringify([operation, time, name, apiVersion, subresource]);
}

/** The same writer in the same way. */
export function isSameManager(a: Manager, b: Omit<Manager, 'fields' | 'time'>): boolean {
  return (
    a.name === b.name &&
    a.operation === b.operation &&
    a.apiVersion === b.apiVersion &&
    a.subresource === b.subresource
  );
}

export interface FieldChange {
  readonly kind: Kind;
  /** Undefined when it is made. */
  readonly before: JsonObject | undefined;
  readonly after: JsonObject;
  /** `after` before it was completed. */
  readonly given: unknown;
  readonly manager: string;
  readonly subresource: 'status' | 'scale' | undefined;
  readonly nowMs: number;
  /** What is known of objects made before; undefined: nothing is remembered. */
  readonly shapes?: ShapeMemory | undefined;
}

/** The owners after a write that is no apply: who changed a field owns it, and nobody owns what is gone. */
export function ownersAfterUpdate(change: FieldChange): readonly ManagedFieldsEntry[] {
  const { kind, before, after, manager, subresource = '', nowMs } = change;
  const managers = managersOf(after) ?? managersOf(before) ?? [];
  if (before === undefined && managers.length === 0 && change.shapes !== undefined) {
    return ownerOfNew(change, change.shapes);
  }
  const compared = compareTyped(schemaOf(kind), {
    before: comparable(kind, before),
    after: comparable(kind, after),
  });
  const touched = ownable(unionOf(compared.added, compared.modified), subresource);
  const changed = differenceOf(touched, filledIn(change));
  const removed = ownable(compared.removed, subresource);
  const writer = {
    name: manager,
    operation: 'Update',
    apiVersion: apiVersionOf(kind),
    subresource,
  } as const;
  const known = managers.find((one) => isSameManager(one, writer));
  const gained = unionOf(known?.fields ?? emptySet, changed);
  const fields = differenceOf(gained, removed);
  const unchanged = known !== undefined && equalSets(known.fields, fields);
  const time = unchanged ? known.time : formatTimestamp(nowMs);
  const others = managers
    .filter((one) => one !== known)
    .map((one) => ({
      ...one,
      fields: differenceOf(differenceOf(one.fields, changed), removed),
    }));
  return formatManagers(capped([...others, { ...writer, time, fields }]));
}

/** What the API server fills in after it has noted who owns what; whoever says it himself owns it. */
const filled: Readonly<Record<string, FieldSet>> = {
  Namespace: parseFields({ 'f:spec': { 'f:finalizers': {} } }),
  Pod: parseFields({
    'f:spec': { 'f:preemptionPolicy': {}, 'f:priority': {}, 'f:tolerations': {} },
  }),
  Service: parseFields({ 'f:spec': { 'f:clusterIPs': {} } }),
};

function filledIn({ kind, given }: FieldChange): FieldSet {
  const fields = filled[kind.kind];
  if (fields === undefined) return emptySet;
  if (!namesAny(fields, given)) return fields;
  return differenceOf(fields, fieldsOf(schemaOf(kind), only(fields, given)));
}

/** Whether a value has one of these fields at all. */
function namesAny({ children }: FieldSet, value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  for (const [step, below] of children) {
    const key = step.slice(2);
    if (!Object.hasOwn(value, key)) continue;
    if (below.isMember || namesAny(below, value[key])) return true;
  }
  return false;
}

/** Of a value, what these fields reach; nothing else of it can be among them. */
function only({ children }: FieldSet, value: unknown): unknown {
  if (!isJsonObject(value) || children.size === 0) return value;
  const kept = [...children].flatMap(([step, below]) => {
    const key = step.slice(2);
    return Object.hasOwn(value, key) ? [[key, only(below, value[key])] as const] : [];
  });
  return Object.fromEntries(kept);
}

/** The one owner of what was not there before; objects of one shape share what says of what. */
function ownerOfNew(change: FieldChange, shapes: ShapeMemory): readonly ManagedFieldsEntry[] {
  const { kind, after, manager, subresource = '', nowMs } = change;
  const sides = { before: comparable(kind, undefined), after: comparable(kind, after) };
  const filledFields = filledIn(change);
  const trace = traceOf(schemaOf(kind), sides);
  const isAll = filledFields === filled[kind.kind];
  const filledText = isAll ? 'all' : JSON.stringify(formatFields(filledFields));
  const own = `${kindKey(kind)} ${subresource} ${filledText}`;
  const fieldsV1 = shapes.recall(`${own} ${trace}`, () => {
    const { added, modified } = compareTyped(schemaOf(kind), sides);
    return formatFields(differenceOf(ownable(unionOf(added, modified), subresource), filledFields));
  });
  if (Object.keys(fieldsV1).length === 0) return [];
  return [
    {
      manager,
      operation: 'Update',
      apiVersion: apiVersionOf(kind),
      time: formatTimestamp(nowMs),
      fieldsType: 'FieldsV1',
      fieldsV1,
      ...(subresource === '' ? {} : { subresource }),
    },
  ];
}

/** What the object says of its owners; undefined when it says nothing. */
export function managersOf(object: JsonObject | undefined): Manager[] | undefined {
  const metadata = object?.['metadata'];
  const entries = isJsonObject(metadata) ? metadata['managedFields'] : undefined;
  if (!Array.isArray(entries)) return undefined;
  const managers = parseManagers(entries.filter(isJsonObject));
  // One empty entry asks for a new beginning.
  const isReset = entries.length === 1 && managers.length === 0;
  return managers.length > 0 || isReset ? managers : undefined;
}

/** Owners of an object that nobody's ownership was kept of. */
export function firstManagers(kind: Kind, live: JsonObject, nowMs: number): Manager[] {
  const { added, modified } = compareTyped(schemaOf(kind), {
    before: comparable(kind, undefined),
    after: comparable(kind, live),
  });
  const fields = ownable(unionOf(added, modified), '');
  const time = formatTimestamp(nowMs);
  const apiVersion = apiVersionOf(kind);
  return [
    { name: beforeFirstApply, operation: 'Update', apiVersion, time, subresource: '', fields },
  ];
}

/** Over an object of the kind with nothing in it, so that empty parts count as there. */
export function comparable(kind: Kind, object: JsonObject | undefined): JsonObject {
  const zero = zeroObject(kind.kind);
  return object === undefined ? zero : overlay(zero, object);
}

function overlay(zero: JsonObject, object: JsonObject): JsonObject {
  const merged: Record<string, unknown> = { ...zero, ...object };
  for (const key of Object.keys(zero)) {
    const [base, value] = [zero[key], object[key]];
    if (isJsonObject(base) && isJsonObject(value)) merged[key] = overlay(base, value);
  }
  return merged;
}

const systemMetadata = [
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'generation',
  'managedFields',
  'resourceVersion',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
].map((name) => `f:${name}`);

/** Without what nobody owns, and without the part that a write of this sub-resource does not reach. */
export function ownable(set: FieldSet, subresource: string): FieldSet {
  if (subresource === 'status') {
    const status = set.children.get('f:status');
    return { isMember: false, children: new Map(status && [['f:status', status]]) };
  }
  const kept = withoutFields(set, ['f:apiVersion', 'f:kind', 'f:status']);
  const metadata = kept.children.get('f:metadata');
  if (metadata === undefined) return { ...kept, isMember: false };
  const shown = withoutFields({ ...metadata, isMember: false }, systemMetadata);
  const children = new Map(kept.children);
  if (isEmptySet(shown)) children.delete('f:metadata');
  else children.set('f:metadata', shown);
  return { isMember: false, children };
}

/** The oldest updaters of one version become one when there are too many. */
function capped(managers: readonly Manager[]): readonly Manager[] {
  const updaters = managers
    .filter(({ operation, subresource }) => operation === 'Update' && subresource === '')
    .toSorted((a, b) => (a.time < b.time ? -1 : 1));
  const over = updaters.length - maxUpdaters;
  if (over <= 0) return managers;
  const merged = updaters.slice(0, over + 1);
  const [oldest] = merged;
  if (oldest === undefined) return managers;
  const fields = merged.reduce((sum, one) => unionOf(sum, one.fields), emptySet);
  const one = { ...oldest, name: ancient, time: merged.at(-1)?.time ?? '', fields };
  return [...managers.filter((manager) => !merged.includes(manager)), one];
}
