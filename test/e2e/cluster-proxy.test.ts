/** `switchyard proxy` against the API of another Switchyard: the same Plans, an outage, a start from what was kept. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import {
  endpointSliceKind,
  labels,
  nodeKind,
  serviceKind,
  type EndpointSlice,
  type ObjectClient,
} from '../../src/kube/index.ts';
import { startApi } from '../support/api.ts';
import { emptyHome, run, start, temporaryFolder, type Program } from '../support/program.ts';
import { root } from '../support/tree.ts';

const linux = process.platform === 'linux' ? false : 'needs all of 127/8, which only Linux has';
const clusterIP = '127.214.0.50';

async function backend(t: TestContext, name: string): Promise<number> {
  const server: Server = createServer((_request, response) => response.end(name));
  server.listen(0, '127.0.0.216');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function fill(client: ObjectClient, ports: readonly number[]): Promise<void> {
  for (const name of ['node-a', 'node-b']) {
    await client.create(nodeKind, {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels: { [labels.zone]: 'west' } },
    });
  }
  await client.create(serviceKind, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default' },
    spec: { clusterIP, ports: [{ name: 'http', port: 8080 }] },
  });
  for (const [i, port] of ports.entries()) {
    await client.create(endpointSliceKind, slice(`web-${i}`, port));
  }
}

function slice(name: string, port: number): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'default', labels: { [labels.serviceName]: 'web' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port, protocol: 'TCP' }],
    endpoints: [{ addresses: ['127.0.0.216'], conditions: { ready: true } }],
  };
}

interface Home {
  readonly cwd: string;
  readonly env: ReturnType<typeof emptyHome>;
}

interface ProxyOptions {
  readonly node: string;
  readonly kubeconfig: string;
  readonly state: string;
  readonly home: Home;
}

function proxy(t: TestContext, { node, kubeconfig, state, home }: ProxyOptions): Program {
  const places = ['--healthz', '127.0.0.1:0', '--metrics', '127.0.0.1:0', '--state-dir', state];
  const way = ['--kubeconfig', kubeconfig, '--node', node];
  return start(t, ['./switchyard', 'proxy', ...way, ...places, '--mode', 'userspace'], home);
}

async function plan(t: TestContext, instance: string, home: Home): Promise<unknown> {
  const command = ['./switchyard', 'get', 'plan', '--instance', instance, '-o', 'json'];
  const { stdout } = await run(t, command, home);
  const {
    revision: _revision,
    node: _node,
    ...rest
  } = JSON.parse(stdout) as Record<string, unknown>;
  return rest;
}

/** Who answers, connection by connection. */
async function answers(count: number): Promise<readonly string[]> {
  const seen: string[] = [];
  for (let i = 0; i < count; i++) {
    const response = await fetch(`http://${clusterIP}:8080/`, { headers: { connection: 'close' } });
    seen.push(await response.text());
  }
  return seen.toSorted();
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test(
  'two nodes have one Plan; it outlives the API, and a start without it',
  { skip: linux },
  async (t) => {
    const serviceRange = '127.214.0.0/24';
    const folder = temporaryFolder(t);
    const [one, two, three] = [
      await backend(t, 'one'),
      await backend(t, 'two'),
      await backend(t, 'three'),
    ];
    const api = await startApi({ serviceRange });
    let running = true;
    const stopApi = async (): Promise<void> => {
      if (running) await api.stop();
      running = false;
    };
    t.after(stopApi);
    await fill(api.registry, [one, two]);
    const home = { cwd: root, env: emptyHome(folder) };
    const common = { kubeconfig: join(folder, 'kubeconfig'), home };
    await run(t, ['cp', api.kubeconfig, common.kubeconfig], home);
    const a = proxy(t, { ...common, node: 'node-a', state: join(folder, 'a') });
    const text = await a.printed('Ready');
    const health = /at (http:\/\/127\.0\.0\.1:[0-9]+)\/healthz/.exec(text)?.[1];
    assert.ok(health !== undefined, text);
    assert.deepEqual(await answers(4), ['one', 'one', 'two', 'two']);
    const b = proxy(t, { ...common, node: 'node-b', state: join(folder, 'b') });
    await b.printed('Ready');
    assert.deepEqual(await plan(t, 'node-a', home), await plan(t, 'node-b', home));
    await api.registry.create(endpointSliceKind, slice('web-2', three));
    await until('the third endpoint', async () => (await answers(6)).includes('three'));
    await until('both Plans', async () => {
      const [first, second] = [await plan(t, 'node-a', home), await plan(t, 'node-b', home)];
      return JSON.stringify(first) === JSON.stringify(second);
    });
    b.kill('SIGTERM');
    assert.equal((await b.ended).status, 0);

    const fine = (await (await fetch(`${health}/healthz`)).json()) as Record<string, unknown>;
    assert.deepEqual(
      [fine['healthy'], fine['nodeEligible'], 'apiAwaySince' in fine],
      [true, true, false],
    );
    await stopApi();
    await until('the outage is told', async () =>
      (await (await fetch(`${health}/livez`)).text()).includes('apiAwaySince'),
    );
    assert.deepEqual(await answers(3), ['one', 'three', 'two']);
    a.kill('SIGTERM');
    assert.equal((await a.ended).status, 0);
    const again = proxy(t, { ...common, node: 'node-a', state: join(folder, 'a') });
    assert.match(await again.printed('Ready'), /forwarding by the state kept at/);
    assert.deepEqual(await answers(3), ['one', 'three', 'two']);
    again.kill('SIGTERM');
    assert.equal((await again.ended).status, 0);
  },
);
