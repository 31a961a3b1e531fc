/** Keeps the EndpointSlices of Services with a selector equal to what their Pods say. */
import { isDeepStrictEqual } from 'node:util';
import {
  createReflector,
  endpointSliceController,
  endpointSliceKind,
  isAlreadyExists,
  isConflict,
  isNotFound,
  labels,
  nameOf,
  objectKey,
  podKind,
  serviceKind,
  type EndpointSlice,
  type Kind,
  type KubeObject,
  type ObjectClient,
  type Pod,
  type Service,
} from '../kube/index.ts';
import type { Clock, Random } from '../model/index.ts';
import type { Component, ComponentStatus, Logger } from '../obs/index.ts';
import { createSyncLoop, type RunResult, type SyncLoop } from '../plan/index.ts';
import { desiredSlices } from './desired-slices.ts';
import { LabelIndex } from './label-index.ts';

export interface EndpointSliceControllerOptions {
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export function createEndpointSliceController(options: EndpointSliceControllerOptions): Component {
  const { client, clock, random, log } = options;
  const state = new SliceState();
  const loop: SyncLoop = createSyncLoop(() => writeDirty(state, options), {
    clock,
    minIntervalMs: 0,
    retryMs: 200,
    maxIntervalMs: 3_600_000,
    onFailure: (thrown) =>
      log.warn('Cannot write EndpointSlices; will try again', { error: thrown }),
  });
  const follow = <T extends KubeObject>(kind: Kind<T>, mirror: Mirror<T>): Component =>
    createReflector<T>({
      client,
      kind,
      clock,
      random,
      log,
      onReplace: (items) => {
        mirror.replace(items);
        loop.trigger();
      },
      onEvent: (event) => {
        if (event.type === 'DELETED') mirror.remove(keyOf(event.object));
        else mirror.set(event.object);
        loop.trigger();
      },
    });
  const reflectors = [
    follow(serviceKind, state.services),
    follow(podKind, state.pods),
    follow(endpointSliceKind, state.slices),
  ];
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  let status: ComponentStatus = { state: 'starting', detail: undefined };
  return {
    name: 'endpointslices',
    start: async (signal) => {
      await Promise.all(reflectors.map((reflector) => reflector.start(signal)));
      loop.trigger();
      running = loop.run(stopping.signal);
      status = { state: 'ready', detail: undefined };
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(reflectors.map((reflector) => reflector.stop()));
      await running;
      status = { state: 'stopped', detail: undefined };
    },
    status: () => status,
  };
}

/** Objects of one kind by key, telling `changed` of every difference. */
class Mirror<T extends KubeObject> {
  readonly objects = new Map<string, T>();
  private readonly changed: (key: string, now: T | undefined, before: T | undefined) => void;

  constructor(changed: (key: string, now: T | undefined, before: T | undefined) => void) {
    this.changed = changed;
  }

  set(object: T): void {
    const key = keyOf(object);
    const before = this.objects.get(key);
    this.objects.set(key, object);
    this.changed(key, object, before);
  }

  remove(key: string): void {
    const before = this.objects.get(key);
    if (before === undefined) return;
    this.objects.delete(key);
    this.changed(key, undefined, before);
  }

  replace(items: readonly T[]): void {
    const listed = new Set(items.map(keyOf));
    for (const key of this.objects.keys()) if (!listed.has(key)) this.remove(key);
    for (const item of items) this.set(item);
  }
}

/** What the controller has seen, and which Services that makes dirty. */
class SliceState {
  readonly dirty = new Set<string>();
  private readonly index = new LabelIndex();
  /** Service key -> keys of the slices this controller manages for it. */
  private readonly owned = new Map<string, Set<string>>();

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
}

async function writeDirty(
  state: SliceState,
  { client, log }: EndpointSliceControllerOptions,
): Promise<RunResult> {
  let result: RunResult = 'done';
  const keys = [...state.dirty];
  state.dirty.clear();
  for (const key of keys) {
    const service = state.services.objects.get(key);
    const wanted =
      service?.spec?.selector === undefined || service.spec.type === 'ExternalName'
        ? []
        : desiredSlices(service, state.podsOf(key));
    try {
      await writeSlices(client, state.slicesOf(key), wanted);
    } catch (thrown) {
      // Somebody else was quicker, or the API is away: the Service stays dirty, the others go on.
      state.dirty.add(key);
      result = 'retry';
      const expected = isConflict(thrown) || isAlreadyExists(thrown) || isNotFound(thrown);
      if (!expected) log.warn('Cannot write EndpointSlices', { service: key, error: thrown });
    }
  }
  return result;
}

async function writeSlices(
  client: ObjectClient,
  existing: readonly EndpointSlice[],
  wanted: readonly EndpointSlice[],
): Promise<void> {
  for (const slice of wanted) {
    const old = existing.find((s) => s.metadata.name === slice.metadata.name);
    if (old === undefined) {
      await client.create(endpointSliceKind, slice);
    } else if (!sameContent(old, slice)) {
      await client.update(endpointSliceKind, {
        ...old,
        metadata: {
          ...old.metadata,
          labels: { ...old.metadata.labels, ...slice.metadata.labels },
        },
        endpoints: slice.endpoints ?? [],
        ports: slice.ports ?? [],
      });
    }
  }
  for (const old of existing) {
    if (wanted.some((s) => s.metadata.name === old.metadata.name)) continue;
    await client.delete(endpointSliceKind, nameOf(old));
  }
}

function sameContent(a: EndpointSlice, b: EndpointSlice): boolean {
  return isDeepStrictEqual([a.endpoints, a.ports], [b.endpoints, b.ports]);
}

/** The Service of a slice this controller made; undefined for the slices of others. */
function managedOwner(slice: EndpointSlice): string | undefined {
  const own = slice.metadata.labels ?? {};
  const name = own[labels.serviceName];
  if (own[labels.managedBy] !== endpointSliceController || name === undefined) return undefined;
  return objectKey({ namespace: slice.metadata.namespace, name });
}

function keyOf(object: KubeObject): string {
  return objectKey(nameOf(object));
}
