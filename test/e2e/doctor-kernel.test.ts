/** `switchyard doctor` in networks of the test's own whose rules are in the way; its remedies are done, and it is silent. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { test, type TestContext } from 'node:test';
import { join } from 'node:path';
import { openCell, whyNoCell } from '../support/cell.ts';
import { emptyHome, run, temporaryFolder } from '../support/program.ts';
import { root } from '../support/tree.ts';

interface Finding {
  readonly id: string;
  readonly state: string;
  readonly found: string;
  readonly remedy?: string;
}

function whyNot(): string | false {
  const without = whyNoCell();
  if (without !== undefined) return without;
  return spawnSync('nft', ['--version']).status === 0 ? false : 'nft is not on this host';
}

type Doctor = () => Promise<(id: string) => Finding | undefined>;

async function openHost(
  t: TestContext,
): Promise<{ readonly doctor: Doctor; readonly sh: (line: string) => void }> {
  const cell = await openCell(t);
  const home = { cwd: root, env: emptyHome(temporaryFolder(t)) };
  return {
    sh: (line) => {
      const [file = '', ...args] = cell.enter(['sh', '-ec', line.replaceAll('sudo ', '')]);
      execFileSync(file, args);
    },
    doctor: async () => {
      const command = cell.enter([join(root, 'switchyard'), 'doctor', '-o', 'json']);
      const { stdout, stderr } = await run(t, command, home);
      assert.equal(stderr, '');
      const { checks } = JSON.parse(stdout) as { readonly checks: readonly Finding[] };
      return (id) => checks.find((one) => one.id === id);
    },
  };
}

const drops = 'type filter hook forward priority 0; policy drop;';
const hosts: Readonly<Record<string, readonly [id: string, made: string, found: RegExp]>> = {
  'a table of kube-proxy': [
    'kube-proxy',
    'nft add table ip kube-proxy; nft add chain ip kube-proxy services',
    /^table ip kube-proxy$/,
  ],
  'a sysctl that stops forwarding': [
    'forwarding',
    'sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0',
    /^off: net\.ipv4/,
  ],
};

for (const [what, [id, made, expected]] of Object.entries(hosts)) {
  test(`${what} is named, and gone when the remedy is done`, { skip: whyNot() }, async (t) => {
    const { doctor, sh } = await openHost(t);
    sh(made);
    const finding = (await doctor())(id);
    assert.equal(finding?.state, 'worse');
    assert.match(finding.found, expected);
    sh(finding.remedy ?? '');
    assert.equal((await doctor())(id)?.state, 'fine');
  });
}

test(
  'whether the kernel can do what the nftables driver wants is tried, and what is in its way is named',
  { skip: whyNot() },
  async (t) => {
    const { doctor, sh } = await openHost(t);
    assert.equal((await doctor())('mode-nftables')?.state, 'fine');
    sh('! nft list tables | grep .');
    sh('nft add table ip switchyard');
    const finding = (await doctor())('mode-nftables');
    assert.equal(finding?.state, 'worse');
    sh((finding.remedy ?? '').replace(/.*: /, ''));
    assert.equal((await doctor())('mode-nftables')?.state, 'fine');
  },
);

test(
  'a chain that drops is named with its table, and its remedy is taken by nft',
  { skip: whyNot() },
  async (t) => {
    const { doctor, sh } = await openHost(t);
    sh(`nft add table inet fw; nft 'add chain inet fw forward { ${drops} }'`);
    const finding = (await doctor())('foreign-drops');
    assert.deepEqual([finding?.state, finding?.found], ['worse', 'inet fw forward']);
    sh(finding?.remedy ?? 'false');
    sh("nft list chain inet fw forward | grep -q 'ct status dnat accept'");
    // Chains of ours drop what the specification drops.
    sh(
      `nft delete table inet fw; nft add table ip switchyard; nft 'add chain ip switchyard f { ${drops} }'`,
    );
    assert.equal((await doctor())('foreign-drops')?.state, 'fine');
  },
);
