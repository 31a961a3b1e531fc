/** What forwards goes on by connections whenever its gateway is not live, and by requests once that is back. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { hurriedClock } from '../cluster/testing.ts';
import type { ServiceGateway } from '../gateway/index.ts';
import { endpointSliceKind, labels, serviceKind, type ObjectClient } from '../kube/index.ts';
import { parseCidr, type Driver, type NodeView } from '../model/index.ts';
import { silentLogger } from '../obs/index.ts';
import { createPlanner, type Planner, type PlannerOptions } from '../plan/index.ts';
import { createRegistry } from '../registry/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { createPortableEngine, type StreamEngine } from '../sys/net/index.ts';
import { createAgentDriver } from './agent-driver.ts';
import { createGatedDriver } from './request-gateway.ts';

const skip = process.platform === 'linux' ? false : 'needs all of 127/8, which only Linux has';
const clusterIP = '127.216.0.50';
const backendAddress = '127.0.0.230';
const ownAddress = '127.0.0.1';
const id = 'default/web:http/TCP/IPv4';
const clock = hurriedClock(10);
const never = new AbortController().signal;
const name = { name: 'web', namespace: 'default' };

function createApi(): ObjectClient {
  const serviceRange = parseCidr('127.216.0.0/24');
  assert.ok(serviceRange !== undefined);
  let uids = 0;
  const store = createMemoryStore({ clock, newUid: () => `uid-${++uids}` });
  return createRegistry({ store, random: Math.random, serviceRange, allowLoopbackEndpoints: true });
}

/** A Service that asks for requests, with two endpoints of this node. */
async function fill(t: TestContext, client: ObjectClient): Promise<void> {
  const annotations = { 'switchyard.dev/balance': 'request' };
  await client.create(serviceKind, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...name, annotations },
    spec: { clusterIP, ports: [{ name: 'http', port: 8080 }] },
  });
  for (const pod of ['one', 'two']) {
    const server = createServer((_, response) => response.end(pod)).listen(0, backendAddress);
    await once(server, 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    await client.create(endpointSliceKind, {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: pod, namespace: 'default', labels: { [labels.serviceName]: 'web' } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port, protocol: 'TCP' }],
      endpoints: [{ addresses: [backendAddress], conditions: { ready: true }, nodeName: 'here' }],
    });
  }
}

interface Run {
  readonly client: ObjectClient;
  readonly gateway: ServiceGateway;
  readonly planner: Planner;
  /** While it is set the gateway finds no port to listen at. */
  readonly fault: { isOn: boolean };
}

const node: NodeView = {
  name: 'here',
  zone: undefined,
  addresses: ['127.0.0.1'],
  nodePortAddresses: [],
  serviceRanges: [],
  masqueradeAll: false,
  detectsLocalPods: false,
};

type Made = {
  readonly driver: Driver;
  readonly gateway: ServiceGateway | undefined;
  readonly planned?: Pick<PlannerOptions, 'gatewayOf' | 'onApplied'>;
};

type Options = Parameters<typeof createAgentDriver>[0];

/** As each command joins them. */
const commands: Readonly<Record<string, (options: Options) => Made>> = {
  up: (options) =>
    createGatedDriver({
      ...options,
      scope: 'localhost',
      drainMs: 2_000,
      accessLogShare: 0,
      ownAddress,
    }),
  'proxy --requests': (options) => createAgentDriver(options),
};

async function startRun(
  t: TestContext,
  make: (options: Options) => Made,
  { isOn }: { readonly isOn: boolean },
): Promise<Run> {
  const client = createApi();
  await fill(t, client);
  const fault = { isOn };
  const common = { client, clock, random: Math.random };
  const { driver, gateway, planned } = make({
    ...common,
    engine: faulty(fault),
    kernel: undefined,
    logOf: () => silentLogger,
    planner: () => planner,
    requests: true,
    localPods: undefined,
  });
  assert.ok(gateway !== undefined);
  const planner: Planner = createPlanner({
    ...common,
    driver,
    node,
    log: silentLogger,
    minIntervalMs: 0,
    retryMs: 100,
    maxIntervalMs: 3_600_000,
    gatewayOf: (...asked) => gateway.gatewayOf(...asked),
    onApplied: ({ plan, delta }) => gateway.follow(plan, delta),
    ...planned,
  });
  t.after(async () => {
    await planner.stop();
    await gateway.stop();
    await driver.stop(AbortSignal.abort());
  });
  await gateway.start(never);
  await planner.start(never);
  return { client, gateway, planner, fault };
}

/** Only where the gateway listens for drivers: what a Service is reached at can be had. */
function faulty(fault: Run['fault']): StreamEngine {
  const engine = createPortableEngine();
  const own: Pick<StreamEngine, 'listen'> = {
    listen: (at, taken) =>
      fault.isOn && at.address === ownAddress
        ? Promise.reject(new Error('no port is free'))
        : engine.listen(at, taken),
  };
  return Object.assign(Object.create(engine) as StreamEngine, own);
}

/** Who answers six requests on one connection. */
async function answers(): Promise<ReadonlySet<string>> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const seen = new Set<string>();
  for (let i = 0; i < 6; i++) {
    const answer = Promise.withResolvers<string>();
    const options = { host: clusterIP, port: 8080, agent, timeout: 10_000 };
    const asked = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.once('end', () => answer.resolve(text));
    });
    asked.once('timeout', () => asked.destroy(new Error('no answer')));
    asked.once('error', answer.reject).end();
    seen.add(await answer.promise);
  }
  agent.destroy();
  return seen;
}

async function until(holds: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!holds()) {
    assert.ok(Date.now() < deadline, what);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Whether the Plan in force leads a pool to its endpoints. */
function isByConnections({ planner }: Run, pool: 'cluster' | 'local' = 'cluster'): boolean {
  const server = planner.applied().plan.servers.get(id);
  assert.ok(server?.perRequest !== undefined);
  return server.pools[pool] === server.perRequest.pools[pool];
}

async function becomes(run: Run, way: 'requests' | 'connections'): Promise<void> {
  const byConnections = way === 'connections';
  await until(() => isByConnections(run) === byConnections, `it is not by ${way}`);
  assert.equal((await answers()).size, byConnections ? 1 : 2, `balanced by ${way}`);
}

for (const [command, make] of Object.entries(commands)) {
  test(`${command}: a gateway that stops is led to no more`, { skip }, async (t) => {
    const run = await startRun(t, make, { isOn: false });
    await becomes(run, 'requests');
    const { revision } = run.planner.applied().plan;
    await run.gateway.stop();
    await becomes(run, 'connections');
    assert.equal(run.planner.applied().plan.revision, revision + 1, 'within one Plan');
    // What comes later begins no gateway again.
    await run.client.patch(serviceKind, name, { metadata: { labels: { a: 'b' } } });
    await run.client.patch(serviceKind, name, { spec: { internalTrafficPolicy: 'Local' } });
    await until(
      () =>
        run.planner.applied().plan.servers.get(id)?.internalTrafficPolicy === 'Local' &&
        isByConnections(run, 'local'),
      'it is led to a gateway',
    );
  });

  test(`${command}: one that cannot listen is told, and tried again`, { skip }, async (t) => {
    const run = await startRun(t, make, { isOn: true });
    await until(() => run.gateway.lackOf(id) !== undefined, 'nothing is said');
    assert.match(run.gateway.lackOf(id)?.text ?? '', /cannot listen for it: no port is free/);
    assert.equal(run.gateway.status().state, 'degraded');
    assert.match(run.gateway.status().detail ?? '', /default\/web:http/);
    await becomes(run, 'connections');
    run.fault.isOn = false;
    await becomes(run, 'requests');
    assert.equal(run.gateway.lackOf(id), undefined);
    assert.equal(run.gateway.status().state, 'ready');
  });

  test(`${command}: one that is live and loses its ports falls back whole`, { skip }, async (t) => {
    const run = await startRun(t, make, { isOn: false });
    await becomes(run, 'requests');
    run.fault.isOn = true;
    // A Local policy takes a port more, which cannot be had.
    await run.client.patch(serviceKind, name, { spec: { internalTrafficPolicy: 'Local' } });
    await until(() => run.gateway.lackOf(id) !== undefined, 'nothing is said');
    await until(() => isByConnections(run) && isByConnections(run, 'local'), 'no fall back');
    assert.equal((await answers()).size, 1);
    run.fault.isOn = false;
    await until(() => !isByConnections(run, 'local'), 'it does not come back');
    const { pools } = run.planner.applied().plan.servers.get(id) ?? {};
    assert.notDeepEqual(pools?.local, pools?.cluster, 'each pool has a port of its own');
    assert.equal((await answers()).size, 2);
  });
}
