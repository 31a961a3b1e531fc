/**
 * One Switchyard on one machine: objects, controllers, node, Plan and driver, joined. The list of components is
 * data; they start in its order and stop in the reverse.
 */
import { randomUUID } from 'node:crypto';
import {
  createEndpointSliceController,
  createGarbageCollector,
  createWorkloadControllers,
  ReachedAtRecorder,
} from '../controllers/index.ts';
import { createUserspaceDriver } from '../drivers/userspace/index.ts';
import type { ObjectClient } from '../kube/index.ts';
import type { Driver, NodeView } from '../model/index.ts';
import { createEmbeddedNode, type EmbeddedNode } from '../node/index.ts';
import type { Component, Logger } from '../obs/index.ts';
import { createPlanner, type Planner } from '../plan/index.ts';
import { createRegistry } from '../registry/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { systemClock } from '../sys/index.ts';
import { createPortableUdp, type NetEngine } from '../sys/net/index.ts';
import type { AddressBlock } from './address-block.ts';
import { createWithdrawals } from './withdrawals.ts';

export interface InstanceParts {
  readonly engine: NetEngine;
  readonly block: AddressBlock;
  readonly log: Logger;
}

export interface Instance {
  readonly client: ObjectClient;
  readonly driver: Driver;
  readonly planner: Planner;
  readonly node: EmbeddedNode;
  /** Everything that runs once the first objects are there. */
  readonly components: readonly Component[];
}

const nodeName = 'embedded';
/** A change waits this long for others to come along; the first after quiet waits not at all. */
const minIntervalMs = 5;
const retryMs = 2_000;
const maxIntervalMs = 3_600_000;
/** How long connections may go on after Ctrl-C. */
const drainMs = 2_000;

export function createInstance({ engine, block, log }: InstanceParts): Instance {
  const clock = systemClock;
  const random = Math.random;
  const store = createMemoryStore({ clock, newUid: randomUUID });
  const client = createRegistry({
    store,
    random,
    serviceRange: block.serviceRange,
    allowLoopbackEndpoints: true,
  });
  const common = { client, clock, random };
  const logOf = (component: string): Logger => log.child({ component });
  const udp = createPortableUdp();
  const driver = createUserspaceDriver({ engine, udp, clock, random, log: logOf('userspace') });
  const recorder = new ReachedAtRecorder({ client, log: logOf('reached-at') });
  const planner = createPlanner({
    ...common,
    driver,
    node: embeddedNodeView(block),
    log: logOf('plan'),
    minIntervalMs,
    retryMs,
    maxIntervalMs,
    onApplied: ({ plan, report }) => recorder.record(plan, report),
  });
  const node = createEmbeddedNode({
    ...common,
    nodeName,
    podRange: block.podRange,
    engine,
    log: logOf('node'),
    withdrawn: createWithdrawals({ clock, driver, plan: () => planner.applied().plan }),
  });
  return {
    client,
    driver,
    planner,
    node,
    components: [
      driverComponent(driver),
      node,
      createEndpointSliceController({ ...common, log: logOf('endpointslices') }),
      createWorkloadControllers({ ...common, log: logOf('workloads') }),
      createGarbageCollector({ ...common, log: logOf('garbage-collector') }),
      planner,
    ],
  };
}

function embeddedNodeView(block: AddressBlock): NodeView {
  return {
    name: nodeName,
    zone: undefined,
    addresses: ['127.0.0.1', '::1'],
    nodePortAddresses: ['127.0.0.1', '::1'],
    serviceRanges: [block.serviceRange],
    masqueradeAll: false,
    detectsLocalPods: false,
  };
}

/** A driver starts with its first Plan; what is left of its life is its end. */
function driverComponent(driver: Driver): Component {
  let stopped = false;
  return {
    name: `driver ${driver.name}`,
    start: async () => undefined,
    stop: async () => {
      if (stopped) return;
      stopped = true;
      await driver.stop(AbortSignal.timeout(drainMs));
    },
    status: () => ({ state: stopped ? 'stopped' : 'ready', detail: undefined }),
  };
}
