/** What forwards on a node of a cluster: the kernel, or sockets, and with `--requests` the gateway they hand connections to. */
import type { LocalPodSource } from '../cluster/index.ts';
import { createUserspaceDriver } from '../drivers/userspace/index.ts';
import type { ServiceGateway } from '../gateway/index.ts';
import { messageOf, type Driver } from '../model/index.ts';
import type { Component } from '../obs/index.ts';
import type { PlannerOptions } from '../plan/index.ts';
import { createPortableUdp } from '../sys/net/index.ts';
import { createGatedDriver, type RequestGatewayOptions } from './request-gateway.ts';

export interface AgentDriver {
  readonly driver: Driver;
  /** Undefined when connections are all that is balanced. */
  readonly gateway: ServiceGateway | undefined;
  readonly planned: Pick<PlannerOptions, 'gatewayOf' | 'onApplied'>;
  readonly components: readonly Component[];
}

/** How long requests may go on when the node agent ends. */
const drainMs = 2_000;

export function createAgentDriver(
  options: Omit<
    RequestGatewayOptions,
    'scope' | 'drainMs' | 'accessLogShare' | 'acceptProxyProtocol' | 'ownAddress'
  > & {
    readonly requests: boolean;
    readonly localPods: LocalPodSource | undefined;
  },
): AgentDriver {
  if (!options.requests) {
    return { driver: plainDriver(options), gateway: undefined, planned: {}, components: [] };
  }
  const { driver, gateway } = createGatedDriver({
    ...options,
    scope: 'cluster',
    // Sockets hand over what they took: nobody connects there.
    ownAddress: '127.0.0.1',
    acceptProxyProtocol: false,
    drainMs,
    accessLogShare: 0,
  });
  return {
    driver,
    gateway,
    planned: {
      gatewayOf: (...asked) => gateway.gatewayOf(...asked),
      onApplied: ({ plan, delta }) => gateway.follow(plan, delta),
    },
    components: [unhurried(gateway)],
  };
}

function plainDriver({ engine, kernel, localPods, clock, random, logOf }: Plain): Driver {
  // Rules stay when this ends: the next agent of the node takes over, and until then connections go on.
  if (kernel !== undefined) {
    return kernel({ clock, random, log: logOf('driver'), atStop: 'leave', localPods });
  }
  const udp = createPortableUdp();
  return createUserspaceDriver({ engine, udp, clock, random, log: logOf('userspace') });
}

type Plain = Pick<RequestGatewayOptions, 'engine' | 'kernel' | 'clock' | 'random' | 'logOf'> & {
  readonly localPods: LocalPodSource | undefined;
};

/**
 * It waits for Secrets of the cluster. A node forwards without them, also when its API is away: until they are there,
 * connections are balanced.
 */
function unhurried(gateway: ServiceGateway): Component {
  const stopping = new AbortController();
  let failure: unknown;
  let starting: Promise<void> | undefined;
  return {
    name: gateway.name,
    start: async () => {
      starting = gateway.start(stopping.signal).catch((thrown: unknown) => {
        failure = thrown;
      });
    },
    stop: async () => {
      stopping.abort();
      await starting;
      await gateway.stop();
    },
    status: () =>
      failure === undefined || stopping.signal.aborted
        ? gateway.status()
        : { state: 'degraded', detail: messageOf(failure) },
  };
}
