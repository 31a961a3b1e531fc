/** What tests of this room share: time that runs faster, a driver that remembers, a node over a scripted API. */
import type { ClusterAccess } from './access.ts';
import { serviceKind, type EndpointSlice, type ObjectClient, type Service } from '../kube/index.ts';
import {
  formatSocketAddress,
  type ApplyReport,
  type Clock,
  type Driver,
  type NodeView,
  type Plan,
} from '../model/index.ts';
import { silentLogger } from '../obs/index.ts';
import { createPlanner, type Planner } from '../plan/index.ts';
import { systemClock } from '../sys/index.ts';
import { createClusterClient, type ClusterClient } from './cluster-client.ts';
import { proxyFollowings } from './followings.ts';
import type { KeptState } from './kept-state.ts';
import { createMirror, type Mirror } from './mirror.ts';

/** `factor` seconds pass in one. */
export function hurriedClock(factor: number): Clock {
  return {
    now: () => systemClock.now(),
    monotonic: () => systemClock.monotonic() * factor,
    sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
  };
}

export function accessTo(server: string, token: () => string = () => 'token'): ClusterAccess {
  let known = token();
  return {
    server,
    credentials: async () => ({ headers: { authorization: `Bearer ${known}` }, tls: {} }),
    renew: async () => {
      known = token();
    },
  };
}

const testNode: NodeView = {
  name: 'node-a',
  zone: undefined,
  addresses: ['192.0.2.1'],
  nodePortAddresses: ['192.0.2.1'],
  serviceRanges: [],
  masqueradeAll: false,
  detectsLocalPods: false,
};

/** Forwards nothing, and says each Plan to whoever listens. */
function recordingDriver(applied: (plan: Plan) => void): Driver {
  return {
    name: 'recording',
    capabilities: { schedulers: [], differences: [] } as unknown as Driver['capabilities'],
    probe: async () => [],
    apply: async (plan): Promise<ApplyReport> => {
      applied(plan);
      return { revision: plan.revision, operations: 0, failures: [], standIns: [] };
    },
    observe: () => ({ endpoints: new Map() }),
    drained: async () => undefined,
    locate: async () => undefined,
    stop: async () => undefined,
  };
}

export interface TestProxy {
  readonly cluster: ClusterClient;
  readonly mirror: Mirror;
  readonly planner: Planner;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface TestProxyOptions {
  readonly access: ClusterAccess;
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly kept?: KeptState | undefined;
  readonly pageSize?: number;
  readonly applied: (plan: Plan) => void;
}

export function createTestProxy(options: TestProxyOptions): TestProxy {
  const { access, clock = systemClock, random = Math.random, kept, pageSize } = options;
  const { following, readings } = proxyFollowings(testNode.name);
  const common = { clock, random, log: silentLogger };
  const userAgent = 'test';
  const cluster = createClusterClient({ access, ...common, readings, pageSize, userAgent });
  const mirror = createMirror({ ...common, cluster, following, kept });
  const client: ObjectClient = mirror.client;
  const planner = createPlanner({
    ...common,
    client,
    driver: recordingDriver(options.applied),
    node: testNode,
    minIntervalMs: 0,
    retryMs: 100,
    maxIntervalMs: 3_600_000,
  });
  const never = new AbortController().signal;
  return {
    cluster,
    mirror,
    planner,
    start: async () => {
      await mirror.start(never);
      await planner.start(never);
    },
    stop: async () => {
      await planner.stop();
      await mirror.stop();
    },
  };
}

export function testService(i: number): Service {
  return {
    apiVersion: 'v1',
    kind: serviceKind.kind,
    metadata: { name: `s${i}`, namespace: 'default' },
    spec: {
      type: 'ClusterIP',
      clusterIP: `10.96.${i >> 8}.${i & 255}`,
      ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
    },
  };
}

/** Endpoints 10.0.x.y:8080, one for each number. */
export function testSlice(
  i: number,
  serviceLabel: string,
  numbers: readonly number[],
): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `s${i}-a`,
      namespace: 'default',
      labels: { [serviceLabel]: `s${i}` },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: numbers.map((n) => ({
      addresses: [`10.${1 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: `node-${n % 100}`,
      targetRef: { kind: 'Pod', namespace: 'default', name: `pod-${n}` },
    })),
  };
}

/** What is forwarded, Service by Service: comparable. */
export function forwarded(plan: Plan): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    [...plan.servers.values()].map((server) => [
      `${server.ref.namespace}/${server.ref.name}`,
      server.pools.cluster.map(formatSocketAddress),
    ]),
  );
}
