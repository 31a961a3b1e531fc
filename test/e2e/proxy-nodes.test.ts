/**
 * Two nodes of a cluster whose API is `switchyard up`, each host in a network of its own: both have one Plan, and both
 * forward by it, with sockets and in the kernel. The API is on loopback only, so a Unix socket carries it over.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openCell, whyNoCell, type Cell } from '../support/cell.ts';
import { emptyHome, run, start, temporaryFolder, type Program } from '../support/program.ts';
import { root } from '../support/tree.ts';

function whyNot(): string | false {
  const without = whyNoCell();
  if (without !== undefined) return without;
  for (const program of ['nft', 'curl']) {
    if (spawnSync(program, ['--version']).status !== 0) return `${program} is not on this host`;
  }
  return false;
}

const [serviceAddress, nodePort] = ['10.96.0.20', 30_080];
/** Of each node, and where its own backends answer: what a Plan names is the same everywhere. */
const nodeAddress = '192.0.2.10';
const own = join(root, 'switchyard');

function manifest(): string {
  const slice = (name: string, port: number): object => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port, protocol: 'TCP' }],
    endpoints: [{ addresses: [nodeAddress], conditions: { ready: true } }],
  });
  const node = (name: string): object => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } });
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      type: 'NodePort',
      clusterIP: serviceAddress,
      ports: [{ name: 'http', port: 80, nodePort }],
    },
  };
  const objects = [service, slice('web-a', 8_080), slice('web-b', 8_081), node('n1'), node('n2')];
  return objects.map((object) => JSON.stringify(object)).join('\n---\n');
}

/** Passes connections on, from and to whatever `listen` and `connect` of node:net take. */
const relay = (from: string, to: string): string => `
const net = require('node:net');
net.createServer((a) => {
  const b = net.connect(${to});
  for (const [x, y] of [[a, b], [b, a]]) x.on('error', () => y.destroy()).pipe(y);
}).listen(${from}, () => console.log('passing on'));
`;

const backends = `
for (const [port, name] of [[8080, 'a'], [8081, 'b']]) {
  require('node:http').createServer((q, s) => s.end(name)).listen(port, '${nodeAddress}');
}
console.log('serving');
`;

interface Api {
  readonly kubeconfig: string;
  readonly port: string;
  readonly socket: string;
}

async function startUp(t: TestContext, folder: string): Promise<Api> {
  const cell = await openCell(t);
  const file = join(folder, 'web.yaml');
  writeFileSync(file, manifest());
  const [kubeconfig, socket] = [join(folder, 'kubeconfig'), join(folder, 'api.sock')];
  const command = [own, 'up', '--mode', 'nftables', '--ephemeral', '-f', file];
  const home = { cwd: root, env: emptyHome(temporaryFolder(t)) };
  const up = start(t, cell.enter([...command, '--kubeconfig-out', kubeconfig]), home);
  await up.printed('Ready.');
  const port = /127\.0\.0\.1:(\d+)/.exec(readFileSync(kubeconfig, 'utf8'))?.[1];
  assert.ok(port !== undefined);
  await relayIn(t, cell, relay(JSON.stringify(socket), `${port}, '127.0.0.1'`));
  return { kubeconfig, port, socket };
}

async function relayIn(t: TestContext, cell: Cell, script: string): Promise<void> {
  await start(t, cell.enter(['node', '-e', script]), { cwd: root }).printed('passing on');
}

const podRange = '10.244.7.0/24';
const kubeProxyConfig = `
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clusterCIDR: ${podRange}
`;

interface NodeHost {
  readonly sh: (line: string) => string;
  readonly plan: () => Promise<unknown>;
  readonly proxy: Program;
}

async function startNode(
  t: TestContext,
  api: Api,
  { name, mode }: { readonly name: string; readonly mode: string },
): Promise<NodeHost> {
  const cell = await openCell(t);
  const sh = (line: string): string => {
    const [program = '', ...args] = cell.enter(['sh', '-ec', line]);
    return execFileSync(program, args, { encoding: 'utf8' });
  };
  sh(`ip addr add ${nodeAddress}/32 dev lo`);
  sh(`ip route add local 10.96.0.0/16 dev lo src ${nodeAddress}`);
  await relayIn(t, cell, relay(`${api.port}, '127.0.0.1'`, JSON.stringify(api.socket)));
  await start(t, cell.enter(['node', '-e', backends]), { cwd: root }).printed('serving');
  const home = { cwd: root, env: emptyHome(temporaryFolder(t)) };
  const way = ['proxy', '--kubeconfig', api.kubeconfig, '--node', name, '--mode', mode];
  const places = ['--healthz', '127.0.0.1:0', '--metrics', 'none'];
  const nodePorts = ['--nodeport-addresses', `${nodeAddress}/32`];
  const config = join(temporaryFolder(t), 'config.yaml');
  writeFileSync(config, kubeProxyConfig);
  const proxy = start(
    t,
    cell.enter([own, ...way, ...places, ...nodePorts, '--config', config]),
    home,
  );
  await proxy.printed('Ready');
  return {
    sh,
    proxy,
    plan: async () => {
      const { stdout } = await run(t, cell.enter([own, 'get', 'plan', '-o', 'json']), home);
      const { revision: _own, node: _of, ...rest } = JSON.parse(stdout) as Record<string, unknown>;
      return rest;
    },
  };
}

for (const mode of ['userspace', 'nftables']) {
  test(
    `two nodes at one API have one Plan and forward by it (${mode})`,
    { skip: whyNot() },
    async (t) => {
      const folder = temporaryFolder(t);
      const api = await startUp(t, folder);
      const first = await startNode(t, api, { name: 'n1', mode });
      const second = await startNode(t, api, { name: 'n2', mode });
      const plan = await first.plan();
      assert.match(JSON.stringify(plan), /default\/web/);
      assert.deepEqual(plan, await second.plan());
      for (const { sh, proxy } of [first, second]) {
        for (const at of [serviceAddress, `${nodeAddress}:${nodePort}`]) {
          const asked = sh(`for i in 1 2 3 4; do curl -sS -m 5 http://${at}; done`);
          assert.equal(asked.split('').toSorted().join(''), 'aabb', at);
        }
        const tables = sh('nft list tables');
        assert.equal(/ip switchyard/.test(tables), mode === 'nftables', tables);
        if (mode === 'nftables') {
          assert.match(sh('nft list set ip switchyard local-pods'), /10\.244\.7\.0\/24/);
        }
        proxy.kill('SIGTERM');
        const { status, stderr } = await proxy.ended;
        assert.equal(status, 0, stderr);
      }
    },
  );
}
