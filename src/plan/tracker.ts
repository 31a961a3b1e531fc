/**
 * Collects changes of Services and EndpointSlices and compiles only what they touch: the cost of a flush is that
 * of the changed Services, however many others there are.
 */
import {
  labels,
  nameOf,
  objectKey,
  type EndpointSlice,
  type KubeObject,
  type Service,
} from '../kube/index.ts';
import type {
  Endpoint,
  NodeView,
  Plan,
  PlanChange,
  PoolName,
  SchedulerName,
  VirtualServer,
} from '../model/index.ts';
import { compileService, type FrontendsOf } from './compile.ts';
import { PodOwners } from './pod-owners.ts';

/** The weight a Pod's label gives it; undefined when it has none, or is gone. */
export interface PodWeight {
  readonly namespace: string;
  readonly pod: string;
  readonly weight: number | undefined;
}

export interface ChangeTracker {
  /** A Service as it is now, or the name of one that is gone. */
  setService(service: Service): void;
  removeService(service: Service): void;
  setSlice(slice: EndpointSlice): void;
  removeSlice(slice: EndpointSlice): void;
  /** The whole truth after a list: what it lacks is gone. */
  replaceServices(services: readonly Service[]): void;
  replaceSlices(slices: readonly EndpointSlice[]): void;
  setWeight(weight: PodWeight): void;
  /** Every weight there is: Pods that are not named have none. */
  replaceWeights(weights: readonly PodWeight[]): void;
  /** Everything is compiled again against a changed node. */
  setNode(node: NodeView): void;
  /** Compiles a Service again although its objects are the same: its gateway came or went. */
  refresh(namespace: string, name: string): void;
  /** Ids of the VirtualServers in the Plan that have a Pod among their endpoints. */
  serversOf(namespace: string, pod: string): readonly string[];
  /** How many Services wait to be compiled. */
  readonly pending: number;
  /** What to change in `plan`, and forgets it; undefined when nothing is pending. */
  flush(plan: Plan): PlanChange | undefined;
}

export interface ChangeTrackerOptions {
  readonly node: NodeView;
  /** The live gateway's port for a per-request ServicePort; there is none when undefined. */
  readonly gatewayOf?: ((id: string, pool: PoolName) => Endpoint | undefined) | undefined;
  /** Where a ServicePort answers instead; undefined leaves it out. All where they say when there is none. */
  readonly frontendsOf?: FrontendsOf | undefined;
  /** Of Services that name none; round robin when undefined. */
  readonly defaultScheduler?: SchedulerName | undefined;
}

export function createChangeTracker(options: ChangeTrackerOptions): ChangeTracker {
  return new Tracker(options);
}

class Tracker implements ChangeTracker {
  private readonly services = new Map<string, Service>();
  /** Service key -> slice name -> slice. */
  private readonly slices = new Map<string, Map<string, EndpointSlice>>();
  /** Slice key -> the Service it counts for, to notice when its label changes. */
  private readonly sliceOwners = new Map<string, string>();
  /** Service key -> ids of its VirtualServers in the Plan. */
  private readonly planned = new Map<string, readonly string[]>();
  private readonly dirty = new Set<string>();
  private readonly weights = new Map<string, PodWeight>();
  private readonly podOwners = new PodOwners();
  private node: NodeView;
  private nodeChanged = false;

  private readonly gatewayOf: (id: string, pool: PoolName) => Endpoint | undefined;
  private readonly frontendsOf: FrontendsOf | undefined;
  private readonly defaultScheduler: SchedulerName | undefined;

  constructor({ node, gatewayOf, frontendsOf, defaultScheduler }: ChangeTrackerOptions) {
    this.node = node;
    this.frontendsOf = frontendsOf;
    this.defaultScheduler = defaultScheduler;
    this.gatewayOf = gatewayOf ?? (() => undefined);
  }

  get pending(): number {
    return this.dirty.size + (this.nodeChanged ? 1 : 0);
  }

  setService(service: Service): void {
    const key = keyOf(service);
    this.services.set(key, service);
    this.dirty.add(key);
  }

  removeService(service: Service): void {
    const key = keyOf(service);
    this.services.delete(key);
    this.dirty.add(key);
  }

  setSlice(slice: EndpointSlice): void {
    const key = keyOf(slice);
    const owner = ownerOf(slice);
    const previous = this.sliceOwners.get(key);
    if (previous !== undefined && previous !== owner) this.dropSlice(key, previous);
    if (owner === undefined) return;
    this.sliceOwners.set(key, owner);
    const siblings = this.slices.get(owner) ?? new Map<string, EndpointSlice>();
    this.podOwners.replace(owner, siblings.get(key), slice);
    siblings.set(key, slice);
    this.slices.set(owner, siblings);
    this.dirty.add(owner);
  }

  removeSlice(slice: EndpointSlice): void {
    const key = keyOf(slice);
    const owner = this.sliceOwners.get(key);
    if (owner !== undefined) this.dropSlice(key, owner);
  }

  replaceServices(services: readonly Service[]): void {
    const listed = new Set(services.map(keyOf));
    for (const [key, service] of this.services) {
      if (!listed.has(key)) this.removeService(service);
    }
    for (const service of services) {
      // A relist brings mostly objects that are known: those cost nothing.
      if (!sameVersion(this.services.get(keyOf(service)), service)) this.setService(service);
    }
  }

  replaceSlices(slices: readonly EndpointSlice[]): void {
    const listed = new Set(slices.map(keyOf));
    for (const [key, owner] of this.sliceOwners) {
      if (!listed.has(key)) this.dropSlice(key, owner);
    }
    for (const slice of slices) {
      const known = this.slices.get(this.sliceOwners.get(keyOf(slice)) ?? '')?.get(keyOf(slice));
      if (!sameVersion(known, slice)) this.setSlice(slice);
    }
  }

  setWeight(weighed: PodWeight): void {
    const { namespace, pod, weight } = weighed;
    const key = objectKey({ namespace, name: pod });
    if (this.weights.get(key)?.weight === weight) return;
    if (weight === undefined) this.weights.delete(key);
    else this.weights.set(key, weighed);
    for (const owner of this.podOwners.of(namespace, pod)) this.dirty.add(owner);
  }

  replaceWeights(weights: readonly PodWeight[]): void {
    const named = new Set(weights.map(({ namespace, pod }) => objectKey({ namespace, name: pod })));
    for (const [key, old] of this.weights) {
      if (!named.has(key)) this.setWeight({ ...old, weight: undefined });
    }
    for (const weighed of weights) this.setWeight(weighed);
  }

  setNode(node: NodeView): void {
    this.node = node;
    this.nodeChanged = true;
    for (const key of this.services.keys()) this.dirty.add(key);
  }

  refresh(namespace: string, name: string): void {
    const key = objectKey({ namespace, name });
    if (this.services.has(key)) this.dirty.add(key);
  }

  serversOf(namespace: string, pod: string): readonly string[] {
    return [...this.podOwners.of(namespace, pod)].flatMap((key) => this.planned.get(key) ?? []);
  }

  flush(plan: Plan): PlanChange | undefined {
    if (this.pending === 0) return undefined;
    const set: VirtualServer[] = [];
    const remove: string[] = [];
    for (const key of this.dirty) {
      const service = this.services.get(key);
      const slices = [...(this.slices.get(key)?.values() ?? [])];
      const servers =
        service === undefined
          ? []
          : compileService(service, slices, {
              node: this.node,
              weightOf: (namespace, name) => this.weightOf(namespace, name),
              gatewayOf: this.gatewayOf,
              frontendsOf: this.frontendsOf,
              defaultScheduler: this.defaultScheduler,
              before: (id) => plan.servers.get(id),
            });
      const ids = servers.map((server) => server.id);
      remove.push(...(this.planned.get(key) ?? []).filter((id) => !ids.includes(id)));
      set.push(...servers);
      if (ids.length === 0) this.planned.delete(key);
      else this.planned.set(key, ids);
    }
    this.dirty.clear();
    this.nodeChanged = false;
    return { set, remove, node: this.node };
  }

  private weightOf(namespace: string, name: string): number | undefined {
    // Where nobody weighs, an endpoint costs no look-up.
    if (this.weights.size === 0) return undefined;
    return this.weights.get(objectKey({ namespace, name }))?.weight;
  }

  private dropSlice(key: string, owner: string): void {
    this.sliceOwners.delete(key);
    const siblings = this.slices.get(owner);
    this.podOwners.replace(owner, siblings?.get(key), undefined);
    siblings?.delete(key);
    if (siblings?.size === 0) this.slices.delete(owner);
    this.dirty.add(owner);
  }
}

function keyOf(object: KubeObject): string {
  return objectKey(nameOf(object));
}

/** The Service a slice counts for; undefined when it counts for none, or for a headless one. */
function ownerOf(slice: EndpointSlice): string | undefined {
  const own = slice.metadata.labels ?? {};
  const name = own[labels.serviceName];
  if (name === undefined || name === '' || own[labels.headless] !== undefined) return undefined;
  return objectKey({ namespace: slice.metadata.namespace, name });
}

function sameVersion(known: KubeObject | undefined, listed: KubeObject): boolean {
  return (
    known !== undefined &&
    known.metadata.uid === listed.metadata.uid &&
    known.metadata.resourceVersion !== undefined &&
    known.metadata.resourceVersion === listed.metadata.resourceVersion
  );
}
