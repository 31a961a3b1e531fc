/** `up --from-cluster`: a Service of another API is balanced over its own Pods, each reached by port-forward. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { parseAllDocuments } from 'yaml';
import {
  endpointSliceKind,
  labels,
  namespaceKind,
  podKind,
  roleBindingKind,
  roleKind,
  serviceAccountKind,
  serviceKind,
  type ObjectClient,
} from '../../src/kube/index.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { emptyHome, start, temporaryFolder, type Program } from '../support/program.ts';
import { root } from '../support/tree.ts';

const linux = process.platform === 'linux' ? false : 'needs all of 127/8, which only Linux has';
interface PodPlace {
  readonly address: string;
  /** 0 takes one that is free. */
  readonly port: number;
}

/** A Pod: a server at an address of its own that says its name. */
async function runPod(t: TestContext, name: string, at: PodPlace): Promise<number> {
  const server = createServer((_request, response) => response.end(name));
  server.listen(at.port, at.address);
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function addPod(client: ObjectClient, name: string, podIP: string): Promise<void> {
  await client.create(podKind, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'shop' },
    spec: { containers: [{ name: 'main', image: 'none' }] },
  });
  const at = { namespace: 'shop', name };
  await client.patch(
    podKind,
    at,
    { status: { phase: 'Running', podIP } },
    { subresource: 'status' },
  );
}

/** The slice as a cluster would have it: addresses that mean nothing to this host. */
async function setSlice(
  client: ObjectClient,
  port: number,
  pods: readonly string[],
): Promise<void> {
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'web-1', namespace: 'shop', labels: { [labels.serviceName]: 'web' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port, protocol: 'TCP' }],
    endpoints: pods.map((name, i) => ({
      addresses: [`10.244.0.${i + 1}`],
      conditions: { ready: true, serving: true, terminating: false },
      targetRef: { kind: 'Pod', namespace: 'shop', name },
    })),
  };
  const at = { namespace: 'shop', name: 'web-1' };
  const isThere = (await client.list(endpointSliceKind, { namespace: 'shop' })).items.length > 0;
  if (isThere) await client.patch(endpointSliceKind, at, { endpoints: slice.endpoints });
  else await client.create(endpointSliceKind, slice);
}

async function shop(
  t: TestContext,
  api: TestApi,
  pods: Readonly<Record<string, string>>,
): Promise<number> {
  const { registry } = api;
  let port = 0;
  for (const [name, address] of Object.entries(pods)) {
    port = await runPod(t, name, { address, port });
  }
  await registry.create(namespaceKind, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'shop' },
  });
  await registry.create(serviceKind, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      type: 'NodePort',
      selector: { app: 'web' },
      ports: [{ name: 'http', port: 80, targetPort: port }],
    },
  });
  for (const [name, address] of Object.entries(pods)) {
    await addPod(registry, name, address);
  }
  await setSlice(registry, port, Object.keys(pods));
  return port;
}

interface Laptop {
  readonly program: Program;
  /** Who answers next, asked by the name of the Service; undefined when nobody does. */
  ask(): Promise<string | undefined>;
}

async function laptop(t: TestContext, kubeconfig: string): Promise<Laptop> {
  const folder = temporaryFolder(t);
  const command = ['./switchyard', 'up', '--from-cluster', 'shop', '--kubeconfig', kubeconfig];
  const program = start(t, command, { cwd: root, env: emptyHome(folder) });
  const said = await program.printed('Ready');
  const [, door = ''] = /socks5h:\/\/127\.0\.0\.1:(\d+)/.exec(said) ?? [];
  return {
    program,
    ask: () =>
      new Promise((resolve) => {
        const through = { host: '127.0.0.1', port: Number(door), agent: false };
        const path = 'http://web.shop.svc.cluster.local/';
        const asked = request({ ...through, path, timeout: 10_000 }, (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
          response.once('end', () => resolve(response.statusCode === 200 ? text : undefined));
          response.once('error', () => resolve(undefined));
        });
        asked.once('error', () => resolve(undefined));
        asked.once('timeout', () => asked.destroy());
        asked.end();
      }),
  };
}

interface Rule {
  readonly resources: readonly string[];
  readonly apiGroups: readonly string[];
  readonly verbs: readonly string[];
}

function rulesOfDeploy(): readonly Rule[] {
  const text = readFileSync(join(root, 'deploy', 'from-cluster.yaml'), 'utf8');
  const [role] = parseAllDocuments(text).map(
    (document) => document.toJS() as { readonly kind: string; readonly rules: readonly Rule[] },
  );
  assert.equal(role?.kind, 'Role');
  return role.rules;
}

/** A kubeconfig of an account that has these rules in the namespace `shop`, and nothing else. */
async function kubeconfigOf(t: TestContext, api: TestApi, rules: readonly Rule[]): Promise<string> {
  const name = `dev-${randomUUID().slice(0, 8)}`;
  const { registry } = api;
  const metadata = { name, namespace: 'shop' };
  const apiGroup = 'rbac.authorization.k8s.io';
  const apiVersion = `${apiGroup}/v1`;
  await registry.create(serviceAccountKind, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  await registry.create(roleKind, { apiVersion, kind: 'Role', metadata, rules });
  await registry.create(roleBindingKind, {
    apiVersion,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup, kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace: 'shop' }],
  });
  const reply = await api.request({
    method: 'POST',
    path: `/api/v1/namespaces/shop/serviceaccounts/${name}/token`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ spec: {} }),
  });
  const { token } = (JSON.parse(reply.text) as { readonly status: { readonly token: string } })
    .status;
  const ca = Buffer.from(api.ca).toString('base64');
  const path = join(temporaryFolder(t), 'kubeconfig');
  writeFileSync(
    path,
    JSON.stringify({
      'current-context': name,
      contexts: [{ name, context: { cluster: name, user: name } }],
      clusters: [{ name, cluster: { server: api.url, 'certificate-authority-data': ca } }],
      users: [{ name, user: { token } }],
    }),
  );
  return path;
}

async function answers(from: Laptop, count: number): Promise<Readonly<Record<string, number>>> {
  const seen: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const name = (await from.ask()) ?? 'nobody';
    seen[name] = (seen[name] ?? 0) + 1;
  }
  return seen;
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test(
  'balanced over its Pods; Pods come and go, and the API with its streams',
  { skip: linux },
  async (t) => {
    const folder = temporaryFolder(t);
    const api = await startApi({ folder });
    let running: TestApi | undefined = api;
    t.after(() => running?.stop());
    const port = await shop(t, api, {
      one: '127.0.0.222',
      two: '127.0.0.223',
      three: '127.0.0.224',
    });
    const from = await laptop(t, api.kubeconfig);
    assert.deepEqual(await answers(from, 9), { one: 3, two: 3, three: 3 });

    // A Pod goes and another comes: the Service follows.
    await runPod(t, 'four', { address: '127.0.0.225', port });
    await addPod(api.registry, 'four', '127.0.0.225');
    await setSlice(api.registry, port, ['two', 'three', 'four']);
    await until('the fourth Pod answers', async () => (await from.ask()) === 'four');
    assert.deepEqual(await answers(from, 9), { two: 3, three: 3, four: 3 });

    // One that its Service still names: it is left out as soon as the API says that it is gone.
    const gone = { namespace: 'shop', name: 'two' };
    await api.registry.delete(podKind, gone, { gracePeriodSeconds: 0 });
    await until('the Pod that is gone is left out', async () => {
      const { two = 0, nobody = 0 } = await answers(from, 6);
      return two === 0 && nobody === 0;
    });

    // The API goes with every stream, and comes back: streams are made anew.
    const { port: apiPort } = new URL(api.url);
    await api.stop();
    assert.equal(await from.ask(), undefined);
    running = await startApi({ folder, port: Number(apiPort), registry: api.registry });
    await until('it answers again', async () => (await from.ask()) !== undefined);
    assert.deepEqual(Object.keys(await answers(from, 6)).toSorted(), ['four', 'three']);
    // Nothing was changed there.
    const { items } = await api.registry.list(serviceKind, { namespace: 'shop' });
    assert.deepEqual(
      items.map(({ metadata }) => metadata.name),
      ['web'],
    );

    from.program.kill('SIGTERM');
    const ended = await from.program.ended;
    assert.equal(ended.status, 0, ended.stderr);
    assert.match(ended.stderr, /Cannot reach a Pod through the API.*shop.*two/);
  },
);

test(
  'it runs under exactly the Role in deploy/, and says which rule is missing',
  { skip: linux },
  async (t) => {
    const api = await startApi({ authorization: 'rbac' });
    t.after(() => api.stop());
    await shop(t, api, { one: '127.0.0.227', two: '127.0.0.228' });
    const rules = rulesOfDeploy();
    const from = await laptop(t, await kubeconfigOf(t, api, rules));
    assert.deepEqual(await answers(from, 4), { one: 2, two: 2 });
    for (const missing of rules) {
      const kubeconfig = await kubeconfigOf(
        t,
        api,
        rules.filter((rule) => rule !== missing),
      );
      const command = ['./switchyard', 'up', '--from-cluster', 'shop', '--kubeconfig', kubeconfig];
      const env = emptyHome(temporaryFolder(t));
      const { status, stderr } = await start(t, command, { cwd: root, env }).ended;
      assert.notEqual(status, 0);
      const [resource = ''] = missing.resources;
      assert.match(stderr, new RegExp(`(cannot watch resource "|may not create )${resource}`));
      assert.match(stderr, /try: Give this user/);
    }
  },
);

test('without a way to the cluster it says what is missing', async (t) => {
  const folder = temporaryFolder(t);
  const options = { cwd: root, env: { ...emptyHome(folder), KUBECONFIG: join(folder, 'none') } };
  const program = start(t, ['./switchyard', 'up', '--from-cluster', 'shop'], options);
  const { status, stderr } = await program.ended;
  assert.equal(status, 2, stderr);
  assert.match(stderr, /none/);
});
