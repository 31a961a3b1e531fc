/** Joins the gateway with the planner and the driver: what either needs of the other, and one picture of both. */
import {
  createGateway,
  createGatewayThreads,
  createServiceGateway,
  type ServiceGateway,
  type ServiceGatewayOptions,
} from '../gateway/index.ts';
import {
  createUserspaceDriver,
  type DriverEstate,
  type HandingOver,
} from '../drivers/userspace/index.ts';
import { createEventRecorder, isNotFound, serviceKind, type ObjectClient } from '../kube/index.ts';
import type { Clock, Driver, Random } from '../model/index.ts';
import type { Logger } from '../obs/index.ts';
import type { Planner } from '../plan/index.ts';
import { keptInKernel } from './kept-in-kernel.ts';
import type { KernelDriver } from './kernel-drivers.ts';
import { createPortableUdp, type StreamEngine } from '../sys/net/index.ts';

export interface RequestGatewayOptions {
  readonly engine: StreamEngine;
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logOf: (component: string) => Logger;
  /** Whose names shared ports answer to, how long requests may take at the end, and the share of them in the log. */
  readonly scope: ServiceGatewayOptions['scope'];
  readonly drainMs: number;
  /** Every client says first whom it speaks for; nobody when undefined. */
  readonly acceptProxyProtocol?: boolean | undefined;
  readonly accessLogShare: number;
  /** Asked when a gateway came or went; may still be in the making before. */
  readonly planner: () => Planner;
  /** Where it listens for those that come through a driver. */
  readonly ownAddress: string;
  /** What carries connections instead of sockets. */
  readonly kernel: KernelDriver | undefined;
  /** What the driver of the process before this one left. */
  readonly inherited?: DriverEstate | undefined;
}

/** Of all threads together. */
const maxEndpointConnections = 1_024;
const maxWaiting = 4_096;

/** The driver, and the gateway: connections are handed to it, or led to where it listens. */
export function createGatedDriver(options: RequestGatewayOptions): {
  readonly driver: Driver;
  /** The driver itself, for the process after this one. */
  readonly carrier: HandingOver;
  readonly gateway: ServiceGateway;
} {
  const { engine, clock, random, logOf } = options;
  const gateway = createRequestGateway(options);
  if (options.kernel !== undefined) {
    const log = logOf('driver');
    const driver = options.kernel({ clock, random, log, atStop: 'remove' });
    return { driver: withRequests(driver, gateway), carrier: keptInKernel, gateway };
  }
  const driver = createUserspaceDriver({
    engine,
    udp: createPortableUdp(),
    clock,
    random,
    log: logOf('userspace'),
    inherited: options.inherited,
    handOver: (connection, server, pool) => gateway.handOver(connection, server, pool),
  });
  return { driver: withRequests(driver, gateway), carrier: driver, gateway };
}

function createRequestGateway(options: RequestGatewayOptions): ServiceGateway {
  const { engine, clock, random, logOf, planner } = options;
  const workers = engine.passing?.workers ?? 1;
  const common = {
    random,
    log: logOf('http'),
    accessLogShare: options.accessLogShare,
    maxEndpointConnections: Math.ceil(maxEndpointConnections / workers),
    maxWaiting: Math.ceil(maxWaiting / workers),
  };
  const threads = createGatewayThreads(engine, common);
  const gateway = createGateway({
    ...common,
    engine,
    clock,
    threads,
    address: options.ownAddress,
  });
  return createServiceGateway({
    ...options,
    gateway,
    threads,
    scope: options.scope,
    acceptProxyProtocol: options.acceptProxyProtocol ?? false,
    lacks: lackTeller(options),
    drainMs: options.drainMs,
    log: logOf('gateway'),
    changed: ({ namespace, name }) => planner().refresh(namespace, name),
  });
}

/** A driver whose per-request ServicePorts are carried by a gateway: there a connection is a request. */
function withRequests(driver: Driver, gateway: ServiceGateway): Driver {
  return {
    name: driver.name,
    capabilities: driver.capabilities,
    probe: () => driver.probe(),
    apply: (...asked) => driver.apply(...asked),
    observe: () => {
      const seen = driver.observe();
      const requests = gateway.observe();
      if (requests.size === 0) return seen;
      return { ...seen, endpoints: new Map([...seen.endpoints, ...requests]) };
    },
    drained: async (places, signal) => {
      await Promise.all([driver.drained(places, signal), gateway.drained(places, signal)]);
    },
    locate: (flow) => driver.locate(flow),
    stop: (signal) => driver.stop(signal),
    audit: driver.audit?.bind(driver),
  };
}

/** Says on the Service what its gateway lacks: there people look first. */
function lackTeller({
  logOf,
  ...options
}: RequestGatewayOptions): NonNullable<ServiceGatewayOptions['lacks']> {
  const log = logOf('gateway');
  const events = createEventRecorder({ ...options, log, component: 'switchyard-gateway' });
  return ({ namespace, name, portName }, what) => {
    const port = portName === '' ? 'Its port' : `Port ${portName}`;
    const message = `${port} cannot balance requests as it should: ${what}`;
    const tell = async (): Promise<void> => {
      try {
        const service = await options.client.get(serviceKind, { namespace, name });
        events.record(service, { type: 'Warning', reason: 'GatewayLacks', message });
      } catch (error) {
        if (!isNotFound(error)) log.warn(message, { service: `${namespace}/${name}`, error });
      }
    };
    void tell();
  };
}
