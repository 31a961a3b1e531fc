/** What each check of the kernel says of a host that lacks it, and that nobody is bothered who could do nothing about it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChainInfo } from '../codec/nftables/index.ts';
import { runChecks, type CheckedView } from './check.ts';
import { kernelChecks, type KernelView } from './kernel-checks.ts';

const well: Readonly<Record<string, string>> = {
  '/proc/self/status': 'CapEff:\t0000000000201000\n',
  '/proc/sys/net/ipv4/ip_forward': '1\n',
  '/proc/sys/net/ipv6/conf/all/forwarding': '1\n',
  '/proc/sys/net/netfilter/nf_conntrack_acct': '1\n',
  '/proc/sys/net/netfilter/nf_conntrack_count': '7\n',
  '/proc/sys/net/netfilter/nf_conntrack_max': '1000\n',
  '/proc/net/dev': 'Inter-|\n  eth0: 1 2\n',
};

interface Host {
  readonly files?: Readonly<Record<string, string>>;
  readonly chains?: readonly ChainInfo[];
  readonly release?: string;
}

async function checked({
  files = {},
  chains = [],
  release = '6.1.0-9',
}: Host): Promise<readonly CheckedView[]> {
  const all: Readonly<Record<string, string>> = { ...well, ...files };
  const view: KernelView = {
    read: async (path) => all[path],
    chains: async () => chains,
    release,
  };
  return await runChecks(kernelChecks(view), 'linux');
}

function chain(path: string, drops = false): ChainInfo {
  const [family = '', table = '', name = ''] = path.split(' ');
  const base = drops ? { hook: 'forward', priority: 0, type: 'filter' } : undefined;
  return { family, table, name, base, drops };
}

test('a host that has everything is fine; chains of our own do not count', async () => {
  const found = await checked({
    chains: [chain('ip switchyard KUBE-X'), chain('ip switchyard drop', true)],
  });
  assert.deepEqual(
    found.map(({ id, state }) => `${id} ${state}`),
    [
      'net-admin',
      'kernel',
      'pod-networks',
      'forwarding',
      'conntrack-room',
      'conntrack-bytes',
      'foreign-drops',
      'kube-proxy',
    ].map((id) => `${id} fine`),
  );
});

test('who may not change rules hears of that alone', async () => {
  const files = { '/proc/self/status': 'CapEff:\t00000000a80405fb\n' };
  const found = await checked({ files: { ...files, '/proc/sys/net/ipv4/ip_forward': '0\n' } });
  assert.deepEqual(
    found.map(({ id, state, found: what }) => [id, state, what]),
    [['net-admin', 'worse', 'no CAP_NET_ADMIN']],
  );
});

/** By title: the host, the check, and what it finds and advises. */
const cases: Readonly<
  Record<
    string,
    readonly [host: Host, id: string, state: 'worse' | 'broken', found: string, remedy: string]
  >
> = {
  'a kernel that is too old': [
    { release: '5.10.0-28-amd64' },
    'kernel',
    'worse',
    '5.10.0-28-amd64',
    'boot Linux 5.13 or newer',
  ],
  'no networks of Pods': [
    { files: { '/proc/self/status': 'CapEff:\t0000000000001000\n' } },
    'pod-networks',
    'worse',
    'no CAP_SYS_ADMIN',
    'sudo, or AmbientCapabilities=CAP_NET_ADMIN CAP_SYS_ADMIN where systemd starts it',
  ],
  'no forwarding': [
    { files: { '/proc/sys/net/ipv6/conf/all/forwarding': '0\n' } },
    'forwarding',
    'worse',
    'off: net.ipv6.conf.all.forwarding',
    'sudo sysctl -w net.ipv6.conf.all.forwarding=1',
  ],
  'connection tracking nearly full': [
    { files: { '/proc/sys/net/netfilter/nf_conntrack_count': '900\n' } },
    'conntrack-room',
    'worse',
    '900 of 1000 tracked',
    'sudo sysctl -w net.netfilter.nf_conntrack_max=2000',
  ],
  'connection tracking full': [
    { files: { '/proc/sys/net/netfilter/nf_conntrack_count': '1000\n' } },
    'conntrack-room',
    'broken',
    '1000 of 1000 tracked',
    'sudo sysctl -w net.netfilter.nf_conntrack_max=2000',
  ],
  'no accounting': [
    { files: { '/proc/sys/net/netfilter/nf_conntrack_acct': '0\n' } },
    'conntrack-bytes',
    'worse',
    'not counted',
    'sudo sysctl -w net.netfilter.nf_conntrack_acct=1',
  ],
  'a firewall of nft that drops': [
    { chains: [chain('inet firewall forward', true)] },
    'foreign-drops',
    'worse',
    'inet firewall forward',
    'sudo nft insert rule inet firewall forward ct status dnat accept',
  ],
  "Docker's FORWARD, in both families": [
    { chains: [chain('ip filter FORWARD', true), chain('ip6 filter FORWARD', true)] },
    'foreign-drops',
    'worse',
    'ip filter FORWARD, ip6 filter FORWARD',
    'sudo iptables -I FORWARD -m conntrack --ctstate DNAT -j ACCEPT; sudo ip6tables -I FORWARD -m conntrack --ctstate DNAT -j ACCEPT',
  ],
  'the tables of kube-proxy in nftables mode': [
    { chains: [chain('ip kube-proxy services'), chain('ip6 kube-proxy services')] },
    'kube-proxy',
    'worse',
    'table ip kube-proxy, table ip6 kube-proxy',
    'sudo nft delete table ip kube-proxy; sudo nft delete table ip6 kube-proxy',
  ],
  'the chains of kube-proxy in iptables mode': [
    { chains: [chain('ip nat KUBE-SERVICES'), chain('ip filter KUBE-FORWARD')] },
    'kube-proxy',
    'worse',
    'KUBE- chains of iptables',
    "sudo sh -c 'iptables-save | grep -v KUBE- | iptables-restore'",
  ],
  'the interface of kube-proxy in ipvs mode': [
    { files: { '/proc/net/dev': 'Inter-|\nkube-ipvs0: 0 0\n' } },
    'kube-proxy',
    'worse',
    'interface kube-ipvs0',
    'sudo ip link delete kube-ipvs0 && sudo ipvsadm --clear',
  ],
  'legacy iptables': [
    { files: { '/proc/net/ip_tables_names': 'nat\nfilter\n' } },
    'legacy-iptables',
    'worse',
    'tables nat, filter are in use',
    'sudo iptables-legacy-save | grep -e KUBE- -e DROP -e REJECT',
  ],
};

for (const [title, [host, id, state, found, remedy]] of Object.entries(cases)) {
  test(title, async () => {
    const all = await checked(host);
    const one = all.find((each) => each.id === id);
    assert.deepEqual([one?.state, one?.found, one?.remedy], [state, found, remedy]);
    assert.ok(one?.costs !== undefined);
    assert.deepEqual(
      all.filter((each) => each.state !== 'fine').map((each) => each.id),
      [id],
    );
  });
}
