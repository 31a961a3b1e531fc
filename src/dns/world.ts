/**
 * The objects that names come from, kept by key: a change costs what its own object costs, however many
 * Services there are, and the next query sees it.
 */
import {
  labels,
  objectKey,
  nameOf,
  type EndpointSlice,
  type KubeObject,
  type Namespace,
  type Pod,
  type Service,
} from '../kube/index.ts';
import { canonicalIp } from '../model/index.ts';
import { viewService, type ServiceView } from './service-view.ts';

/** What the zone is and how it answers. */
export interface ZoneOptions {
  /** Lower case, without a final dot. */
  readonly zone: string;
  readonly ttlSeconds: number;
  /** Names like `10-0-0-1.NAMESPACE.pod`: none, any address, or only those of Pods that exist. */
  readonly pods: 'disabled' | 'insecure' | 'verified';
  /** The only namespaces that have names; undefined: all. */
  readonly namespaces: readonly string[] | undefined;
  /** CoreDNS' `ignore empty_service`: a ClusterIP without a ready endpoint has no name. */
  readonly ignoreEmptyService: boolean;
}

export const defaultZone: ZoneOptions = {
  zone: 'cluster.local',
  ttlSeconds: 5,
  pods: 'verified',
  namespaces: undefined,
  ignoreEmptyService: false,
};

/** What answers are made from. */
export interface World {
  readonly options: ZoneOptions;
  /** All kinds were listed: only then is the lack of an object a fact. */
  readonly synced: boolean;
  /** Unix seconds of the last change: the SOA's serial. */
  readonly serial: number;
  /** Where this server is asked: what `ns.dns` resolves to. */
  readonly serverAddresses: readonly string[];
  hasNamespace(name: string): boolean;
  service(namespace: string, name: string): ServiceView | undefined;
  /** The slices of a Service, endpoints that are not ready included. */
  slicesOf(namespace: string, name: string): readonly EndpointSlice[];
  hasPod(namespace: string, address: string): boolean;
  /** What a Pod says about not being ready; undefined when it is, or says nothing. */
  podProblem(namespace: string, name: string): string | undefined;
  /** Keys of the Services that have the address as ClusterIP. */
  servicesAt(address: string): readonly ServiceView[];
  /** The Services with a ready endpoint at the address, by key. */
  servicesWithEndpoint(address: string): readonly ServiceView[];
}

interface Entry {
  service: Service | undefined;
  /** By name; a Service has one or two, and a Map for each would cost more than they do. */
  slices: readonly EndpointSlice[];
  view: ServiceView | undefined;
}

interface KnownPod {
  readonly places: readonly string[];
  readonly problem: string | undefined;
}

function sliceIn(
  { slices }: Entry,
  { metadata: { name } }: EndpointSlice,
): EndpointSlice | undefined {
  return slices.find(({ metadata }) => metadata.name === name);
}

function slicesBut({ slices }: Entry, { metadata: { name } }: EndpointSlice): EndpointSlice[] {
  return slices.filter(({ metadata }) => metadata.name !== name);
}

type WorldKind = 'services' | 'slices' | 'namespaces' | 'pods';

export class MutableWorld implements World {
  readonly options: ZoneOptions;
  serial = 0;
  serverAddresses: readonly string[] = [];
  private readonly listed = new Set<WorldKind>();
  private readonly entries = new Map<string, Entry>();
  private readonly namespaces = new Set<string>();
  private readonly pods = new Map<string, KnownPod>();
  private readonly podsAt = new Counts();
  private readonly clusterIps = new Counts();
  private readonly endpointIps = new Counts();
  private readonly nowMs: () => number;

  constructor(options: ZoneOptions, nowMs: () => number) {
    this.options = options;
    this.nowMs = nowMs;
  }

  get synced(): boolean {
    return this.listed.size === 4;
  }

  hasNamespace(name: string): boolean {
    return this.namespaces.has(name);
  }

  service(namespace: string, name: string): ServiceView | undefined {
    return this.viewOf(`${namespace}/${name}`);
  }

  slicesOf(namespace: string, name: string): readonly EndpointSlice[] {
    return this.entries.get(`${namespace}/${name}`)?.slices ?? [];
  }

  hasPod(namespace: string, address: string): boolean {
    return this.podsAt.of(`${namespace}/${address}`).length > 0;
  }

  podProblem(namespace: string, name: string): string | undefined {
    return this.pods.get(`${namespace}/${name}`)?.problem;
  }

  servicesAt(address: string): readonly ServiceView[] {
    return this.clusterIps.of(address).flatMap((key) => this.viewOf(key) ?? []);
  }

  servicesWithEndpoint(address: string): readonly ServiceView[] {
    return this.endpointIps.of(address).flatMap((key) => this.viewOf(key) ?? []);
  }

  setService(service: Service): void {
    const entry = this.entryOf(keyOf(service));
    this.countClusterIps(entry.service, -1);
    entry.service = service;
    this.countClusterIps(service, 1);
    this.changed(entry);
  }

  removeService(service: KubeObject): void {
    const key = keyOf(service);
    const entry = this.entries.get(key);
    if (entry?.service === undefined) return;
    this.countClusterIps(entry.service, -1);
    entry.service = undefined;
    this.changed(entry);
    if (entry.slices.length === 0) this.entries.delete(key);
  }

  setSlice(slice: EndpointSlice): void {
    const owner = ownerOf(slice);
    if (owner === undefined) return;
    const entry = this.entryOf(owner);
    this.countEndpoints(owner, sliceIn(entry, slice), -1);
    entry.slices = [...slicesBut(entry, slice), slice];
    this.countEndpoints(owner, slice, 1);
    this.changed(entry);
  }

  removeSlice(slice: EndpointSlice): void {
    const owner = ownerOf(slice);
    const entry = owner === undefined ? undefined : this.entries.get(owner);
    if (owner === undefined || entry === undefined) return;
    this.countEndpoints(owner, sliceIn(entry, slice), -1);
    entry.slices = slicesBut(entry, slice);
    this.changed(entry);
    if (entry.service === undefined && entry.slices.length === 0) this.entries.delete(owner);
  }

  setNamespace(namespace: Namespace): void {
    this.namespaces.add(namespace.metadata.name);
    this.touch();
  }

  removeNamespace(namespace: KubeObject): void {
    this.namespaces.delete(namespace.metadata.name);
    this.touch();
  }

  setPod(pod: Pod): void {
    this.removePod(pod);
    const { phase, podIP, podIPs, conditions } = pod.status ?? {};
    if (phase === 'Succeeded' || phase === 'Failed') return;
    const ips = podIPs?.map(({ ip }) => ip) ?? (podIP === undefined ? [] : [podIP]);
    const namespace = pod.metadata.namespace ?? '';
    const places = ips.flatMap((ip) => {
      const canonical = canonicalIp(ip);
      return canonical === undefined ? [] : [`${namespace}/${canonical}`];
    });
    const key = keyOf(pod);
    const ready = conditions?.find(({ type }) => type === 'Ready');
    const problem = ready?.status === 'True' ? undefined : (ready?.message ?? ready?.reason);
    this.pods.set(key, { places, problem });
    for (const place of places) this.podsAt.add(place, key, 1);
  }

  removePod(pod: KubeObject): void {
    const key = keyOf(pod);
    for (const place of this.pods.get(key)?.places ?? []) this.podsAt.add(place, key, -1);
    this.pods.delete(key);
  }

  replaceServices(items: readonly Service[]): void {
    const kept = new Set(items.map(keyOf));
    const gone = [...this.entries].filter(([key, { service }]) => !kept.has(key) && service);
    for (const [, { service }] of gone) if (service !== undefined) this.removeService(service);
    for (const item of items) this.setService(item);
    this.listed.add('services');
  }

  replaceSlices(items: readonly EndpointSlice[]): void {
    const kept = new Set(items.map((slice) => `${ownerOf(slice)} ${slice.metadata.name}`));
    const all = [...this.entries.values()].flatMap(({ slices }) => slices);
    for (const slice of all) {
      if (!kept.has(`${ownerOf(slice)} ${slice.metadata.name}`)) this.removeSlice(slice);
    }
    for (const item of items) this.setSlice(item);
    this.listed.add('slices');
  }

  replaceNamespaces(items: readonly Namespace[]): void {
    this.namespaces.clear();
    for (const item of items) this.setNamespace(item);
    this.listed.add('namespaces');
  }

  replacePods(items: readonly Pod[]): void {
    for (const [key, { places }] of this.pods) {
      for (const place of places) this.podsAt.add(place, key, -1);
    }
    this.pods.clear();
    for (const item of items) this.setPod(item);
    this.listed.add('pods');
  }

  private viewOf(key: string): ServiceView | undefined {
    const entry = this.entries.get(key);
    if (entry?.service === undefined) return undefined;
    return (entry.view ??= viewService(entry.service, entry.slices));
  }

  private entryOf(key: string): Entry {
    let entry = this.entries.get(key);
    if (entry === undefined) {
      entry = { service: undefined, slices: [], view: undefined };
      this.entries.set(key, entry);
    }
    return entry;
  }

  private changed(entry: Entry): void {
    if (entry.view !== undefined) entry.view.stale = true;
    entry.view = undefined;
    this.touch();
  }

  private touch(): void {
    this.serial = Math.floor(this.nowMs() / 1_000);
  }

  private countClusterIps(service: Service | undefined, by: 1 | -1): void {
    if (service === undefined) return;
    for (const ip of new Set(service.spec?.clusterIPs ?? [service.spec?.clusterIP ?? ''])) {
      const canonical = canonicalIp(ip);
      if (canonical !== undefined) this.clusterIps.add(canonical, keyOf(service), by);
    }
  }

  private countEndpoints(owner: string, slice: EndpointSlice | undefined, by: 1 | -1): void {
    for (const { addresses, conditions } of slice?.endpoints ?? []) {
      const address = canonicalIp(addresses[0] ?? '');
      if (address === undefined || conditions?.ready === false) continue;
      this.endpointIps.add(address, owner, by);
    }
  }
}

/** Which keys stand at a place, and how often each. */
class Counts {
  /** Nearly every address is one Service's, once: that is kept as the key alone, a tenth of a Map's memory. */
  private readonly places = new Map<string, string | Map<string, number>>();

  add(place: string, key: string, by: 1 | -1): void {
    const held = this.places.get(place);
    if (held === undefined) {
      if (by === 1) this.places.set(place, key);
      return;
    }
    if (held === key && by === -1) return void this.places.delete(place);
    const keys = typeof held === 'string' ? new Map([[held, 1]]) : held;
    const count = (keys.get(key) ?? 0) + by;
    if (count > 0) keys.set(key, count);
    else keys.delete(key);
    this.places.set(place, onlyOne(keys) ?? keys);
    if (keys.size === 0) this.places.delete(place);
  }

  /** Sorted. */
  of(place: string): readonly string[] {
    const held = this.places.get(place);
    if (held === undefined) return [];
    return typeof held === 'string' ? [held] : [...held.keys()].toSorted();
  }
}

function onlyOne(keys: ReadonlyMap<string, number>): string | undefined {
  const [first] = keys;
  return keys.size === 1 && first?.[1] === 1 ? first[0] : undefined;
}

function keyOf(object: KubeObject): string {
  return objectKey(nameOf(object));
}

function ownerOf(slice: EndpointSlice): string | undefined {
  const name = slice.metadata.labels?.[labels.serviceName];
  // A slice of names (addressType FQDN) has nothing for DNS, as in CoreDNS.
  if (name === undefined || slice.addressType === 'FQDN') return undefined;
  return objectKey({ namespace: slice.metadata.namespace, name });
}
