/** Plan, report and counters as the views of the protocol. Pure; sorted by namespace, name, port, family. */
import {
  connectLatencyBoundsMs,
  effectiveScheduler,
  endpointKey,
  formatCidr,
  formatSocketAddress,
  type Affinity,
  type ConnectLatency,
  type Endpoint,
  type Observation,
  type Plan,
  type SchedulerName,
  type VirtualServer,
} from '../model/index.ts';
import type { SpreadMeasurement } from '../lab/index.ts';
import type {
  EndpointView,
  PlanView,
  ServiceFilter,
  ServicePortView,
  SpreadRequest,
  SpreadView,
} from './protocol.ts';
import { createReach, formatFrontend, reachView, type Applied } from './reach.ts';

export function servicePortViews(
  applied: Applied,
  filter: ServiceFilter,
  schedulers: readonly SchedulerName[],
): readonly ServicePortView[] {
  const reachOf = createReach(applied);
  return shownServers(applied.plan, filter).map((server) => ({
    namespace: server.ref.namespace,
    name: server.ref.name,
    port: server.ref.portName,
    protocol: server.ref.protocol,
    family: server.ref.family,
    scheduler: server.scheduler,
    ...standInOf(server, schedulers),
    affinity: affinityOf(server),
    frontends: reachOf(server).map(reachView),
    endpoints: server.endpoints.length,
    ready: server.endpoints.filter((endpoint) => endpoint.ready).length,
  }));
}

/** Requests are balanced by the gateway, which does all of them. */
function standInOf(
  { scheduler: wanted, perRequest }: VirtualServer,
  schedulers: readonly SchedulerName[],
): Pick<ServicePortView, 'standIn'> {
  const { scheduler, standsIn } = effectiveScheduler(wanted, schedulers);
  return standsIn && perRequest === undefined ? { standIn: scheduler } : {};
}

export function endpointViews(
  plan: Plan,
  observation: Observation,
  filter: ServiceFilter,
): readonly EndpointView[] {
  return shownServers(plan, filter).flatMap((server) => {
    const counters = observation.endpoints.get(server.id);
    return server.endpoints.map((endpoint) => {
      const counted = counters?.get(endpointKey(endpoint));
      return {
        namespace: server.ref.namespace,
        service: server.ref.name,
        port: server.ref.portName,
        address: formatSocketAddress(endpoint),
        pod: endpoint.pod,
        node: endpoint.node,
        state: stateOf(endpoint),
        weight: endpoint.weight,
        connections: counted?.connections,
        open: counted?.open,
        failures: counted?.failures,
        bytesIn: counted?.bytesIn,
        bytesOut: counted?.bytesOut,
        bytesUnknown: observation.bytesUnknown,
        connectLatency: latencyView(counted?.connectLatency),
      };
    });
  });
}

function latencyView(latency: ConnectLatency | undefined): EndpointView['connectLatency'] {
  if (latency === undefined) return undefined;
  const { count, sumMs, buckets } = latency;
  const told = buckets.map((each, i) => ({ upToMs: connectLatencyBoundsMs[i], count: each }));
  return { count, sumMs, buckets: told };
}

export function planView(plan: Plan): PlanView {
  return {
    revision: plan.revision,
    node: {
      name: plan.node.name,
      zone: plan.node.zone,
      serviceRanges: plan.node.serviceRanges.map(formatCidr),
    },
    servers: serversOf(plan, { namespace: undefined, name: undefined }).map((server) => ({
      id: server.id,
      scheduler: server.scheduler,
      affinity: affinityOf(server),
      frontends: server.frontends.map((f) => `${f.kind} ${formatFrontend(f)}`),
      cluster: server.pools.cluster.map(formatSocketAddress),
      local: server.pools.local.map(formatSocketAddress),
    })),
  };
}

export interface SpreadMeasured {
  readonly server: VirtualServer;
  readonly target: string;
  readonly measurement: SpreadMeasurement;
}

export function spreadView(
  request: SpreadRequest,
  { server, target, measurement }: SpreadMeasured,
): SpreadView {
  return {
    namespace: server.ref.namespace,
    service: server.ref.name,
    port: server.ref.portName,
    protocol: server.ref.protocol,
    target,
    scheduler: server.scheduler,
    affinity: affinityOf(server),
    requested: request.connections,
    connected: measurement.connected,
    failed: measurement.failed,
    failures: measurement.failures,
    tookMs: Math.round(measurement.tookMs),
    shares: measurement.shares.map(({ endpoint, connections, expected }) => ({
      endpoint: formatSocketAddress(endpoint),
      pod: endpoint.pod,
      connections,
      expected,
    })),
    promise: measurement.promise,
    chance: measurement.chance,
    kept: measurement.kept,
    exact: measurement.exact,
  };
}

/** The Kubernetes API's own Service, there in every instance: shown to those who name it. */
function shownServers(plan: Plan, filter: ServiceFilter): readonly VirtualServer[] {
  const servers = serversOf(plan, filter);
  if (filter.name !== undefined) return servers;
  return servers.filter(({ ref }) => ref.namespace !== 'default' || ref.name !== 'kubernetes');
}

/** Those of a Service, all its ports and families, or of all Services. */
export function serversOf(plan: Plan, filter: ServiceFilter): readonly VirtualServer[] {
  return [...plan.servers.values()]
    .filter(
      ({ ref }) =>
        (filter.namespace === undefined || ref.namespace === filter.namespace) &&
        (filter.name === undefined || ref.name === filter.name),
    )
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** Of requests where they are balanced, else of connections. */
function affinityOf({ affinity, perRequest }: VirtualServer): string {
  return perRequest?.affinity === 'cookie' ? 'cookie' : formatAffinity(affinity);
}

function formatAffinity(affinity: Affinity): string {
  switch (affinity.kind) {
    case 'none':
      return 'none';
    case 'clientIP':
      return `clientIP ${affinity.timeoutSeconds}s`;
  }
}

function stateOf(endpoint: Endpoint): EndpointView['state'] {
  if (endpoint.ready) return 'ready';
  if (endpoint.terminating) return endpoint.serving ? 'serving' : 'terminating';
  return 'not-ready';
}
