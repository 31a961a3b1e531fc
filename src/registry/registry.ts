/**
 * The objects as a Kubernetes API serves them: what is written is checked, completed and given its addresses, then
 * stored. Kinds differ only by their strategies.
 */
import {
  ApiError,
  apiVersionOf,
  forbidden,
  ipAddressKind,
  isAlreadyExists,
  isLeaving,
  isNotFound,
  isOfKind,
  kindKey,
  namespaceKind,
  serviceCidrKind,
  serviceKind,
  type DeleteOptions,
  type Kind,
  type KubeObject,
  type ListOptions,
  type MergePatch,
  type ObjectClient,
  type ObjectList,
  type ObjectName,
  type PatchOptions,
  type WatchEvent,
  type WatchOptions,
} from '../kube/index.ts';
import type { Cidr, Random } from '../model/index.ts';
import { AddressRanges } from './address-ranges.ts';
import {
  clusterRoleBindingStrategy,
  clusterRoleStrategy,
  roleBindingStrategy,
  roleStrategy,
  serviceAccountStrategy,
} from './access.ts';
import { configMapStrategy, secretStrategy } from './config-map.ts';
import { controllerRevisionStrategy } from './controller-revision.ts';
import { deploymentStrategy } from './deployment.ts';
import { createEndpointSliceStrategy } from './endpoint-slice.ts';
import { createEndpointsStrategy } from './endpoints.ts';
import { eventStrategy } from './event.ts';
import { createIpAddressStrategy } from './ip-address.ts';
import { createWriter, type Writer } from './kind-writer.ts';
import { ingressClassStrategy } from './ingress-class.ts';
import { ingressStrategy } from './ingress.ts';
import { leaseStrategy } from './lease.ts';
import { namespaceStrategy } from './namespace.ts';
import { nodeStrategy } from './node.ts';
import { podStrategy } from './pod.ts';
import { replicaSetStrategy } from './replica-set.ts';
import { ServiceAddresses } from './service-addresses.ts';
import { ServiceAllocator, type PortRange } from './service-allocation.ts';
import { serviceCidrStrategy } from './service-cidr.ts';
import { ServiceRanges } from './service-ranges.ts';
import { createServiceStrategy } from './service.ts';
import { metadataOf } from './inspect.ts';
import { statefulSetStrategy } from './stateful-set.ts';
import type { Revision, TrackFields, WriteContext } from './write-context.ts';
import { WriteGate } from './write-gate.ts';

export interface RegistryOptions {
  /** Holds the objects; nobody else writes to it. */
  readonly store: ObjectClient;
  readonly random: Random;
  readonly serviceRange: Cidr;
  /** A range of the other family: Services may then have an address of each. */
  readonly secondaryServiceRange?: Cidr | undefined;
  /** 30000 to 32767 when undefined. */
  readonly nodePortRange?: PortRange | undefined;
  /** The one named deviation from the real server: what runs on a laptop is at a loopback address. */
  readonly allowLoopbackEndpoints: boolean;
  /** Says who owns which field of what is written; `metadata.managedFields` is left alone when undefined. */
  readonly trackFields?: TrackFields | undefined;
}

/** Namespaces that exist from the start and cannot be deleted. */
const firstNamespaces = ['default', 'kube-system'] as const;

const defaultNodePorts: PortRange = { first: 30_000, last: 32_767 };

/** Objects, and what an API server needs to write them beyond an ObjectClient. */
export interface ObjectRegistry extends ObjectClient {
  /** As `create`, of whatever the request held. */
  make(kind: Kind, value: unknown, context: WriteContext): Promise<KubeObject>;
  /** As `update`, by a function of the stored object: called again when somebody was faster. */
  revise(
    kind: Kind,
    name: ObjectName,
    change: { readonly revision: Revision; readonly context: WriteContext },
  ): Promise<KubeObject>;
  /** As `delete`; nothing happens in a dry run but the checks. */
  remove(kind: Kind, name: ObjectName, options: DeleteOptions & WriteContext): Promise<void>;
  /** Runs `work`, which changes the store itself, while nobody else writes; what it leaves is taken as given. */
  replaceStored<T>(work: () => Promise<T>): Promise<T>;
}

export function createRegistry(options: RegistryOptions): ObjectRegistry {
  return new Registry(options);
}

class Registry implements ObjectRegistry {
  private readonly store: ObjectClient;
  private readonly ranges: AddressRanges;
  private readonly serviceRanges: ServiceRanges;
  private readonly allocator: ServiceAllocator;
  private readonly addresses: ServiceAddresses;
  private readonly writers: ReadonlyMap<string, Writer>;
  private readonly gate = new WriteGate();
  private preparing: Promise<void> | undefined;

  constructor(options: RegistryOptions) {
    const { store, random, allowLoopbackEndpoints: allowLoopback } = options;
    this.store = store;
    const { serviceRange, secondaryServiceRange: secondary } = options;
    this.ranges = new AddressRanges([
      serviceRange,
      ...(secondary === undefined ? [] : [secondary]),
    ]);
    const { ranges } = this;
    this.allocator = new ServiceAllocator(ranges, options.nodePortRange ?? defaultNodePorts);
    this.addresses = new ServiceAddresses(store);
    this.serviceRanges = new ServiceRanges(store, ranges);
    const own = { store, random, trackFields: options.trackFields };
    const writers = [
      createWriter(namespaceStrategy, own),
      createWriter(nodeStrategy, own),
      // Whoever makes Pods comes before them: a Namespace is emptied in this order.
      createWriter(deploymentStrategy, own),
      createWriter(statefulSetStrategy, own),
      createWriter(replicaSetStrategy, own),
      createWriter(controllerRevisionStrategy, own),
      createWriter(podStrategy, own),
      createWriter(createServiceStrategy(this.allocator, this.addresses), own),
      createWriter(createEndpointsStrategy({ allowLoopback }), own),
      createWriter(createEndpointSliceStrategy({ allowLoopback }), own),
      createWriter(configMapStrategy, own),
      createWriter(secretStrategy, own),
      createWriter(leaseStrategy, own),
      createWriter(eventStrategy, own),
      createWriter(ingressStrategy, own),
      createWriter(ingressClassStrategy, own),
      createWriter(serviceCidrStrategy, own),
      createWriter(createIpAddressStrategy({ ranges, store }), own),
      createWriter(serviceAccountStrategy, own),
      createWriter(roleBindingStrategy, own),
      createWriter(roleStrategy, own),
      createWriter(clusterRoleBindingStrategy, own),
      createWriter(clusterRoleStrategy, own),
    ];
    this.writers = new Map(writers.map((writer) => [kindKey(writer.kind), writer]));
  }

  async get<T extends KubeObject>(kind: Kind<T>, name: ObjectName): Promise<T> {
    await this.writerOf(kind);
    return await this.store.get(kind, name);
  }

  async list<T extends KubeObject>(kind: Kind<T>, options?: ListOptions): Promise<ObjectList<T>> {
    await this.writerOf(kind);
    return await this.store.list(kind, options);
  }

  watch<T extends KubeObject>(kind: Kind<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    return this.store.watch(kind, options);
  }

  async create<T extends KubeObject>(kind: Kind<T>, object: T): Promise<T> {
    const writer = await this.writerOf(kind);
    await this.checkNamespace(kind, object.metadata);
    return narrow(kind, await this.pass(kind, () => writer.create(object)));
  }

  async make(kind: Kind, value: unknown, context: WriteContext): Promise<KubeObject> {
    const writer = await this.writerOf(kind);
    const { namespace } = metadataOf(value);
    const text = typeof namespace === 'string' ? namespace : '';
    await this.checkNamespace(kind, { name: '', namespace: text });
    return await this.pass(kind, () => writer.create(value, context));
  }

  async revise(
    kind: Kind,
    name: ObjectName,
    { revision, context }: { readonly revision: Revision; readonly context: WriteContext },
  ): Promise<KubeObject> {
    const writer = await this.writerOf(kind);
    return await this.pass(kind, () => writer.revise(name, revision, context));
  }

  async remove(kind: Kind, name: ObjectName, options: DeleteOptions & WriteContext): Promise<void> {
    if (options.dryRun !== true) return await this.delete(kind, name, options);
    await (await this.writerOf(kind)).delete(name, options);
  }

  async update<T extends KubeObject>(kind: Kind<T>, object: T): Promise<T> {
    const writer = await this.writerOf(kind);
    return narrow(kind, await this.pass(kind, () => writer.update(object)));
  }

  async patch<T extends KubeObject>(
    kind: Kind<T>,
    name: ObjectName,
    patch: MergePatch,
    options?: PatchOptions,
  ): Promise<T> {
    const writer = await this.writerOf(kind);
    return narrow(kind, await this.pass(kind, () => writer.patch(name, patch, options)));
  }

  async delete(kind: Kind, name: ObjectName, options?: DeleteOptions): Promise<void> {
    const writer = await this.writerOf(kind);
    if (kindKey(kind) === kindKey(namespaceKind)) {
      if (firstNamespaces.some((first) => first === name.name)) {
        throw forbidden(namespaceKind, name.name, 'this namespace may not be deleted');
      }
    }
    await this.pass(kind, async () => {
      await writer.delete(name, options);
      if (kindKey(kind) === kindKey(namespaceKind)) await this.terminate(name.name);
    });
  }

  async replaceStored<T>(work: () => Promise<T>): Promise<T> {
    await this.writerOf(serviceKind);
    return await this.gate.alone(async () => {
      const before = await this.store.list(serviceKind);
      const done = await work();
      for (const service of before.items) this.allocator.release(service);
      await this.adoptStored();
      await this.serviceRanges.follow();
      return done;
    });
  }

  private async writerOf(kind: Kind): Promise<Writer> {
    this.preparing ??= this.prepare();
    try {
      await this.preparing;
    } catch (thrown) {
      // The next caller tries again.
      this.preparing = undefined;
      throw thrown;
    }
    return this.known(kind);
  }

  private known(kind: Kind): Writer {
    const writer = this.writers.get(kindKey(kind));
    if (writer !== undefined) return writer;
    throw new ApiError('NotFound', 'the server could not find the requested resource', {
      remedy: `Use one of ${[...this.writers.values()].map((known) => known.kind.kind).join(', ')}`,
    });
  }

  /** Makes the first Namespaces, and finds out what is given away already. */
  private async prepare(): Promise<void> {
    const writer = this.known(namespaceKind);
    for (const name of firstNamespaces) {
      try {
        await writer.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
      } catch (thrown) {
        if (!isAlreadyExists(thrown)) throw thrown;
      }
    }
    await this.adoptStored();
    await this.serviceRanges.keepOwn();
    await this.serviceRanges.follow();
  }

  private async adoptStored(): Promise<void> {
    const services = await this.store.list(serviceKind);
    for (const service of services.items) this.allocator.adopt(service);
    await this.addresses.repair(this.ranges);
  }

  /** What a write of this kind may ask of the ServiceCIDRs; it waits until that is done. */
  private async pass<T>(kind: Kind, work: () => Promise<T>): Promise<T> {
    return await this.gate.pass(async () => {
      const done = await work();
      const key = kindKey(kind);
      const givesBack = key === kindKey(serviceKind) || key === kindKey(ipAddressKind);
      if (key === kindKey(serviceCidrKind) || (givesBack && this.serviceRanges.isWaiting)) {
        await this.serviceRanges.follow();
      }
      return done;
    });
  }

  private async checkNamespace(kind: Kind, { name, namespace = '' }: ObjectName): Promise<void> {
    if (!kind.namespaced) return;
    if (namespace === '') {
      throw new ApiError('BadRequest', 'an empty namespace may not be set during creation');
    }
    const found = await this.store.get(namespaceKind, { name: namespace });
    if (!isLeaving(found) && found.status?.phase !== 'Terminating') return;
    const reason = `unable to create new content in namespace ${namespace} because it is being terminated`;
    const cause = {
      reason: 'NamespaceTerminating',
      field: 'metadata.namespace',
      message: `namespace ${namespace} is being terminated`,
    };
    const { message } = forbidden(kind, name, reason);
    throw new ApiError('Forbidden', message, { causes: [cause] });
  }

  /** Nothing new comes into it; its controller takes away what it holds, and then the finalizer in its spec. */
  private async terminate(name: string): Promise<void> {
    const status = { phase: 'Terminating' };
    try {
      await this.store.patch(namespaceKind, { name }, { status }, { subresource: 'status' });
    } catch (thrown) {
      // It held nothing back, and is gone.
      if (!isNotFound(thrown)) throw thrown;
    }
  }
}

function narrow<T extends KubeObject>(kind: Kind<T>, object: KubeObject): T {
  if (isOfKind(kind, object)) return object;
  throw new ApiError('InternalError', `Cannot use ${apiVersionOf(kind)} ${kind.kind}: it is none`);
}
