/**
 * A gateway of a cluster, from whoever holds its objects: the Plan of what it serves, the driver that accepts, the gateway
 * that balances, and what they say of themselves. A ServicePort whose key or certificate is missing is balanced by
 * connections meanwhile, as everywhere.
 */
import type { GatewayRunOptions } from '../cli/index.ts';
import type { ServiceGateway } from '../gateway/index.ts';
import { createMetrics, SyncTimes } from '../metrics/index.ts';
import type { Driver, NodeView } from '../model/index.ts';
import type { Component, ComponentStatus, Logger } from '../obs/index.ts';
import { createPlanner, type Planner } from '../plan/index.ts';
import { interfaceAddresses, systemClock } from '../sys/index.ts';
import type { PageHandler, StreamEngine } from '../sys/net/index.ts';
import type { ClusterRun } from './cluster-run.ts';
import { driverComponent } from './forwarding.ts';
import { createNamePort, type NamePort } from './name-ports.ts';
import { createPages, type Pages } from './pages.ts';
import { createGatedDriver } from './request-gateway.ts';
import { frontendsAt } from './served-places.ts';
import { version } from './version.ts';

export interface GatewayAgentParts {
  readonly run: Pick<ClusterRun, 'mirror' | 'random' | 'log'>;
  readonly engine: StreamEngine;
  readonly options: Pick<
    GatewayRunOptions,
    | 'node'
    | 'listen'
    | 'listenTls'
    | 'serve'
    | 'pages'
    | 'lameduckMs'
    | 'drainMs'
    | 'accessLogShare'
    | 'acceptProxyProtocol'
  >;
}

export interface GatewayAgent {
  readonly driver: Driver;
  readonly planner: Planner;
  readonly gateway: ServiceGateway;
  readonly byName: NamePort;
  readonly byNameTls: NamePort;
  readonly pages: Pages;
  metricsText(): Promise<string>;
  /** In the order they start, after the mirror. */
  readonly components: readonly Component[];
  /** To be started last, so that it is stopped first: says that it ends, and waits. */
  readonly lameduck: Component;
}

const minIntervalMs = 5;
const retryMs = 2_000;
const maxIntervalMs = 3_600_000;
const settleMs = 10_000;
const lookMs = 20;

export function createGatewayAgent({ run, engine, options }: GatewayAgentParts): GatewayAgent {
  const { mirror, random, log } = run;
  const clock = systemClock;
  const logOf = (component: string): Logger => log.child({ component });
  const common = { client: mirror.client, clock, random };
  const { drainMs, accessLogShare } = options;
  const gated = createGatedDriver({
    ...common,
    engine,
    logOf,
    scope: 'cluster',
    acceptProxyProtocol: options.acceptProxyProtocol,
    // Nothing is forwarded here: requests come to the ports that were asked for.
    kernel: undefined,
    ownAddress: '127.0.0.1',
    drainMs,
    accessLogShare,
    planner: () => planner,
  });
  const { gateway } = gated;
  const syncs = new SyncTimes(clock);
  const driver = syncs.timed(gated.driver);
  const planner: Planner = createPlanner({
    ...common,
    driver,
    node: nodeOf(options),
    log: logOf('plan'),
    minIntervalMs,
    retryMs,
    maxIntervalMs,
    gatewayOf: (...asked) => gateway.gatewayOf(...asked),
    frontendsOf: frontendsAt(options.serve),
    onApplied: ({ plan, delta }) => gateway.follow(plan, delta),
  });
  const placed = (name: string, tls: boolean): NamePort => {
    const at = tls ? options.listenTls : options.listen;
    return createNamePort({
      name,
      engine,
      gateway,
      tls,
      places: () => (at === undefined ? [] : [at]),
    });
  };
  const byName = placed('by-name', false);
  const byNameTls = placed('by-name-tls', true);
  const metrics = createMetrics({
    at: undefined,
    version,
    driver,
    applied: planner.applied,
    syncs,
    others: () => gateway.metrics(),
    log: logOf('metrics'),
  });
  const lameduck = createLameduck(options.lameduckMs);
  const pages = pagesOf(options, {
    metricsText: () => metrics.text(),
    state: () => (lameduck.status().state === 'stopped' ? 'ending' : mirror.status().detail),
    isReady: () => lameduck.status().state === 'ready',
  });
  return {
    driver,
    planner,
    gateway,
    byName,
    byNameTls,
    pages,
    metricsText: () => metrics.text(),
    components: [
      pages,
      driverComponent(driver, drainMs),
      patient(gateway, drainMs),
      planner,
      settling(gateway, planner),
      byName,
      byNameTls,
    ],
    lameduck,
  };
}

function nodeOf({ node = '' }: GatewayAgentParts['options']): NodeView {
  return {
    name: node,
    zone: undefined,
    addresses: interfaceAddresses(),
    nodePortAddresses: [],
    serviceRanges: [],
    masqueradeAll: false,
    detectsLocalPods: false,
  };
}

/** Its clients find another gateway: none of them is cut off. */
function patient(gateway: ServiceGateway, drainMs: number): Component {
  return {
    name: gateway.name,
    start: (signal) => gateway.start(signal),
    stop: () => gateway.retire(AbortSignal.timeout(drainMs)),
    status: () => gateway.status(),
  };
}

/** Nobody is told that it serves before each port does what its Service asks, where it can at all. */
function settling(gateway: ServiceGateway, planner: Planner): Component {
  return {
    name: 'settled',
    start: async (signal) => {
      const deadline = systemClock.monotonic() + settleMs;
      while (!gateway.isSettled(planner.applied().plan) && systemClock.monotonic() < deadline) {
        await systemClock.sleep(lookMs, signal);
        signal.throwIfAborted();
      }
    },
    stop: async () => undefined,
    status: () => ({ state: 'ready', detail: undefined }),
  };
}

function createLameduck(ms: number): Component {
  let state: ComponentStatus['state'] = 'starting';
  return {
    name: 'lameduck',
    start: async () => {
      state = 'ready';
    },
    stop: async () => {
      state = 'stopped';
      await systemClock.sleep(ms, new AbortController().signal);
    },
    status: () => ({ state, detail: undefined }),
  };
}

function pagesOf(
  { pages: at }: GatewayAgentParts['options'],
  facts: {
    readonly metricsText: () => Promise<string>;
    readonly state: () => string | undefined;
    readonly isReady: () => boolean;
  },
): Pages {
  const plain = 'text/plain; charset=utf-8';
  const handler: PageHandler = async (path) => {
    if (path === '/metrics') {
      return { contentType: 'text/plain; version=0.0.4', body: await facts.metricsText() };
    }
    // It lives as long as it answers; it is ready when every port does what its Service asks.
    if (path === '/health') return { contentType: plain, body: 'OK\n' };
    if (path !== '/ready') return undefined;
    const isReady = facts.isReady();
    const body = `${isReady ? 'OK' : (facts.state() ?? 'starting')}\n`;
    return { contentType: plain, body, status: isReady ? 200 : 503 };
  };
  return createPages({ name: 'pages', at, handler });
}
