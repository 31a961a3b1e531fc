/** Keeps the EndpointSlices of Services with a selector equal to what their Pods say. */
import {
  endpointSliceController,
  endpointSliceKind,
  isNotFound,
  labels,
  nameOf,
  nodeKind,
  objectKey,
  podKind,
  serviceKind,
  type EndpointSlice,
  type Node,
  type ObjectClient,
  type Pod,
  type Service,
} from '../kube/index.ts';
import type { Component } from '../obs/index.ts';
import { desiredGroups, familiesOf } from './desired-endpoints.ts';
import { createDirtyLoop } from './dirty-loop.ts';
import { LabelIndex } from './label-index.ts';
import { followKind, Mirror, type ControllerOptions } from './mirror.ts';
import { planSlices } from './plan-slices.ts';

const retryMs = 200;

export function createEndpointSliceController(options: ControllerOptions): Component {
  const state = new SliceState();
  return createDirtyLoop({
    name: 'endpointslices',
    clock: options.clock,
    log: options.log,
    retryMs,
    dirty: state.dirty,
    reflectors: (onChange) => [
      followKind(options, nodeKind, { mirror: state.nodes, onChange }),
      followKind(options, serviceKind, { mirror: state.services, onChange }),
      followKind(options, podKind, { mirror: state.pods, onChange }),
      followKind(options, endpointSliceKind, { mirror: state.slices, onChange }),
    ],
    sync: async (key) => {
      await syncService(key, state, options.client);
      return 'done';
    },
  });
}

/** What the controller has seen, and which Services that makes dirty. */
class SliceState {
  readonly dirty = new Set<string>();
  private readonly index = new LabelIndex();
  /** Service key -> keys of the slices this controller manages for it. */
  private readonly owned = new Map<string, Set<string>>();

  readonly nodes = new Mirror<Node>((_key, now, before) => {
    if (zoneOf(now) === zoneOf(before)) return;
    for (const key of this.services.objects.keys()) this.dirty.add(key);
  });

  readonly services = new Mirror<Service>((key, now) => {
    const namespace = now?.metadata.namespace ?? '';
    this.index.setSelector(key, namespace, now?.spec?.selector);
    this.dirty.add(key);
  });

  readonly pods = new Mirror<Pod>((key, now) => {
    for (const service of this.index.selectorsOf(key)) this.dirty.add(service);
    const namespace = now?.metadata.namespace ?? '';
    this.index.setObject(
      key,
      namespace,
      now === undefined ? undefined : (now.metadata.labels ?? {}),
    );
    for (const service of this.index.selectorsOf(key)) this.dirty.add(service);
  });

  readonly slices = new Mirror<EndpointSlice>((key, now, before) => {
    const oldOwner = before === undefined ? undefined : managedOwner(before);
    const newOwner = now === undefined ? undefined : managedOwner(now);
    if (oldOwner !== undefined) this.owned.get(oldOwner)?.delete(key);
    if (newOwner !== undefined) {
      const keys = this.owned.get(newOwner) ?? new Set<string>();
      this.owned.set(newOwner, keys.add(key));
    }
    for (const owner of [oldOwner, newOwner]) if (owner !== undefined) this.dirty.add(owner);
  });

  podsOf(serviceKey: string): readonly Pod[] {
    return this.index.objectsOf(serviceKey).flatMap((key) => this.pods.objects.get(key) ?? []);
  }

  slicesOf(serviceKey: string): readonly EndpointSlice[] {
    return [...(this.owned.get(serviceKey) ?? [])].flatMap(
      (key) => this.slices.objects.get(key) ?? [],
    );
  }

  readonly zoneOf = (nodeName: string): string | undefined =>
    zoneOf(this.nodes.objects.get(nodeName));
}

async function syncService(key: string, state: SliceState, client: ObjectClient): Promise<void> {
  const service = state.services.objects.get(key);
  const existing = state.slicesOf(key);
  const isServed = service?.spec?.selector !== undefined && service.spec.type !== 'ExternalName';
  if (service === undefined || !isServed) {
    await removeAll(existing, state, client);
    return;
  }
  const families = familiesOf(service);
  const pods = state.podsOf(key);
  for (const family of families) {
    const groups = desiredGroups(service, pods, { family, zoneOf: state.zoneOf });
    const own = existing.filter(({ addressType }) => addressType === family);
    const writes = planSlices(service, groups, { family, existing: own });
    // What is written counts at once: the watch tells of it later, and the next change builds on it.
    for (const slice of writes.create) {
      state.slices.set(await client.create(endpointSliceKind, slice));
    }
    for (const slice of writes.update) {
      state.slices.set(await client.update(endpointSliceKind, slice));
    }
    await removeAll(writes.remove, state, client);
  }
  const others = existing.filter(({ addressType }) => !families.some((f) => f === addressType));
  await removeAll(others, state, client);
}

async function removeAll(
  slices: readonly EndpointSlice[],
  state: SliceState,
  client: ObjectClient,
): Promise<void> {
  for (const slice of slices) {
    try {
      await client.delete(endpointSliceKind, nameOf(slice));
    } catch (thrown) {
      if (!isNotFound(thrown)) throw thrown;
    }
    state.slices.remove(slice);
  }
}

function zoneOf(node: Node | undefined): string | undefined {
  return node?.metadata.labels?.[labels.zone];
}

/** The Service of a slice this controller made; undefined for the slices of others. */
function managedOwner(slice: EndpointSlice): string | undefined {
  const own = slice.metadata.labels ?? {};
  const name = own[labels.serviceName];
  if (own[labels.managedBy] !== endpointSliceController || name === undefined) return undefined;
  return objectKey({ namespace: slice.metadata.namespace, name });
}
