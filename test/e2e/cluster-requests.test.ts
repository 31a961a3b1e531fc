/** `switchyard proxy --requests`: on a node of a cluster, each request of one connection goes to the next endpoint. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { endpointSliceKind, labels, nodeKind, serviceKind } from '../../src/kube/index.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { emptyHome, start, temporaryFolder } from '../support/program.ts';
import { root } from '../support/tree.ts';

const linux = process.platform === 'linux' ? false : 'needs all of 127/8, which only Linux has';
const clusterIP = '127.215.0.50';

async function backend(t: TestContext, name: string): Promise<number> {
  const server = createServer((_request, response) => response.end(name));
  server.listen(0, '127.0.0.229');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function served(t: TestContext): Promise<TestApi> {
  const api = await startApi({ serviceRange: '127.215.0.0/24' });
  t.after(() => api.stop());
  const { registry } = api;
  await registry.create(nodeKind, {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'node-a' },
  });
  await registry.create(serviceKind, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'web',
      namespace: 'default',
      annotations: { 'switchyard.dev/balance': 'request' },
    },
    spec: { clusterIP, ports: [{ name: 'http', port: 8080 }] },
  });
  for (const name of ['one', 'two']) {
    await registry.create(endpointSliceKind, {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, namespace: 'default', labels: { [labels.serviceName]: 'web' } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: await backend(t, name), protocol: 'TCP' }],
      endpoints: [{ addresses: ['127.0.0.229'], conditions: { ready: true } }],
    });
  }
  return api;
}

/** Who answers each of these requests, all on one connection. */
async function answers(count: number): Promise<readonly string[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const seen: string[] = [];
  for (let i = 0; i < count; i++) {
    seen.push(
      await new Promise<string>((resolve, reject) => {
        const asked = request({ host: clusterIP, port: 8080, agent }, (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
          response.once('end', () => resolve(text));
        });
        asked.once('error', reject).end();
      }),
    );
  }
  agent.destroy();
  return seen.toSorted();
}

for (const isOn of [true, false]) {
  const what = isOn ? 'with --requests each request is balanced' : 'without, each connection is';
  test(`proxy: ${what}`, { skip: linux }, async (t) => {
    const api = await served(t);
    const places = ['--healthz', '127.0.0.1:0', '--metrics', 'none', '--mode', 'userspace'];
    const way = ['--kubeconfig', api.kubeconfig, '--node', 'node-a'];
    const env = emptyHome(temporaryFolder(t));
    const flags = isOn ? ['--requests'] : [];
    const command = ['./switchyard', 'proxy', '--mode', 'userspace', ...way, ...places, ...flags];
    const program = start(t, command, { cwd: root, env });
    await program.printed('Ready');
    const deadline = Date.now() + 20_000;
    let seen = await answers(4);
    // The gateway waits for its keys in the background; the node forwards meanwhile.
    while (isOn && new Set(seen).size === 1 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      seen = await answers(4);
    }
    if (isOn) assert.deepEqual(seen, ['one', 'one', 'two', 'two']);
    // Which of the two a connection goes to is its turn.
    else assert.equal(new Set(seen).size, 1);
    program.kill('SIGTERM');
    const { status, stderr } = await program.ended;
    assert.equal(status, 0, stderr);
  });
}
