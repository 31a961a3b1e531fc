/** What a node of a cluster tells Prometheus and load balancers: golden names, and a real healthCheckNodePort. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ScriptedApi } from '../../test/support/scripted-api.ts';
import { accessTo, createTestProxy, testSlice } from '../cluster/testing.ts';
import {
  endpointSliceKind,
  labels,
  nodeKind,
  serviceKind,
  type EndpointSlice,
  type Service,
} from '../kube/index.ts';
import { silentLogger } from '../obs/index.ts';
import { createPortableEngine } from '../sys/net/index.ts';
import { createNodeAgent, type NodeAgent } from './node-agent.ts';
import type { ProxySettings } from './proxy-settings.ts';
import { startAll, stopAll } from './running.ts';

const loopback = { address: '127.0.0.1', port: 0 } as const;
const settings: ProxySettings = {
  kubeconfig: undefined,
  node: 'node-a',
  healthz: loopback,
  metrics: loopback,
  nodePortAddresses: ['127.0.0.1/32'],
  defaultScheduler: 'lc',
  minSyncMs: 0,
  syncMs: 30_000,
  masqueradeAll: false,
  localPods: undefined,
  requests: false,
  notes: [],
};

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const metadata = { name: 's1', namespace: 'default' };

function service(healthCheckNodePort: number): Service {
  const spec = {
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    healthCheckNodePort,
    clusterIP: '127.0.0.221',
    ports: [{ name: 'http', port: 8_080, protocol: 'TCP' }],
  };
  return { apiVersion: 'v1', kind: 'Service', metadata, spec };
}

async function nodeOver(t: TestContext, api: ScriptedApi): Promise<NodeAgent> {
  const { mirror, cluster } = createTestProxy({
    access: accessTo(api.url),
    applied: () => undefined,
  });
  const parts = { mirror, cluster, random: Math.random, log: silentLogger, settings };
  const engine = createPortableEngine();
  const agent = createNodeAgent({ ...parts, client: mirror.client, engine, kernel: undefined });
  const components = [mirror, ...agent.components];
  await startAll(components, new AbortController().signal, silentLogger);
  t.after(() => stopAll(components, silentLogger));
  return agent;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, 'not in time');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('load balancers are answered, and Prometheus is told the names of kube-proxy', async (t) => {
  const api = new ScriptedApi();
  await api.start();
  t.after(() => api.stop());
  const port = await freePort();
  api.set(nodeKind, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-a' } });
  api.set(serviceKind, service(port));
  // Endpoints 0 and 100 are on node-0 in the tests' world; here they are moved to ours.
  const slice = testSlice(1, labels.serviceName, [0, 100, 7]);
  const moved = (slice.endpoints ?? []).map((endpoint) =>
    endpoint.nodeName === 'node-0' ? { ...endpoint, nodeName: 'node-a' } : endpoint,
  );
  const here: EndpointSlice = { ...slice, endpoints: moved };
  api.set(endpointSliceKind, here);
  const agent = await nodeOver(t, api);
  const [server] = [...agent.planner.applied().plan.servers.values()];
  assert.equal(server?.scheduler, 'lc');
  const ask = (): Promise<Response> => fetch(`http://127.0.0.1:${port}/anything`);
  await until(() =>
    ask().then(
      () => true,
      () => false,
    ),
  );
  const answer = await ask();
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('x-load-balancing-endpoint-weight'), '2');
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
  assert.deepEqual(await answer.json(), {
    service: { namespace: 'default', name: 's1' },
    localEndpoints: 2,
    serviceProxyHealthy: true,
  });
  const health = agent.health.address();
  assert.equal((await fetch(`http://127.0.0.1:${health?.port}/healthz`)).status, 200);
  assert.equal((await fetch(`http://127.0.0.1:${health?.port}/livez`)).status, 200);
  const text = await agent.metrics.text();
  assert.match(text, /^kubeproxy_proxy_healthz_total\{code="200"\} 1$/m);
  const names = text.split('\n').filter((line) => line.startsWith('# TYPE kubeproxy_'));
  t.assert.fileSnapshot(
    `${names.toSorted().join('\n')}\n`,
    join(import.meta.dirname, 'testdata', 'node-metrics.txt'),
    { serializers: [(value: unknown) => String(value)] },
  );
  api.set(endpointSliceKind, testSlice(1, labels.serviceName, [7]));
  await until(async () => (await ask()).status === 503);
  api.remove(serviceKind, service(port));
  await until(() =>
    ask().then(
      () => false,
      () => true,
    ),
  );
});
