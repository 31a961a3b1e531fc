/**
 * What the controllers of Services' endpoints have seen, and which Services that makes dirty. They share it: at a
 * hundred thousand Pods a second picture of them would cost as much as the first.
 */
import {
  endpointSliceController,
  labels,
  mirroringController,
  objectKey,
  type Endpoints,
  type EndpointSlice,
  type Node,
  type Pod,
  type Service,
} from '../kube/index.ts';
import { LabelIndex } from './label-index.ts';
import { Mirror } from './mirror.ts';

/** What of a Service may have to be brought in order: its slices, its Endpoints, the slices of hand-made ones. */
export type Part = 'slices' | 'endpoints' | 'mirrored';

export class ServiceState {
  /** `PART NAMESPACE/NAME`. */
  readonly dirty = new Set<string>();
  /** Services that went: their Endpoints go too. Endpoints without a Service otherwise stay. */
  readonly gone = new Set<string>();
  private isLearning = false;
  private readonly index = new LabelIndex();
  /** Service key -> keys of the slices made from Pods, and of those that mirror. */
  private readonly owned = new Map<string, Set<string>>();
  private readonly mirroring = new Map<string, Set<string>>();

  readonly nodes = new Mirror<Node>((_key, now, before) => {
    if (zoneOf(now) === zoneOf(before)) return;
    for (const key of this.services.objects.keys()) this.touch('slices', key);
  });

  readonly services = new Mirror<Service>((key, now, before) => {
    this.index.setSelector(key, now?.metadata.namespace ?? '', now?.spec?.selector);
    if (now === undefined) this.gone.add(key);
    else this.gone.delete(key);
    // Nothing follows from a new one without a selector; what is made by hand makes it dirty when it comes.
    if (before === undefined && now?.spec?.selector === undefined && !this.hasMade(key)) return;
    this.touch('slices', key);
    this.touch('mirrored', key);
  });

  /** Something that follows from a Service is there, whoever made it. */
  private hasMade(key: string): boolean {
    return this.owned.has(key) || this.mirroring.has(key) || this.endpoints.objects.has(key);
  }

  readonly pods = new Mirror<Pod>((key, now, before) => {
    const own = now?.metadata.labels;
    if (before === undefined || now === undefined || own !== before.metadata.labels) {
      this.touchSelectors(key);
      const namespace = now?.metadata.namespace ?? '';
      this.index.setObject(key, namespace, now === undefined ? undefined : (own ?? {}));
    }
    this.touchSelectors(key);
  });

  readonly slices = new Mirror<EndpointSlice>((key, now, before) => {
    for (const [manager, owners, part] of [
      [endpointSliceController, this.owned, 'slices'],
      [mirroringController, this.mirroring, 'mirrored'],
    ] as const) {
      const [was, is] = [before, now].map((slice) => managedOwner(slice, manager));
      if (was !== undefined && was !== is) owners.get(was)?.delete(key);
      if (is !== undefined) {
        const keys = owners.get(is);
        if (keys === undefined) owners.set(is, new Set([key]));
        else keys.add(key);
      }
      for (const owner of [was, is]) if (owner !== undefined) this.touch(part, owner);
    }
  });

  readonly endpoints = new Mirror<Endpoints>((key) => {
    this.touch('endpoints', key);
    this.touch('mirrored', key);
  });

  touch(part: Part, key: string): void {
    if (!this.isLearning) this.dirty.add(`${part} ${key}`);
  }

  /** Takes in what was just written as it should be: that makes nothing dirty. */
  learn(take: () => void): void {
    this.isLearning = true;
    take();
    this.isLearning = false;
  }

  podsOf(serviceKey: string): readonly Pod[] {
    return this.index.objectsOf(serviceKey).flatMap((key) => this.pods.objects.get(key) ?? []);
  }

  slicesOf(serviceKey: string, manager: 'pods' | 'mirroring'): readonly EndpointSlice[] {
    const owners = manager === 'pods' ? this.owned : this.mirroring;
    return [...(owners.get(serviceKey) ?? [])].flatMap((key) => this.slices.objects.get(key) ?? []);
  }

  readonly zoneOf = (nodeName: string): string | undefined =>
    zoneOf(this.nodes.objects.get(nodeName));

  private touchSelectors(pod: string): void {
    for (const service of this.index.selectorsOf(pod)) this.touch('slices', service);
  }
}

function zoneOf(node: Node | undefined): string | undefined {
  return node?.metadata.labels?.[labels.zone];
}

/** The Service of a slice that this manager made; undefined for the slices of others. */
function managedOwner(slice: EndpointSlice | undefined, manager: string): string | undefined {
  const own = slice?.metadata.labels ?? {};
  const name = own[labels.serviceName];
  if (own[labels.managedBy] !== manager || name === undefined) return undefined;
  return objectKey({ namespace: slice?.metadata.namespace, name });
}
