/** Keeps in this instance what namespaces of a cluster have: Services, and their Pods as this host reaches them. */
import {
  createReflector,
  endpointSliceKind,
  isAlreadyExists,
  isNotFound,
  isOfKind,
  labels,
  nameOf,
  namespaceKind,
  objectKey,
  serviceKind,
  type EndpointSlice,
  type Kind,
  type KubeObject,
  type ObjectClient,
  type Service,
} from '../kube/index.ts';
import { messageOf, type Clock, type Random } from '../model/index.ts';
import type { Component, ComponentStatus, Logger } from '../obs/index.ts';
import type { FarPods } from './far-pods.ts';
import type { Mirror } from './mirror.ts';
import { farEndpoints, nearService, nearSlice, type FarPort } from './near-objects.ts';

export interface NearCopyOptions {
  /** One a namespace. */
  readonly mirrors: readonly Mirror[];
  readonly pods: FarPods;
  /** Of this instance. */
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface NearCopy extends Component {
  /** A Pod that is gone, whatever its Service says: nothing is sent there until it says something else. */
  gone(pod: { readonly namespace: string; readonly pod: string }): void;
}

/** Changes come together; and what this instance refused is tried again. */
const settleMs = 20;
const retryMs = 5_000;

export function createNearCopy(options: NearCopyOptions): NearCopy {
  return new Copy(options);
}

class Copy implements NearCopy {
  readonly name = 'from-cluster';
  private readonly options: NearCopyOptions;
  private readonly stopping = new AbortController();
  private readonly services = new Map<string, Service>();
  private readonly slices = new Map<string, EndpointSlice>();
  /** Slices in which a Pod is known to be gone. */
  private readonly goneIn = new Map<string, ReadonlySet<EndpointSlice>>();
  private readonly made = new Map<string, string>();
  private readonly parts: readonly Component[];
  private dirty = false;
  private wake = (): void => undefined;
  private loop: Promise<void> | undefined;
  private state: ComponentStatus = { state: 'starting', detail: undefined };

  constructor(options: NearCopyOptions) {
    this.options = options;
    this.parts = options.mirrors.flatMap((mirror) => [
      this.follow(mirror, serviceKind, this.services),
      this.follow(mirror, endpointSliceKind, this.slices),
    ]);
  }

  async start(signal: AbortSignal): Promise<void> {
    for (const mirror of this.options.mirrors) await mirror.start(signal);
    await Promise.all(this.parts.map((part) => part.start(signal)));
    await this.sync();
    this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake();
    await this.loop;
    await Promise.all(this.parts.map((part) => part.stop()));
    for (const mirror of this.options.mirrors) await mirror.stop();
    await this.options.pods.close();
    this.state = { state: 'stopped', detail: undefined };
  }

  status(): ComponentStatus {
    if (this.state.state !== 'ready') return this.state;
    const away = this.options.mirrors
      .map((mirror) => mirror.status())
      .find(({ state }) => state !== 'ready');
    if (away !== undefined) return away;
    const problem = this.options.pods.problem();
    return problem === undefined ? this.state : { state: 'degraded', detail: problem };
  }

  gone({ namespace, pod }: { readonly namespace: string; readonly pod: string }): void {
    this.goneIn.set(`${namespace}/${pod}`, new Set(this.slices.values()));
    this.changed();
  }

  private follow<T extends KubeObject>(
    { client }: Mirror,
    kind: Kind<T>,
    into: Map<string, T>,
  ): Component {
    const { clock, random, log } = this.options;
    const own = new Set<string>();
    return createReflector<T>({
      client,
      kind,
      clock,
      random,
      log,
      onReplace: (items) => {
        for (const key of own) into.delete(key);
        own.clear();
        for (const item of items) {
          const key = objectKey(nameOf(item));
          own.add(key);
          into.set(key, item);
        }
        this.changed();
      },
      onEvent: ({ type, object }) => {
        const key = objectKey(nameOf(object));
        own.add(key);
        if (type === 'DELETED') into.delete(key);
        else into.set(key, object);
        this.changed();
      },
    });
  }

  private changed(): void {
    this.dirty = true;
    this.wake();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const { clock } = this.options;
    while (!signal.aborted) {
      if (this.dirty) {
        await clock.sleep(settleMs, signal);
        if (signal.aborted) return;
        if (!(await this.sync())) await clock.sleep(retryMs, signal);
      } else {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      }
    }
  }

  /** Resolves false when this instance refused something. */
  private async sync(): Promise<boolean> {
    this.dirty = false;
    this.forgetGone();
    const { pods, log } = this.options;
    const wanted = new Map<string, () => Promise<void>>();
    const reached: FarPort[] = [];
    const objects: (readonly [Kind, KubeObject])[] = [...this.services.values()]
      .filter((service) => !isOwnApi(service))
      .map((service) => [serviceKind, nearService(service)]);
    for (const far of this.farPods()) {
      const slice = await nearSlice(far, (port) => pods.reach(port));
      if (slice === undefined) continue;
      objects.push([endpointSliceKind, slice]);
      for (const { port } of far.ports) reached.push({ ...far, port });
    }
    for (const [kind, object] of objects) {
      wanted.set(keyOf(kind, object), () => this.put(kind, object));
    }
    // What comes first, then what goes: a Service whose Pods are all others now is never without.
    const works = [
      ...wanted.values(),
      ...[...this.made.keys()].filter((key) => !wanted.has(key)).map((key) => () => this.drop(key)),
    ];
    const refused: string[] = [];
    for (const work of works) {
      await work().catch((thrown: unknown) => refused.push(messageOf(thrown)));
    }
    await pods.keepOnly(reached);
    const [first] = refused;
    if (first === undefined) {
      this.state = { state: 'ready', detail: this.summary(reached) };
      return true;
    }
    this.state = { state: 'degraded', detail: first };
    log.warn('Cannot copy objects of the cluster', { count: refused.length, error: first });
    this.dirty = true;
    return false;
  }

  /** What was known of a Pod by slices that are others now. */
  private forgetGone(): void {
    const now = new Set(this.slices.values());
    for (const [pod, slices] of this.goneIn) {
      if (slices.isDisjointFrom(now)) this.goneIn.delete(pod);
    }
  }

  private *farPods(): Generator<ReturnType<typeof farEndpoints>[number]> {
    const byService = Map.groupBy(this.slices.values(), ({ metadata }) =>
      objectKey({
        namespace: metadata.namespace,
        name: metadata.labels?.[labels.serviceName] ?? '',
      }),
    );
    for (const [key, slices] of byService) {
      const service = this.services.get(key);
      if (service === undefined || isOwnApi(service)) continue;
      for (const far of farEndpoints(service, slices)) {
        if (this.goneIn.get(`${far.namespace}/${far.pod}`)?.has(far.slice) !== true) yield far;
      }
    }
  }

  private summary(reached: readonly FarPort[]): string {
    const count = new Set(reached.map(({ namespace, pod }) => `${namespace}/${pod}`)).size;
    return `${this.services.size} Services, ${count} Pods`;
  }

  private async put(kind: Kind, object: KubeObject): Promise<void> {
    const { client } = this.options;
    const key = keyOf(kind, object);
    const text = JSON.stringify(object);
    const before = this.made.get(key);
    if (before === text) return;
    try {
      if (before !== undefined) {
        const stored = await client.get(kind, nameOf(object));
        await client.update(kind, isOfKind(serviceKind, stored) ? revised(stored, object) : object);
      } else {
        await this.ensureNamespace(object.metadata.namespace);
        await client.create(kind, object);
      }
    } catch (thrown) {
      // Somebody took it away here, where the cluster still has it.
      if (isNotFound(thrown)) this.made.delete(key);
      if (!isAlreadyExists(thrown)) throw thrown;
      this.options.log.warn('An object of the cluster is not copied: there is one of its name', {
        kind: kind.kind,
        name: objectKey(nameOf(object)),
      });
      return;
    }
    this.made.set(key, text);
  }

  private async drop(key: string): Promise<void> {
    const text = this.made.get(key);
    if (text === undefined) return;
    const [plural, namespace, name = ''] = key.split(' ');
    const kind = plural === serviceKind.plural ? serviceKind : endpointSliceKind;
    try {
      await this.options.client.delete(kind, { namespace, name });
    } catch (thrown) {
      if (!isNotFound(thrown)) throw thrown;
    }
    this.made.delete(key);
  }

  private async ensureNamespace(name: string | undefined): Promise<void> {
    const { client } = this.options;
    if (name === undefined) return;
    try {
      await client.get(namespaceKind, { name });
    } catch (thrown) {
      if (!isNotFound(thrown)) throw thrown;
      await client.create(namespaceKind, {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name },
      });
    }
  }
}

/** The same Service with what is wanted of it now; the address it was given stays. */
function revised(stored: Service, wanted: KubeObject): KubeObject {
  if (!isOfKind(serviceKind, wanted)) return wanted;
  const { clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy } = stored.spec ?? {};
  const isAlias = wanted.spec?.type === 'ExternalName' || stored.spec?.type === 'ExternalName';
  const given = { clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy };
  const kept = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { ...wanted, spec: { ...(isAlias ? {} : kept), ...wanted.spec } } as Service;
}

/** Each cluster has its own, and so has this instance. */
function isOwnApi({ metadata }: Service): boolean {
  return metadata.namespace === 'default' && metadata.name === 'kubernetes';
}

function keyOf(kind: Kind, object: KubeObject): string {
  const { namespace, name } = object.metadata;
  return `${kind.plural} ${namespace ?? ''} ${name}`;
}
