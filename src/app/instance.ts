/**
 * One Switchyard on one machine: objects, controllers, node, Plan and driver, joined. The list of components is
 * data; they start in its order and stop in the reverse.
 */
import { randomUUID } from 'node:crypto';
import { ReachedAtRecorder } from '../controllers/index.ts';
import {
  createDnsServer,
  defaultZone,
  Forwarder,
  hostAddresses,
  type DnsServer,
} from '../dns/index.ts';
import { createDoor, type Door } from '../door/index.ts';
import { createUserspaceDriver, type HandingOver } from '../drivers/userspace/index.ts';
import type { ObjectClient } from '../kube/index.ts';
import type { Clock, Driver, NodeView, Random, SocketAddress } from '../model/index.ts';
import { createEmbeddedNode, type EmbeddedNode } from '../node/index.ts';
import type { Component, Logger } from '../obs/index.ts';
import { createPlanner, type Planner } from '../plan/index.ts';
import { createRegistry } from '../registry/index.ts';
import { createMemoryStore, type MemoryStoreClient } from '../store/index.ts';
import { systemClock } from '../sys/index.ts';
import { createPortableUdp, type NetEngine } from '../sys/net/index.ts';
import type { AddressBlock } from './address-block.ts';
import { createControllers } from './controllers.ts';
import type { Estate } from './estate.ts';
import { createWithdrawals } from './withdrawals.ts';

export interface InstanceParts {
  readonly engine: NetEngine;
  readonly block: AddressBlock;
  /** Who answers names outside of the cluster. */
  readonly upstreams: readonly SocketAddress[];
  readonly log: Logger;
  /** What the process before this one left. */
  readonly estate?: Estate | undefined;
  /** How long connections may go on when this ends. */
  readonly drainMs?: number | undefined;
}

export interface Instance {
  readonly store: MemoryStoreClient;
  readonly client: ObjectClient;
  readonly driver: Driver & HandingOver;
  readonly planner: Planner;
  readonly node: EmbeddedNode;
  readonly dns: DnsServer;
  readonly door: Door;
  readonly drainMs: number | undefined;
  /** Everything that runs once the first objects are there. */
  readonly components: readonly Component[];
}

const nodeName = 'embedded';
/** A change waits this long for others to come along; the first after quiet waits not at all. */
const minIntervalMs = 5;
const retryMs = 2_000;
const maxIntervalMs = 3_600_000;
/** How long connections may go on after Ctrl-C. */
const defaultDrainMs = 2_000;

/** Names on loopback; ports that need no privilege, the first free one. */
const nameServer = {
  zone: defaultZone,
  address: '127.0.0.1',
  ports: [5353, 5354, 5355, 5356, 0],
  lameduckMs: 0,
  logEvery: 0,
} as const;
const forwarding = { policy: 'random', tryMs: 2_000, totalMs: 5_000 } as const;
const doorAt = { address: '127.0.0.1', ports: [1080, 1081, 1082, 1083, 0] } as const;

export function createInstance(parts: InstanceParts): Instance {
  const { engine, block, upstreams, log, estate } = parts;
  const clock = systemClock;
  const random = Math.random;
  const store = createMemoryStore({ clock, newUid: randomUUID, restored: estate?.store });
  const client = createRegistry({
    store,
    random,
    serviceRange: block.serviceRange,
    allowLoopbackEndpoints: true,
  });
  const common = { client, clock, random };
  const logOf = (component: string): Logger => log.child({ component });
  const udp = createPortableUdp();
  const driver = createUserspaceDriver({
    engine,
    udp,
    clock,
    random,
    log: logOf('userspace'),
    inherited: estate?.driver,
  });
  const recorder = new ReachedAtRecorder({ client, log: logOf('reached-at') });
  const withdrawals = createWithdrawals({ clock, driver, planner: () => planner });
  const planner: Planner = createPlanner({
    ...common,
    driver,
    node: embeddedNodeView(block),
    log: logOf('plan'),
    minIntervalMs,
    retryMs,
    maxIntervalMs,
    onApplied: ({ plan, report }) => {
      recorder.record(plan, report);
      withdrawals.applied();
    },
  });
  const node = createEmbeddedNode({
    ...common,
    nodeName,
    podRange: block.podRange,
    engine,
    log: logOf('node'),
    adopted: estate?.node.pods,
    saidBefore: estate?.node.logs,
    withdrawn: (pod, limit) => withdrawals.withdrawn(pod, limit),
  });
  const dns = nameServerOf({ ...common, upstreams, logOf });
  const door = createDoor({
    ...doorAt,
    log: logOf('door'),
    resolve: (host) => hostAddresses(host, { ...dns, namespace: 'default' }),
    reach: reachOf(planner),
  });
  return {
    store,
    drainMs: parts.drainMs,
    client,
    driver,
    planner,
    node,
    dns,
    door,
    components: [
      node,
      // Stopped before the node: what is open ends at Pods that are still there.
      driverComponent(driver, parts.drainMs ?? defaultDrainMs),
      ...createControllers(common, logOf),
      planner,
      dns,
      door,
    ],
  };
}

interface NameServerParts {
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly upstreams: readonly SocketAddress[];
  readonly logOf: (component: string) => Logger;
}

function nameServerOf({ upstreams, logOf, ...common }: NameServerParts): DnsServer {
  return createDnsServer({
    ...common,
    ...nameServer,
    elsewhere:
      upstreams.length === 0
        ? undefined
        : (counters) =>
            new Forwarder({
              ...common,
              ...forwarding,
              counters,
              servers: upstreams,
              log: logOf('forward'),
            }),
    log: logOf('dns'),
  });
}

/** Where the driver answers for a frontend, by what its last report says. */
function reachOf(planner: Planner): (declared: SocketAddress) => SocketAddress {
  return (declared) => {
    const { standIns } = planner.applied().report;
    const standIn = standIns.find(
      ({ frontend }) => frontend.address === declared.address && frontend.port === declared.port,
    );
    return standIn?.address ?? declared;
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
function driverComponent(driver: Driver, drainMs: number): Component {
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
