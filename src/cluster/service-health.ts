/** A listener for each healthCheckNodePort: load balancers ask there whether this node has endpoints of its own. */
import {
  createReflector,
  nameOf,
  objectKey,
  serviceKind,
  type EventRecorder,
  type ObjectClient,
  type Service,
} from '../kube/index.ts';
import { messageOf, type Clock, type Plan, type Random } from '../model/index.ts';
import type { Component, Logger } from '../obs/index.ts';
import { servePages, type PageServer } from '../sys/net/index.ts';
import type { ProxyHealth } from './proxy-health.ts';

export interface ServiceHealthOptions {
  readonly client: ObjectClient;
  readonly plan: () => Plan;
  readonly health: ProxyHealth;
  /** Where to listen, at the port of each Service. */
  readonly addresses: () => readonly string[];
  readonly events: EventRecorder | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

interface Open {
  readonly port: number;
  readonly servers: Promise<readonly PageServer[]>;
}

export function createServiceHealth(options: ServiceHealthOptions): Component {
  const open = new Map<string, Open>();
  const close = async (key: string): Promise<void> => {
    const found = open.get(key);
    open.delete(key);
    for (const server of (await found?.servers) ?? []) await server.close();
  };
  let closing: Promise<void> = Promise.resolve();
  const drop = (key: string): void => {
    closing = Promise.all([closing, close(key)]).then(() => undefined);
  };
  const follow = (service: Service): void => {
    const key = objectKey(nameOf(service));
    const port = healthPortOf(service);
    if (open.get(key)?.port === port) return;
    drop(key);
    if (port === undefined) return;
    // The port may be one that another Service has just given up.
    open.set(key, { port, servers: closing.then(() => listen({ service, port }, options)) });
  };
  const reflector = createReflector<Service>({
    ...options,
    kind: serviceKind,
    onReplace: (items) => {
      const there = new Set(items.map((item) => objectKey(nameOf(item))));
      for (const key of open.keys()) if (!there.has(key)) drop(key);
      for (const item of items) follow(item);
    },
    onEvent: ({ type, object }) => {
      if (type === 'DELETED') drop(objectKey(nameOf(object)));
      else follow(object);
    },
  });
  return {
    name: 'service health',
    start: (signal) => reflector.start(signal),
    stop: async () => {
      await reflector.stop();
      for (const key of open.keys()) drop(key);
      await closing;
    },
    status: () => reflector.status(),
  };
}

function healthPortOf({ spec }: Service): number | undefined {
  if (spec?.type !== 'LoadBalancer' || spec.externalTrafficPolicy !== 'Local') return undefined;
  return spec.healthCheckNodePort === 0 ? undefined : spec.healthCheckNodePort;
}

/** Never rejects: what cannot be listened at is told on the Service. */
async function listen(
  { service, port }: { readonly service: Service; readonly port: number },
  options: ServiceHealthOptions,
): Promise<readonly PageServer[]> {
  const { plan, health, addresses, events, log } = options;
  const { namespace = '', name } = service.metadata;
  const servers: PageServer[] = [];
  for (const address of addresses()) {
    try {
      const server = await servePages({ address, port }, async () =>
        health.serviceAnswer({ namespace, name }, localEndpoints(plan(), { namespace, name })),
      );
      servers.push(server);
    } catch (thrown) {
      const message = `node health check of ${namespace}/${name} cannot be served: ${messageOf(thrown)}`;
      log.warn('Cannot serve the health of a Service', { error: thrown });
      events?.record(service, {
        type: 'Warning',
        reason: 'FailedToStartServiceHealthcheck',
        message,
      });
    }
  }
  return servers;
}

/** Distinct addresses of endpoints here that are ready; those that end do not count. */
function localEndpoints(
  plan: Plan,
  { namespace, name }: { namespace: string; name: string },
): number {
  const found = new Set<string>();
  for (const { ref, endpoints } of plan.servers.values()) {
    if (ref.namespace !== namespace || ref.name !== name) continue;
    for (const { address, local, ready, terminating } of endpoints) {
      if (local && ready && !terminating) found.add(address);
    }
  }
  return found.size;
}
