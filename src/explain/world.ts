/** What an explanation may look at: objects, the Plan made of them, and what the driver said of it. */
import type { EndpointSlice, KubeObject, Namespace, Pod, Service } from '../kube/index.ts';
import type { ApplyReport, GatewayLack, Plan } from '../model/index.ts';
import type { Subject } from './explanation.ts';

/** How a ServicePort's endpoints are picked by the driver in use. */
export interface SchedulerUse {
  /** What the Service asks for. */
  readonly wanted: string;
  /** What the driver does. */
  readonly effective: string;
  readonly standsIn: boolean;
  /** How `effective` chooses, in a few words. */
  readonly means?: string | undefined;
}

/** Objects of all namespaces, or of those that are known; every part may be older than another. */
export interface World {
  /** Empty when namespaces are not known; then none is missed. */
  readonly namespaces: readonly Namespace[];
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
  readonly pods: readonly Pod[];
  /** The Plan of the node that is asked. */
  readonly plan: Plan;
  /** Of the last apply; undefined before the first. */
  readonly report: ApplyReport | undefined;
  /** By ServicePort id; one that is not here is picked as the Plan says. */
  readonly schedulers: ReadonlyMap<string, SchedulerUse>;
  /** By ServicePort id: what its gateway lacks to balance requests; undefined where none is known. */
  readonly gatewayLacks?: ReadonlyMap<string, GatewayLack> | undefined;
}

/** Names a Service; its namespace is never empty. */
export interface ServiceQuestion {
  readonly namespace: string;
  readonly name: string;
}

export function namespaceOf(object: KubeObject): string {
  return object.metadata.namespace ?? 'default';
}

/** Every namespace that is known, by itself or by a Service in it. */
export function namespacesOf(world: World): ReadonlySet<string> {
  return new Set([
    ...world.namespaces.map((object) => object.metadata.name),
    ...world.services.map(namespaceOf),
  ]);
}

export function findService(
  world: World,
  { namespace, name }: ServiceQuestion,
): Service | undefined {
  return world.services.find((s) => s.metadata.name === name && namespaceOf(s) === namespace);
}

/** `namespace/name` of a namespaced object. */
export function keyOf(object: KubeObject): string {
  return `${namespaceOf(object)}/${object.metadata.name}`;
}

export function subjectOf(object: KubeObject, field?: string): Subject {
  const { kind, metadata } = object;
  const namespace = kind === 'Namespace' ? undefined : namespaceOf(object);
  return { kind, namespace, name: metadata.name, field };
}

/** The node that is asked, when no object is to blame. */
export function nodeSubject(world: World): Subject {
  return { kind: 'Node', namespace: undefined, name: world.plan.node.name, field: undefined };
}
