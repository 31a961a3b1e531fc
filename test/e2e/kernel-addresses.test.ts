/** NodePorts in the kernel are where the node's addresses are: of one that came, and no more of one that went. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import {
  answerAt,
  nodePortManifest,
  openKernelHost,
  whyNoKernelHost,
  type KernelHost,
} from '../support/kernel-host.ts';

const skip = whyNoKernelHost('nft', 'curl', 'setpriv');
const nodePort = 30_080;
/** Of the node from the beginning, one that comes, and one that no range has. */
const [own, fresh, other] = ['192.0.2.10', '192.0.2.77', '198.51.100.7'];

async function openNode(t: TestContext, nodeAddress = own): Promise<KernelHost & { file: string }> {
  const host = await openKernelHost(t);
  // What is sent there is the host's also while no interface has it: refused by the host itself then.
  for (const address of [fresh, other]) host.sh(`ip route add local ${address} dev lo`);
  host.sh(`ip addr add ${own}/32 dev lo`);
  await answerAt(t, host, [
    ['a', own, 8_080],
    ['b', own, 8_081],
  ]);
  const file = join(host.home, 'web.yaml');
  writeManifest(file, nodeAddress);
  return { ...host, file };
}

function writeManifest(file: string, nodeAddress: string): void {
  const status = { addresses: [{ type: 'InternalIP', address: nodeAddress }] };
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' }, status };
  const objects = [...nodePortManifest({ addressType: 'IPv4', backend: own, nodePort }), node];
  writeFileSync(file, objects.map((object) => JSON.stringify(object)).join('\n---\n'));
}

/** Until it is so: that looks are twice a second is shown beside their code. */
async function becomes(
  { sh }: Pick<KernelHost, 'sh'>,
  address: string,
  expected: 'answers' | 'refuses',
): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const said = sh(`curl -s -m 5 http://${address}:${nodePort} || echo refused $?`);
    if (expected === 'answers' ? /^[ab]$/.test(said) : said.includes('refused 7')) return;
    assert.ok(performance.now() < deadline, `${address}: ${said}`);
    await setTimeout(50);
  }
}

test('up: NodePorts follow the addresses of the host', { skip }, async (t) => {
  const host = await openNode(t);
  await host.begin(['up', '--mode', 'nftables', '--ephemeral', '-f', host.file]).printed('Ready.');
  await becomes(host, own, 'answers');
  await becomes(host, fresh, 'refuses');
  host.sh(`ip addr add ${fresh}/32 dev lo`);
  await becomes(host, fresh, 'answers');
  host.sh(`ip addr del ${fresh}/32 dev lo; ip route replace local ${fresh} dev lo`);
  await becomes(host, fresh, 'refuses');
  await becomes(host, own, 'answers');
});

async function startProxy(host: KernelHost & { file: string }, where: string): Promise<void> {
  const kubeconfig = join(host.home, 'kubeconfig');
  const up = ['up', '--instance', 'api', '--ephemeral', '-f', host.file];
  await host.begin([...up, '--kubeconfig-out', kubeconfig]).printed('Ready.');
  const proxy = ['proxy', '--kubeconfig', kubeconfig, '--node', 'n1', '--mode', 'nftables'];
  const places = ['--healthz', 'none', '--metrics', 'none', '--nodeport-addresses', where];
  await host.begin([...proxy, ...places]).printed('Ready.');
}

test('proxy: NodePorts follow the addresses of the host that a range has', { skip }, async (t) => {
  const host = await openNode(t);
  await startProxy(host, '192.0.2.0/24');
  await becomes(host, own, 'answers');
  for (const address of [fresh, other]) host.sh(`ip addr add ${address}/32 dev lo`);
  await becomes(host, fresh, 'answers');
  await becomes(host, other, 'refuses');
  host.sh(`ip addr del ${fresh}/32 dev lo; ip route replace local ${fresh} dev lo`);
  await becomes(host, fresh, 'refuses');
});

test('proxy: with `primary` NodePorts are where the Node of the API is', { skip }, async (t) => {
  const host = await openNode(t);
  await startProxy(host, 'primary');
  await becomes(host, own, 'answers');
  host.sh(`ip addr add ${fresh}/32 dev lo`);
  writeManifest(host.file, fresh);
  await becomes(host, fresh, 'answers');
  await becomes(host, own, 'refuses');
});
