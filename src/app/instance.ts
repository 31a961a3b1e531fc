/**
 * One Switchyard on one machine: objects, controllers, node, Plan and driver, joined. The list of components is
 * data; they start in its order and stop in the reverse.
 */
import { randomUUID } from 'node:crypto';
import { createFieldTracker } from '../apiserver/index.ts';
import { createDnsHome, type DnsHome, type UpstreamSource } from '../dns/index.ts';
import { createDoor, type Door } from '../door/index.ts';
import type { ServiceGateway } from '../gateway/index.ts';
import type { Driver, SocketAddress } from '../model/index.ts';
import { createMetrics, type Metrics } from '../metrics/index.ts';
import { createEmbeddedNode, type EmbeddedNode } from '../node/index.ts';
import type { Component, Logger } from '../obs/index.ts';
import type { Planner } from '../plan/index.ts';
import { createRegistry, type ObjectRegistry } from '../registry/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { systemClock } from '../sys/index.ts';
import type { StreamEngine } from '../sys/net/index.ts';
import type { AddressBlock } from './address-block.ts';
import { createControllers } from './controllers.ts';
import { createForwarding } from './forwarding.ts';
import { version } from './version.ts';

export interface InstanceParts {
  readonly engine: StreamEngine;
  readonly block: AddressBlock;
  /** Who answers names outside of the cluster. */
  readonly upstreams: UpstreamSource;
  /** Where metrics are served; undefined: nowhere. */
  readonly metricsAt: SocketAddress | undefined;
  readonly log: Logger;
}

export interface Instance {
  readonly client: ObjectRegistry;
  readonly driver: Driver;
  readonly planner: Planner;
  readonly node: EmbeddedNode;
  readonly names: DnsHome;
  readonly door: Door;
  readonly metrics: Metrics;
  readonly gateway: ServiceGateway;
  /** Everything that runs once the first objects are there. */
  readonly components: readonly Component[];
}

const nodeName = 'embedded';
/** Names on loopback; ports that need no privilege, the first free one. */
const nameServer = {
  address: '127.0.0.1',
  alsoAt: ['::1'],
  ports: [5353, 5354, 5355, 5356, 0],
  lameduckMs: 0,
  logEvery: 0,
} as const;
const doorAt = { address: '127.0.0.1', ports: [1080, 1081, 1082, 1083, 0] } as const;

export function createInstance(parts: InstanceParts): Instance {
  const { engine, block, upstreams, metricsAt, log } = parts;
  const clock = systemClock;
  const random = Math.random;
  const store = createMemoryStore({ clock, newUid: randomUUID });
  const client = createRegistry({
    store,
    random,
    serviceRange: block.serviceRange,
    secondaryServiceRange: block.secondaryRange,
    allowLoopbackEndpoints: true,
    trackFields: createFieldTracker(clock),
  });
  const common = { client, clock, random };
  const logOf = (component: string): Logger => log.child({ component });
  const forwarding = createForwarding({ ...common, engine, block, nodeName, logOf });
  const { driver, gateway, planner, withdrawals, syncs } = forwarding;
  const node = createEmbeddedNode({
    ...common,
    nodeName,
    podRange: block.podRange,
    engine,
    log: logOf('node'),
    withdrawn: (pod, limit) => withdrawals.withdrawn(pod, limit),
  });
  const names = createDnsHome({
    ...common,
    ...nameServer,
    upstreams,
    serviceRange: block.serviceRange,
    log,
  });
  const door = createDoor({
    ...doorAt,
    log: logOf('door'),
    resolve: (host) => names.lookup(host, 'default'),
    reach: (declared) => forwarding.reach(declared),
  });
  const metrics = createMetrics({
    at: metricsAt,
    version,
    driver,
    applied: planner.applied,
    syncs,
    others: () => names.dns.metrics(),
    log: logOf('metrics'),
  });
  return {
    client,
    driver,
    planner,
    node,
    names,
    door,
    metrics,
    gateway,
    components: [
      forwarding.driverComponent,
      node,
      gateway,
      ...createControllers(common, logOf),
      planner,
      ...names.components,
      door,
      metrics,
    ],
  };
}
