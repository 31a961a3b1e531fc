/** The parts every Kubernetes object has, and how an object is named. */
import { isJsonObject, jsonEqual } from './json.ts';

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** Who owns which fields, as the API server keeps it. */
export interface ManagedFieldsEntry {
  readonly manager?: string;
  readonly operation?: string;
  readonly apiVersion?: string;
  readonly time?: string;
  readonly fieldsType?: string;
  readonly fieldsV1?: Readonly<Record<string, unknown>>;
  readonly subresource?: string;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly generateName?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly finalizers?: readonly string[];
  readonly managedFields?: readonly ManagedFieldsEntry[];
}

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** A kind that is served: where it lives in the API and what type its objects have. */
export interface Kind<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Dotted paths a field selector may name, besides `metadata.name` and `metadata.namespace`. */
  readonly selectableFields?: readonly string[];
  /** What clients are warned of; undefined when the kind is not deprecated. */
  readonly deprecated?: string;
  /** Never set; carries the type. */
  readonly objectType?: T;
}

/** Two Kinds are the same when their keys are. */
export function kindKey(kind: Kind): string {
  return namesOf(kind).key;
}

interface KindNames {
  readonly key: string;
  readonly apiVersion: string;
}

/** Asked for with every object that is looked at: putting them together again would be a string each time. */
const names = new WeakMap<Kind, KindNames>();

function namesOf(kind: Kind): KindNames {
  const known = names.get(kind);
  if (known !== undefined) return known;
  const { plural, group, version } = kind;
  const apiVersion = group === '' ? version : `${group}/${version}`;
  const made = { key: `${plural}.${group}/${version}`, apiVersion };
  names.set(kind, made);
  return made;
}

/** `services`, or `endpointslices.discovery.k8s.io`: how refusals name the kind. */
export function resourceOf(kind: Kind): string {
  return kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;
}

/** `Service`, or `EndpointSlice.discovery.k8s.io`: how refusals of a field name the kind. */
export function qualifiedKindOf(kind: Kind): string {
  return kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
}

/** An object that says it is of a kind has that kind's type. */
export function isOfKind<T extends KubeObject>(kind: Kind<T>, object: KubeObject): object is T {
  return object.kind === kind.kind && object.apiVersion === apiVersionOf(kind);
}

/** JSON with what every object has: apiVersion, kind and metadata. */
export function isKubeObject(value: unknown): value is KubeObject {
  return (
    isJsonObject(value) &&
    typeof value['apiVersion'] === 'string' &&
    typeof value['kind'] === 'string' &&
    isJsonObject(value['metadata'])
  );
}

/** It is deleted and only waits for whoever ends what it stands for. */
export function isLeaving(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

/** Names an object of a kind; `namespace` is undefined exactly when the kind is cluster-scoped. */
export interface ObjectName {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf(kind: Kind): string {
  return namesOf(kind).apiVersion;
}

/** `namespace/name`, or `name` when cluster-scoped: unique within a kind. */
export function objectKey(name: ObjectName): string {
  return name.namespace === undefined ? name.name : `${name.namespace}/${name.name}`;
}

export function nameOf(object: KubeObject): ObjectName {
  return { namespace: object.metadata.namespace, name: object.metadata.name };
}

/** Everything but metadata and status is what somebody wants; only that counts generations. */
export function sameSpec(a: KubeObject, b: KubeObject): boolean {
  const spec = (object: KubeObject): unknown => ({ ...object, metadata: 0, status: 0 });
  return jsonEqual(spec(a), spec(b));
}
