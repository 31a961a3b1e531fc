/** A ServicePort through its gateway for tests, in one thread or several: real sockets, backends of Pods, Secrets. */
import assert from 'node:assert/strict';
import { createServer, request, type Agent } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { ObjectClient } from '../kube/index.ts';
import {
  emptyPlan,
  messageOf,
  nextPlan,
  parseCidr,
  plainRequestRules,
  type Endpoint,
  type Plan,
  type RequestRules,
  type SchedulerName,
  type ServicePortRef,
  type VirtualServer,
} from '../model/index.ts';
import { testCookie } from '../model/testing.ts';
import { silentLogger, type Logger } from '../obs/index.ts';
import { createRegistry } from '../registry/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { systemClock } from '../sys/index.ts';
import { createEngine, type StreamEngine } from '../sys/net/index.ts';
import { createGateway, type Gateway } from './gateway.ts';
import { createGatewayThreads, type GatewayThreads } from './gateway-threads.ts';
import {
  createServiceGateway,
  type ServiceGateway,
  type ServiceGatewayOptions,
} from './service-gateway.ts';

export const host = '127.0.88.1';
export const ref = {
  namespace: 'shop',
  name: 'web',
  portName: 'http',
  protocol: 'TCP',
  family: 'IPv4',
} as const;
export const id = 'shop/web:http/TCP/IPv4';
export const rules: RequestRules = {
  ...plainRequestRules,
  retry: { ...plainRequestRules.retry, responseTimeoutMs: 10_000 },
};
export const sticky: RequestRules = { ...rules, affinity: 'cookie', cookie: testCookie };
export const node = {
  name: 'here',
  zone: undefined,
  addresses: [],
  nodePortAddresses: [],
  serviceRanges: [],
  masqueradeAll: false,
  detectsLocalPods: false,
};

export function createApi(): ObjectClient {
  const serviceRange = parseCidr('10.96.0.0/16');
  assert.ok(serviceRange !== undefined);
  let uids = 0;
  const store = createMemoryStore({ clock: systemClock, newUid: () => `uid-${++uids}` });
  return createRegistry({
    store,
    random: Math.random,
    serviceRange,
    allowLoopbackEndpoints: true,
  });
}

export interface Replica {
  readonly gateway: ServiceGateway;
  /** What carries the requests of its first thread, and the other ones. */
  readonly engineGateway: Gateway;
  readonly threads: GatewayThreads | undefined;
  readonly engine: StreamEngine;
  /** Refs that were told to have changed. */
  readonly changes: ServicePortRef[];
  /** Follows a ServicePort with these endpoints, and waits until it is live. */
  serve(
    rules: RequestRules,
    endpoints: readonly Endpoint[],
    scheduler?: SchedulerName,
  ): Promise<Plan>;
}

/** How a gateway runs: the engine, and how many threads. */
export interface Running {
  readonly prefer: 'portable' | 'epoll';
  readonly workers: number;
  readonly log?: Logger | undefined;
  /** The module its other threads run. */
  readonly file?: string | undefined;
  readonly scope?: ServiceGatewayOptions['scope'] | undefined;
  readonly accessLogShare?: number | undefined;
}

/** In one thread everywhere; in two where there is epoll. */
export const runnings: readonly Running[] = [
  { prefer: 'portable', workers: 1 },
  { prefer: 'epoll', workers: 2 },
];

/** Why a gateway cannot run so here; undefined when it can. */
export async function cannotRun({ prefer }: Running): Promise<string | undefined> {
  return await createEngine({ prefer }).then(() => undefined, messageOf);
}

export async function startReplica(
  t: TestContext,
  client: ObjectClient,
  { prefer, workers, log = silentLogger, file, scope = 'localhost', accessLogShare = 0 }: Running,
): Promise<Replica> {
  const { engine } = await createEngine({ prefer, workers });
  const common = { clock: systemClock, random: Math.random, log };
  const changes: ServicePortRef[] = [];
  const bounds = { accessLogShare, maxEndpointConnections: 64, maxWaiting: 512 };
  const threads = createGatewayThreads(engine, { ...common, ...bounds, file });
  const engineGateway = createGateway({ ...common, ...bounds, engine, threads, address: host });
  const gateway = createServiceGateway({
    ...common,
    client,
    scope,
    threads,
    acceptProxyProtocol: false,
    drainMs: 2_000,
    gateway: engineGateway,
    changed: (which) => changes.push(which),
  });
  t.after(() => gateway.stop());
  await gateway.start(AbortSignal.timeout(10_000));
  let plan = emptyPlan(node);
  return {
    gateway,
    engineGateway,
    threads,
    engine,
    changes,
    serve: async (asked, endpoints, scheduler) => {
      const next = nextPlan(plan, { set: [serverOf(asked, endpoints, scheduler)], remove: [] });
      assert.ok(next !== undefined);
      plan = next.plan;
      gateway.follow(plan, next.delta);
      const isKnown = (): boolean => gateway.routerOf(id)?.isKnown === true;
      await until(() => gateway.gatewayOf(id, 'cluster') !== undefined && isKnown());
      return plan;
    },
  };
}

export function serverOf(
  asked: RequestRules,
  endpoints: readonly Endpoint[],
  scheduler: SchedulerName = 'rr',
): VirtualServer {
  const ready = endpoints.filter((each) => each.ready);
  const pools = { cluster: ready, local: [], hasAny: ready.length > 0 };
  return {
    id,
    ref,
    frontends: [{ kind: 'clusterIP', address: '10.96.0.9', port: 80 }],
    internalTrafficPolicy: 'Cluster',
    externalTrafficPolicy: 'Cluster',
    endpoints,
    pools,
    scheduler,
    affinity: { kind: 'none' },
    perRequest: { ...asked, pools },
    proxyProtocol: 'none',
    replay: 'none',
    sourceRanges: [],
  };
}

export async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!isSo()) {
    assert.ok(Date.now() < deadline, `it does not become so: ${String(isSo)}`);
    // Not without a pause: other threads want the processor.
    await systemClock.sleep(1);
  }
}

/** Backends that answer their number, as endpoints of Pods. */
export async function startBackends(t: TestContext, count: number): Promise<readonly Endpoint[]> {
  const endpoints: Endpoint[] = [];
  for (let i = 0; i < count; i++) {
    const server = createServer((_, response) => response.end(`pod-${i}`));
    server.listen(0, host);
    await once(server, 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    endpoints.push({ ...plain, address: host, port, pod: `shop/pod-${i}`, podUid: `uid-${i}` });
  }
  return endpoints;
}

export const plain = {
  ready: true,
  serving: true,
  terminating: false,
  local: false,
  node: undefined,
  zone: undefined,
  zoneHints: [],
  nodeHints: [],
  weight: 1,
};

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly setCookie: string | undefined;
}

/** Over a connection of its own, or one of `agent`. */
export function ask(
  replica: Replica,
  headers: Readonly<Record<string, string>> = {},
  at = replica.gateway.gatewayOf(id, 'cluster'),
  agent: Agent | false = false,
  method = 'GET',
): Promise<Answer> {
  assert.ok(at !== undefined);
  return new Promise((resolve, reject) => {
    const { address, port } = at;
    const asked = request({ host: address, port, headers, agent, method }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.once('end', () => {
        const setCookie = response.headers['set-cookie']?.[0]?.split(';')[0];
        resolve({ status: response.statusCode ?? 0, text, setCookie });
      });
    });
    asked.once('error', reject);
    asked.end();
  });
}
