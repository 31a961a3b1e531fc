/** Builders for tests: whole, valid values from the few fields a case is about. */
import type { Flow } from './flow.ts';
import type { CookieSettings } from './l7/cookies.ts';
import type { NodeView, Plan } from './plan.ts';
import { emptyPlan, nextPlan } from './plan.ts';
import { servicePortId, type Endpoint, type Frontend, type VirtualServer } from './service-port.ts';
import { choosePools } from './topology.ts';

export const testNode: NodeView = {
  name: 'node-a',
  zone: 'zone-a',
  addresses: ['192.0.2.1'],
  nodePortAddresses: ['192.0.2.1'],
  serviceRanges: [],
  masqueradeAll: false,
  detectsLocalPods: true,
};

export function testEndpoint(fields: Partial<Endpoint> = {}): Endpoint {
  return {
    address: '10.1.0.1',
    port: 8080,
    ready: true,
    serving: true,
    terminating: false,
    local: false,
    node: 'node-b',
    zone: undefined,
    zoneHints: [],
    nodeHints: [],
    weight: 1,
    pod: undefined,
    ...fields,
  };
}

/** `count` endpoints 10.1.0.1, 10.1.0.2, ... */
export function testEndpoints(count: number, fields: Partial<Endpoint> = {}): readonly Endpoint[] {
  return Array.from({ length: count }, (_, i) =>
    testEndpoint({ address: `10.1.${Math.floor((i + 1) / 256)}.${(i + 1) % 256}`, ...fields }),
  );
}

/** As a Service that only asks for cookie affinity has it, but for the name. */
export const testCookie: CookieSettings = {
  name: 'sid',
  path: '/',
  domain: undefined,
  maxAgeSeconds: undefined,
  sameSite: 'Lax',
  secure: false,
  httpOnly: true,
};

export const testFrontend: Frontend = { kind: 'clusterIP', address: '10.96.0.10', port: 80 };

/** Pools are chosen from the endpoints unless they are given. */
export function testServer(
  fields: Partial<VirtualServer> & { readonly name?: string } = {},
  node: NodeView = testNode,
): VirtualServer {
  const { name = 'web', ...rest } = fields;
  const ref = rest.ref ?? {
    namespace: 'default',
    name,
    portName: 'http',
    protocol: 'TCP',
    family: 'IPv4',
  };
  const draft = {
    id: servicePortId(ref),
    ref,
    frontends: [testFrontend],
    internalTrafficPolicy: 'Cluster',
    externalTrafficPolicy: 'Cluster',
    endpoints: [],
    scheduler: 'rr',
    affinity: { kind: 'none' },
    perRequest: undefined,
    proxyProtocol: 'none',
    replay: 'none',
    sourceRanges: [],
    ...rest,
  } as const;
  return { ...draft, pools: rest.pools ?? choosePools(draft.endpoints, draft, node) };
}

export function testPlan(servers: readonly VirtualServer[], node: NodeView = testNode): Plan {
  const empty = emptyPlan(node);
  return nextPlan(empty, { set: servers, remove: [] })?.plan ?? empty;
}

/** From a stranger to the ClusterIP of `testServer`, entering at the node. */
export function testFlow(fields: Partial<Flow> = {}): Flow {
  return {
    protocol: 'TCP',
    source: '192.0.2.7',
    sourcePort: 40_000,
    destination: '10.96.0.10',
    destinationPort: 80,
    entry: 'node',
    ...fields,
  };
}

/** A repeatable source of numbers in [0, 1) (mulberry32). */
export function testRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
