/**
 * Keeps what says where Services lead equal to what their Pods say: EndpointSlices first, then Endpoints for older
 * clients; and slices that mirror hand-made Endpoints.
 */
import {
  createEventRecorder,
  endpointSliceKind,
  endpointsKind,
  isNotFound,
  nameOf,
  nodeKind,
  podKind,
  serviceKind,
  type Endpoints,
  type EndpointSlice,
  type EventRecorder,
  type ObjectClient,
  type Service,
} from '../kube/index.ts';
import type { Component } from '../obs/index.ts';
import { desiredGroups, familiesOf } from './desired-endpoints.ts';
import { createDirtyLoop } from './dirty-loop.ts';
import { followKind, type ControllerOptions } from './mirror.ts';
import { isMirrored, mirroredEndpoints, type Mirrored } from './mirrored-endpoints.ts';
import { planSlices, type SliceWrites } from './plan-slices.ts';
import { ServiceState } from './service-state.ts';
import { ownerOfMirrored, ownerOfPods } from './slice-owner.ts';
import { removeEndpoints, syncEndpoints } from './sync-endpoints.ts';

const retryMs = 200;
const families = ['IPv4', 'IPv6'] as const;

interface SyncContext {
  readonly state: ServiceState;
  readonly client: ObjectClient;
  readonly events: EventRecorder;
}

export function createEndpointSliceController(options: ControllerOptions): Component {
  const state = new ServiceState();
  const events = createEventRecorder({
    ...options,
    component: 'endpoint-slice-mirroring-controller',
  });
  const context: SyncContext = { state, client: options.client, events };
  const loop = createDirtyLoop({
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
      followKind(options, endpointsKind, { mirror: state.endpoints, onChange }),
    ],
    sync: async (text) => {
      const [part, key = ''] = text.split(' ');
      if (part === 'slices') await syncSlices(key, context);
      else if (part === 'endpoints') await syncEndpointsOf(key, context);
      else await syncMirrored(key, context);
      return 'done';
    },
  });
  return {
    ...loop,
    stop: async () => {
      await loop.stop();
      await events.settled();
    },
  };
}

/** The Service when it has Pods of its own choosing. */
function selecting(service: Service | undefined): Service | undefined {
  return service?.spec?.selector === undefined ? undefined : service;
}

async function syncSlices(key: string, context: SyncContext): Promise<void> {
  const { state } = context;
  // Who reads Endpoints can wait until the slices of all others are written.
  state.touch('endpoints', key);
  const service = selecting(state.services.objects.get(key));
  const existing = state.slicesOf(key, 'pods');
  if (service === undefined || service.spec?.type === 'ExternalName') {
    return await removeAll(existing, context);
  }
  const wanted = familiesOf(service);
  const pods = state.podsOf(key);
  const owner = ownerOfPods(service);
  for (const family of wanted) {
    const groups = desiredGroups(service, pods, { family, zoneOf: state.zoneOf });
    const own = existing.filter(({ addressType }) => addressType === family);
    await write(planSlices(owner, groups, { family, existing: own }), context);
  }
  const others = existing.filter(({ addressType }) => !wanted.some((f) => f === addressType));
  await removeAll(others, context);
}

async function syncEndpointsOf(key: string, { state, client }: SyncContext): Promise<void> {
  const service = state.services.objects.get(key);
  const existing = state.endpoints.objects.get(key);
  const now = { client, state, existing };
  if (service === undefined) {
    if (state.gone.delete(key)) await removeEndpoints(now);
  } else if (selecting(service) !== undefined) {
    await syncEndpoints(service, state.podsOf(key), now);
  }
}

async function syncMirrored(key: string, context: SyncContext): Promise<void> {
  const { state, events } = context;
  const endpoints = state.endpoints.objects.get(key);
  const existing = state.slicesOf(key, 'mirroring');
  if (endpoints === undefined || !isMirrored(state.services.objects.get(key), endpoints)) {
    return await removeAll(existing, context);
  }
  const owner = ownerOfMirrored(endpoints);
  const mirrored = mirroredEndpoints(endpoints);
  let writes = 0;
  for (const family of families) {
    const own = existing.filter(({ addressType }) => addressType === family);
    const plan = planSlices(owner, mirrored.groups[family], { family, existing: own });
    writes += plan.create.length + plan.update.length;
    await write(plan, context);
  }
  if (writes > 0) tellSkipped(endpoints, mirrored, events);
}

function tellSkipped(
  endpoints: Endpoints,
  { skipped, invalid }: Mirrored,
  events: EventRecorder,
): void {
  if (skipped > 0) {
    const message = `A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. ${skipped} addresses were skipped`;
    events.record(endpoints, { type: 'Warning', reason: 'TooManyAddressesToMirror', message });
  }
  if (invalid > 0) {
    const message = `Skipped ${invalid} invalid IP addresses when mirroring to EndpointSlices`;
    events.record(endpoints, { type: 'Warning', reason: 'InvalidIPAddress', message });
  }
}

/** What is written counts at once: the watch tells of it later, and the next change builds on it. */
async function write({ create, update, remove }: SliceWrites, context: SyncContext): Promise<void> {
  const { state, client } = context;
  for (const slice of create) {
    const written = await client.create(endpointSliceKind, slice);
    state.learn(() => state.slices.set(written));
  }
  for (const slice of update) {
    const written = await client.update(endpointSliceKind, slice);
    state.learn(() => state.slices.set(written));
  }
  await removeAll(remove, context);
}

async function removeAll(
  slices: readonly EndpointSlice[],
  { state, client }: SyncContext,
): Promise<void> {
  for (const slice of slices) {
    try {
      await client.delete(endpointSliceKind, nameOf(slice));
    } catch (thrown) {
      if (!isNotFound(thrown)) throw thrown;
    }
    state.learn(() => state.slices.remove(slice));
  }
}
