/** The objects of a set of manifests as the rules ask for them: who makes Pods, and which of them a selector finds. */
import {
  deploymentKind,
  isOfKind,
  objectKey,
  nameOf,
  podKind,
  replicaSetKind,
  serviceKind,
  statefulSetKind,
  type Container,
  type ObjectMeta,
  type PodSpec,
  type Service,
} from '../kube/index.ts';
import type { DesiredObject } from '../manifests/index.ts';
import type { ObjectDecoder } from '../registry/index.ts';

/** Something that makes Pods, or is one. */
export interface Workload {
  readonly on: DesiredObject;
  readonly namespace: string;
  /** `Deployment web`. */
  readonly label: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
  /** Where the spec of the Pods is: `spec.template.spec`. */
  readonly field: string;
  /** Its Pods have an address already. */
  readonly isPlaced: boolean;
}

export interface FoundService {
  readonly on: DesiredObject;
  readonly service: Service;
  readonly namespace: string;
}

export interface ManifestSet {
  readonly all: readonly DesiredObject[];
  readonly services: readonly FoundService[];
  readonly workloads: readonly Workload[];
}

/** Objects whose fields have values of other types are left out: what is wrong with them is said already. */
export function readSet(desired: readonly DesiredObject[], decode: ObjectDecoder): ManifestSet {
  const all = desired.flatMap((on) => {
    const object = on.isTyped ? decode(on.kind, on.object) : undefined;
    return object === undefined ? [] : [{ ...on, object }];
  });
  return {
    all,
    services: all.flatMap((on) =>
      isOfKind(serviceKind, on.object)
        ? [{ on, service: on.object, namespace: namespaceOf(on) }]
        : [],
    ),
    workloads: all.flatMap((on) => workloadOf(on) ?? []),
  };
}

export function namespaceOf({ object }: DesiredObject): string {
  return object.metadata.namespace ?? '';
}

/** The workloads whose Pods a selector of that namespace matches. */
export function selectedBy(
  set: ManifestSet,
  namespace: string,
  selector: Readonly<Record<string, string>>,
): readonly Workload[] {
  const wanted = Object.entries(selector);
  return set.workloads.filter(
    (workload) =>
      workload.namespace === namespace &&
      wanted.every(([key, value]) => workload.labels[key] === value),
  );
}

export function findService(
  set: ManifestSet,
  namespace: string,
  name: string,
): FoundService | undefined {
  const key = objectKey({ namespace, name });
  return set.services.find(({ service }) => objectKey(nameOf(service)) === key);
}

export function containersOf({ spec }: Workload): readonly Container[] {
  return spec.containers ?? [];
}

function workloadOf(on: DesiredObject): Workload | undefined {
  const { object, kind } = on;
  const make = (
    metadata: Partial<ObjectMeta> | undefined,
    spec: PodSpec | undefined,
    more: Pick<Workload, 'field' | 'isPlaced'>,
  ): Workload => ({
    on,
    namespace: namespaceOf(on),
    label: `${kind.kind} ${object.metadata.name}`,
    labels: metadata?.labels ?? {},
    annotations: metadata?.annotations ?? {},
    spec: spec ?? {},
    ...more,
  });
  if (isOfKind(podKind, object)) {
    const isPlaced = object.status?.podIP !== undefined;
    return make(object.metadata, object.spec, { field: 'spec', isPlaced });
  }
  const isTemplated =
    isOfKind(deploymentKind, object) ||
    isOfKind(replicaSetKind, object) ||
    isOfKind(statefulSetKind, object);
  if (!isTemplated) return undefined;
  const { metadata, spec } = object.spec?.template ?? {};
  return make(metadata, spec, { field: 'spec.template.spec', isPlaced: false });
}
