/** What forwards: the planner that follows the objects, the driver that carries out its Plans, and who is told of it. */
import type { ServiceGateway } from '../gateway/index.ts';
import type { HandingOver } from '../drivers/userspace/index.ts';
import { createEventRecorder, type ObjectClient } from '../kube/index.ts';
import { SyncTimes } from '../metrics/index.ts';
import type { Clock, Driver, Random, SocketAddress } from '../model/index.ts';
import type { Component, Logger } from '../obs/index.ts';
import { createPlanner, type Planner } from '../plan/index.ts';
import type { StreamEngine } from '../sys/net/index.ts';
import type { AddressBlock } from './address-block.ts';
import { createAfterApply } from './after-apply.ts';
import type { Estate } from './estate.ts';
import type { KernelDriver } from './kernel-drivers.ts';
import { followHostAddresses } from './host-addresses.ts';
import { ownNodeView } from './own-node.ts';
import { createGatedDriver } from './request-gateway.ts';
import { createWithdrawals, type Withdrawals } from './withdrawals.ts';

export interface ForwardingParts {
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly engine: StreamEngine;
  readonly block: AddressBlock;
  readonly nodeName: string;
  /** What forwards in the kernel; undefined: sockets do. */
  readonly kernel: KernelDriver | undefined;
  readonly logOf: (component: string) => Logger;
  readonly estate: Estate | undefined;
  /** Of all requests that are balanced, how many are logged: 0 to 1. */
  readonly accessLogShare: number;
  /** How long connections may go on after Ctrl-C. */
  readonly drainMs: number | undefined;
}

export interface Forwarding {
  readonly driver: Driver;
  /** The driver itself, for the process after this one. */
  readonly carrier: HandingOver;
  readonly gateway: ServiceGateway;
  readonly planner: Planner;
  readonly withdrawals: Withdrawals;
  readonly syncs: SyncTimes;
  /** Where the driver answers for a frontend, by what its last report says. */
  reach(declared: SocketAddress): SocketAddress;
  /** The driver's place in the order of things. */
  readonly driverComponent: Component;
  /** Follows what the node is; none where that never changes. */
  readonly nodeAddresses: readonly Component[];
}

/** A change waits this long for others to come along; the first after quiet waits not at all. */
const minIntervalMs = 5;
const retryMs = 2_000;
const maxIntervalMs = 3_600_000;
const defaultDrainMs = 2_000;

export function createForwarding(parts: ForwardingParts): Forwarding {
  const { client, clock, random, engine, block, nodeName, logOf } = parts;
  const common = { client, clock, random };
  const gated = createGatedDriver({
    ...common,
    engine,
    logOf,
    scope: 'localhost',
    drainMs: parts.drainMs ?? defaultDrainMs,
    accessLogShare: parts.accessLogShare,
    planner: () => planner,
    inherited: parts.estate?.driver,
    kernel: parts.kernel,
    ownAddress: block.ownAddress,
  });
  const { gateway } = gated;
  const node = { name: nodeName, block, inKernel: parts.kernel !== undefined };
  const syncs = new SyncTimes(clock);
  const driver = syncs.timed(gated.driver);
  const withdrawals = createWithdrawals({ clock, driver, planner: () => planner });
  const planner: Planner = createPlanner({
    ...common,
    driver,
    node: ownNodeView(node),
    log: logOf('plan'),
    minIntervalMs,
    retryMs,
    maxIntervalMs,
    gatewayOf: (...asked) => gateway.gatewayOf(...asked),
    events: createEventRecorder({ ...common, log: logOf('plan'), component: 'switchyard' }),
    onApplied: createAfterApply({ ...common, driver, gateway, withdrawals, logOf }),
  });
  return {
    driver,
    carrier: gated.carrier,
    gateway,
    planner,
    withdrawals,
    syncs,
    reach: reachOf(planner),
    driverComponent: driverComponent(driver, parts.drainMs),
    nodeAddresses: node.inKernel
      ? [followHostAddresses({ clock, changed: () => planner.setNode(ownNodeView(node)) })]
      : [],
  };
}

function reachOf(planner: Planner): (declared: SocketAddress) => SocketAddress {
  return (declared) => {
    const { standIns } = planner.applied().report;
    const standIn = standIns.find(
      ({ frontend }) => frontend.address === declared.address && frontend.port === declared.port,
    );
    return standIn?.address ?? declared;
  };
}

/** A driver starts with its first Plan; what is left of its life is its end. */
export function driverComponent(driver: Driver, drainMs = defaultDrainMs): Component {
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
