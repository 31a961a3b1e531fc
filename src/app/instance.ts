/**
 * One Switchyard on one machine: objects, controllers, node, Plan and driver, joined. The list of components is
 * data; they start in its order and stop in the reverse.
 */
import { createFieldTracker } from '../apiserver/index.ts';
import type { DnsHome, UpstreamSource } from '../dns/index.ts';
import type { Door } from '../door/index.ts';
import type { ServiceGateway } from '../gateway/index.ts';
import type { HandingOver } from '../drivers/userspace/index.ts';
import type { Driver, SocketAddress } from '../model/index.ts';
import { createMetrics, type Metrics } from '../metrics/index.ts';
import { createEmbeddedNode, type EmbeddedNode } from '../node/index.ts';
import type { Component, Logger } from '../obs/index.ts';
import type { Planner } from '../plan/index.ts';
import { createRegistry, type ObjectRegistry } from '../registry/index.ts';
import { systemClock } from '../sys/index.ts';
import type { StreamEngine } from '../sys/net/index.ts';
import type { AddressBlock } from './address-block.ts';
import { createBrowserPort } from './browser-port.ts';
import { createControllers } from './controllers.ts';
import type { Estate } from './estate.ts';
import { createForwarding } from './forwarding.ts';
import type { NamePort } from './name-ports.ts';
import type { KernelDriver } from './kernel-drivers.ts';
import { createNaming } from './naming.ts';
import type { Objects } from './objects.ts';
import { version } from './version.ts';

export interface InstanceParts {
  readonly engine: StreamEngine;
  readonly objects: Objects;
  readonly block: AddressBlock;
  /** What forwards in the kernel; undefined: sockets do. */
  readonly kernel: KernelDriver | undefined;
  /** Who answers names outside of the cluster. */
  readonly upstreams: UpstreamSource;
  /** Where metrics are served; undefined: nowhere. */
  readonly metricsAt: SocketAddress | undefined;
  /** Where browsers find Services by name; undefined: the usual port, or another while that is taken. */
  readonly browserPort: number | undefined;
  /** Of all requests that are balanced, how many are logged: 0 to 1. */
  readonly accessLogShare: number;
  readonly log: Logger;
  /** What the process before this one left. */
  readonly estate?: Estate | undefined;
  /** How long connections may go on when this ends. */
  readonly drainMs?: number | undefined;
}

export interface Instance {
  readonly objects: Objects;
  readonly drainMs: number | undefined;
  readonly carrier: HandingOver;
  readonly client: ObjectRegistry;
  readonly driver: Driver;
  readonly planner: Planner;
  readonly node: EmbeddedNode;
  readonly names: DnsHome;
  readonly door: Door;
  readonly metrics: Metrics;
  readonly gateway: ServiceGateway;
  readonly browsers: NamePort;
  /** Everything that runs once the first objects are there. */
  readonly components: readonly Component[];
}

const nodeName = 'embedded';

export function createInstance(parts: InstanceParts): Instance {
  const { engine, objects, block, upstreams, metricsAt, log, estate } = parts;
  const clock = systemClock;
  const random = Math.random;
  const client = createRegistry({
    store: objects.store,
    random,
    serviceRange: block.serviceRange,
    secondaryServiceRange: block.secondaryRange,
    allowLoopbackEndpoints: true,
    trackFields: createFieldTracker(clock),
  });
  const common = { client, clock, random };
  const logOf = (component: string): Logger => log.child({ component });
  const { kernel, drainMs, accessLogShare } = parts;
  const carried = { engine, block, nodeName, kernel, logOf, estate, drainMs, accessLogShare };
  const forwarding = createForwarding({ ...common, ...carried });
  const { driver, gateway, planner, withdrawals, syncs } = forwarding;
  const node = createEmbeddedNode({
    ...common,
    nodeName,
    podRange: block.podRange,
    network: block.podNetwork,
    engine,
    log: logOf('node'),
    adopted: estate?.node.pods,
    saidBefore: estate?.node.logs,
    withdrawn: (pod, limit) => withdrawals.withdrawn(pod, limit),
  });
  const { names, door } = createNaming({
    ...common,
    engine: engine.name,
    upstreams,
    block,
    forwarding,
    log,
  });
  const browsers = createBrowserPort({ engine, gateway, port: parts.browserPort, objects });
  const metrics = createMetrics({
    at: metricsAt,
    version,
    driver,
    applied: planner.applied,
    syncs,
    others: async () => [...names.dns.metrics(), ...(await gateway.metrics())],
    log: logOf('metrics'),
  });
  return {
    objects,
    drainMs,
    carrier: forwarding.carrier,
    client,
    driver,
    planner,
    node,
    names,
    door,
    metrics,
    gateway,
    browsers,
    components: [
      node,
      // Stopped before the node: what is open ends at Pods that are still there.
      forwarding.driverComponent,
      gateway,
      ...createControllers(common, logOf),
      planner,
      ...forwarding.nodeAddresses,
      ...names.components,
      door,
      browsers,
      metrics,
    ],
  };
}
