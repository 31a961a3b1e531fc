/** `cleanup` of what killed ones left, under one that runs, and beside others; and what CAP_NET_ADMIN is enough for. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  answerAt,
  nodePortManifest,
  openKernelHost,
  traces,
  whyNoKernelHost,
} from '../support/kernel-host.ts';

const skip = whyNoKernelHost('nft', 'curl', 'setpriv');
const nftables = ['up', '--mode', 'nftables', '--ephemeral'];

test(
  'cleanup: what it would take away, and that it does, as text and as data',
  { skip },
  async (t) => {
    const { sh, begin, switchyard } = await openKernelHost(t);
    const before = sh(traces);
    const killed = begin(nftables);
    await killed.printed('Ready.');
    killed.kill('SIGKILL');
    await killed.ended;
    const left = sh(traces);
    const asked = await switchyard(['cleanup', '--dry-run']);
    assert.equal(asked.status, 0);
    assert.match(asked.stdout, /^Would remove table ip switchyard$/m);
    const { wouldRemove } = JSON.parse(
      (await switchyard(['cleanup', '--dry-run', '-o', 'json'])).stdout,
    ) as { readonly wouldRemove: readonly string[] };
    assert.equal(sh(traces), left);
    const { removed } = JSON.parse((await switchyard(['cleanup', '-o', 'json'])).stdout) as {
      readonly removed: readonly string[];
    };
    assert.deepEqual(removed, wouldRemove);
    for (const what of [
      'table ip switchyard',
      'table ip6 switchyard',
      'the route to 10.96.0.0/16',
      'table ip switchyard-pods',
      'the route to 10.97.0.0/17',
      'the route to 10.97.128.0/17',
      'the address 10.97.255.254/32 of the loopback device',
    ]) {
      assert.ok(removed.includes(what), `${what} is not among ${removed.join(', ')}`);
    }
    assert.equal(sh(traces), before);
    assert.deepEqual(JSON.parse((await switchyard(['cleanup', '-o', 'json'])).stdout), {
      removed: [],
    });
  },
);

test(
  'cleanup --force takes the rules from under one that runs, which makes them again',
  { skip },
  async (t) => {
    const { sh, begin, switchyard } = await openKernelHost(t);
    const before = sh(traces);
    const up = begin(nftables);
    await up.printed('Ready.');
    const tables = sh('nft list tables');
    assert.match(tables, /table ip switchyard\ntable ip6 switchyard/);
    assert.equal((await switchyard(['cleanup'])).status, 2);
    assert.equal(sh('nft list tables'), tables);
    const forced = await switchyard(['cleanup', '--force']);
    assert.deepEqual([forced.status, forced.stderr], [0, '']);
    assert.match(forced.stdout, /^Removed table ip switchyard$/m);
    await up.printed('Made the tables again');
    assert.equal(sh('nft list tables'), tables);
    up.kill('SIGTERM');
    assert.equal((await up.ended).status, 0);
    assert.equal(sh(traces), before);
  },
);

test(
  'cleanup leaves a table of our name that others made, and all the rest with it',
  { skip },
  async (t) => {
    const { sh, begin, switchyard } = await openKernelHost(t);
    const killed = begin(nftables);
    await killed.printed('Ready.');
    killed.kill('SIGKILL');
    await killed.ended;
    sh(
      'nft delete table ip6 switchyard; nft add table ip6 switchyard; nft add chain ip6 switchyard theirs',
    );
    const left = sh(`${traces}; nft list ruleset`);
    for (const how of [[], ['--force'], ['--dry-run']]) {
      const { status, stderr } = await switchyard(['cleanup', ...how]);
      assert.equal(status, 2);
      assert.match(stderr, /the table ip6 switchyard: there is one that Switchyard did not make/);
      assert.match(stderr, /try: .*nft delete table ip6 switchyard/);
    }
    assert.equal(sh(`${traces}; nft list ruleset`), left);
  },
);

test('CAP_NET_ADMIN is enough for proxy, audit and cleanup', { skip }, async (t) => {
  const host = await openKernelHost(t);
  const { sh, begin, switchyard, home } = host;
  const [backend, nodePort] = ['192.0.2.10', 30_080];
  sh(`ip addr add ${backend}/32 dev lo`);
  await answerAt(t, host, [
    ['a', backend, 8_080],
    ['b', backend, 8_081],
  ]);
  const file = join(home, 'web.yaml');
  const objects = nodePortManifest({ addressType: 'IPv4', backend, nodePort });
  writeFileSync(file, objects.map((object) => JSON.stringify(object)).join('\n---\n'));
  const before = sh(traces);
  const who = 'nobody with CAP_NET_ADMIN';
  const kubeconfig = join(home, 'kubeconfig');
  const up = ['up', '--instance', 'api', '--ephemeral', '-f', file];
  await begin([...up, '--kubeconfig-out', kubeconfig], who).printed('Ready.');
  const command = ['proxy', '--kubeconfig', kubeconfig, '--node', 'n1', '--mode', 'nftables'];
  const places = [
    '--healthz',
    'none',
    '--metrics',
    'none',
    '--nodeport-addresses',
    `${backend}/32`,
  ];
  const without = await switchyard([...command, ...places], 'nobody');
  assert.equal(without.status, 2);
  assert.match(without.stderr, /lacks CAP_NET_ADMIN/);
  const proxy = begin([...command, ...places], who);
  await proxy.printed('Ready.');
  const asked = sh(`for i in 1 2 3 4; do curl -sS -m 5 http://${backend}:${nodePort}; done`);
  assert.equal(asked.split('').toSorted().join(''), 'aabb');
  const audit = await switchyard(['audit', '--instance', 'n1'], who);
  assert.deepEqual([audit.stdout, audit.stderr, audit.status], ['', '', 0]);
  sh('nft flush set ip switchyard node-ips');
  assert.equal((await switchyard(['audit', '--instance', 'n1'], who)).status, 1);
  proxy.kill('SIGTERM');
  assert.equal((await proxy.ended).status, 0);
  assert.match(sh('nft list tables'), /table ip switchyard/);
  const refused = await switchyard(['cleanup'], 'nobody');
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /CAP_NET_ADMIN/);
  assert.equal((await switchyard(['cleanup'], who)).status, 0);
  assert.equal(sh(traces), before);
});
