/** A node of a cluster, from whoever holds its objects: the Plan, the driver, and what they say of themselves. */
import {
  createNodeFollower,
  createServiceHealth,
  ProxyHealth,
  type Mirror,
} from '../cluster/index.ts';
import type { ServiceGateway } from '../gateway/index.ts';
import { createEventRecorder, type ObjectClient } from '../kube/index.ts';
import { createMetrics, SyncTimes, type Metrics } from '../metrics/index.ts';
import type { Driver, Random } from '../model/index.ts';
import type { Component, Logger, MetricFamily } from '../obs/index.ts';
import { createPlanner, type Planner } from '../plan/index.ts';
import { interfaceAddresses, systemClock } from '../sys/index.ts';
import type { PageHandler, StreamEngine } from '../sys/net/index.ts';
import { createAgentDriver } from './agent-driver.ts';
import { driverComponent } from './forwarding.ts';
import { followHostAddresses } from './host-addresses.ts';
import { createPages, type Pages } from './pages.ts';
import type { ClusterRun } from './cluster-run.ts';
import type { KernelDriver } from './kernel-drivers.ts';
import type { ProxySettings } from './proxy-settings.ts';
import { version } from './version.ts';

export interface NodeAgentParts {
  readonly client: ObjectClient;
  readonly cluster: ClusterRun['cluster'];
  readonly mirror: Mirror;
  readonly engine: StreamEngine;
  /** What forwards in the kernel; undefined: sockets do. */
  readonly kernel: KernelDriver | undefined;
  readonly settings: ProxySettings;
  readonly random: Random;
  readonly log: Logger;
}

export interface NodeAgent {
  readonly driver: Driver;
  readonly planner: Planner;
  readonly metrics: Metrics;
  readonly health: Pages;
  /** Undefined when connections are all that is balanced. */
  readonly gateway: ServiceGateway | undefined;
  /** In the order they start, after the mirror. */
  readonly components: readonly Component[];
}

const maxIntervalMs = 3_600_000;
const retryMs = 2_000;

export function createNodeAgent(parts: NodeAgentParts): NodeAgent {
  const { client, mirror, engine, kernel, settings, random, log } = parts;
  const clock = systemClock;
  const common = { client, clock, random };
  const logOf = (component: string): Logger => log.child({ component });
  const events = createEventRecorder({ ...common, log: logOf('events'), component: 'switchyard' });
  const syncs = new SyncTimes(clock);
  const hostAddresses = interfaceAddresses();
  const forwarding = createAgentDriver({
    ...common,
    engine,
    kernel,
    logOf,
    planner: () => planner,
    requests: settings.requests,
    localPods: settings.localPods,
  });
  const driver = syncs.timed(forwarding.driver);
  const node = createNodeFollower({
    ...common,
    ...settings,
    hostAddresses,
    detectsLocalPods: kernel !== undefined && settings.localPods !== undefined,
    byPodRanges: settings.localPods?.by === 'node',
    log: logOf('node'),
    changed: (view) => planner.setNode(view),
  });
  const addresses = followHostAddresses({ clock, changed: (list) => node.setHostAddresses(list) });
  const health = new ProxyHealth({
    clock,
    syncMs: settings.syncMs,
    families: ['IPv4', 'IPv6'],
    isNodeEligible: () => node.isEligible(),
    apiAwaySinceMs: () => parts.cluster.contact().awaySinceMs ?? mirror.keptFromMs,
  });
  const planner: Planner = createPlanner({
    ...common,
    driver,
    node: node.view(),
    log: logOf('plan'),
    minIntervalMs: settings.minSyncMs,
    retryMs,
    maxIntervalMs,
    defaultScheduler: settings.defaultScheduler,
    onQueued: () => health.queued(),
    onSynced: () => health.synced(),
    ...forwarding.planned,
  });
  const metrics = createMetrics({
    at: settings.metrics,
    version,
    driver,
    applied: planner.applied,
    syncs,
    others: async () => healthFamilies(health),
    log: logOf('metrics'),
  });
  const pages = createPages({ name: 'health', at: settings.healthz, handler: pageOf(health) });
  // `::` takes IPv4 as well, where the host has IPv6 at all.
  const everywhere = hostAddresses.some((address) => address.includes(':')) ? '::' : '0.0.0.0';
  const serviceHealth = createServiceHealth({
    ...common,
    plan: () => planner.applied().plan,
    health,
    addresses: () =>
      settings.nodePortAddresses.length > 0 ? node.view().nodePortAddresses : [everywhere],
    events,
    log: logOf('service-health'),
  });
  const carrying = [driverComponent(driver), ...forwarding.components];
  return {
    driver,
    planner,
    metrics,
    health: pages,
    gateway: forwarding.gateway,
    components: [...carrying, pages, node, addresses, planner, serviceHealth, metrics],
  };
}

function pageOf(health: ProxyHealth): PageHandler {
  return async (path) => {
    if (path === '/healthz') return health.answer('healthz');
    return path === '/livez' ? health.answer('livez') : undefined;
  };
}

/** kube-proxy's own names. */
function healthFamilies({ counts, lastQueuedMs }: ProxyHealth): readonly MetricFamily[] {
  const answers = (['healthz', 'livez'] as const).map((page): MetricFamily => ({
    name: `kubeproxy_proxy_${page}_total`,
    help: `Answers of /${page}, by HTTP status`,
    type: 'counter',
    samples: [...counts[page]].map(([code, value]) => ({ labels: { code: String(code) }, value })),
  }));
  const queued: MetricFamily = {
    name: 'kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds',
    help: 'When a change was last queued, in Unix time',
    type: 'gauge',
    samples: [{ labels: {}, value: lastQueuedMs / 1_000 }],
  };
  return [...answers, queued];
}
