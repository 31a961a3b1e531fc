/**
 * What forwarding in the kernel wants of a host, and whose rules are in its way. Asked only of those who may change the
 * kernel's rules: to all others it is no loss.
 */
import { netlinkProtocols } from '../codec/netlink/index.ts';
import { chainsQuery, readChain, type ChainInfo } from '../codec/nftables/index.ts';
import { hostFacts, readText } from '../sys/index.ts';
import { loadNetlink } from '../sys/netlink/index.ts';
import { fine, type Check, type Finding } from './check.ts';

/** What the checks look at. */
export interface KernelView {
  /** Undefined when there is no such file, or this user may not read it. */
  readonly read: (path: string) => Promise<string | undefined>;
  /** Every chain of nf_tables. */
  readonly chains: () => Promise<readonly ChainInfo[]>;
  /** `6.1.0-9-amd64`. */
  readonly release: string;
}

/** Maps of concatenated values with a destination of their own are whole from here on. */
const oldestKernel = [5, 13] as const;
const capabilities = { netAdmin: 12n, sysAdmin: 21n } as const;
/** From here on it is a matter of seconds until connections are refused. */
const nearlyFull = 0.9;

export function kernelChecks(view: KernelView = systemView): readonly Check[] {
  const wide: readonly [id: string, title: string, look: Look][] = [
    ['kernel', 'Kernel', checkRelease],
    ['pod-networks', 'Networks of Pods', checkPodNetworks],
    ['forwarding', 'Forwarding of packets', checkForwarding],
    ['conntrack-room', 'Room for connections', checkRoom],
    ['conntrack-bytes', 'Bytes of connections', checkAccounting],
    ['foreign-drops', 'Chains that drop', checkDrops],
    ['kube-proxy', 'Rules of kube-proxy', checkKubeProxy],
    ['legacy-iptables', 'Rules of legacy iptables', checkLegacy],
  ];
  return [
    { id: 'net-admin', title: 'Rules of the kernel', platforms, look: () => checkPrivilege(view) },
    ...wide.map(([id, title, look]) => ({
      id,
      title,
      platforms,
      look: async () => ((await mayChangeRules(view)) ? await look(view) : undefined),
    })),
  ];
}

type Look = (view: KernelView) => Promise<Finding | undefined>;

const platforms = ['linux'];

const systemView: KernelView = {
  read: async (path) => await readText(path).catch(() => undefined),
  chains: async () => {
    const socket = (await loadNetlink())({ protocol: netlinkProtocols.netfilter, groups: 0 });
    try {
      return socket.request('list the chains of the kernel', chainsQuery()).map(readChain);
    } finally {
      socket.close();
    }
  },
  release: hostFacts().release,
};

const mayChangeRules = (view: KernelView): Promise<boolean> => holds(view, 'netAdmin');

async function holds(
  { read }: KernelView,
  capability: keyof typeof capabilities,
): Promise<boolean> {
  const held = /^CapEff:\s*([0-9a-f]+)/m.exec((await read('/proc/self/status')) ?? '')?.[1] ?? '0';
  return ((BigInt(`0x${held}`) >> capabilities[capability]) & 1n) === 1n;
}

async function checkPrivilege(view: KernelView): Promise<Finding> {
  if (await mayChangeRules(view)) return fine('may be read and written');
  return {
    state: 'worse',
    found: 'no CAP_NET_ADMIN',
    costs: 'Services are forwarded by sockets, not in the kernel; nothing else',
    remedy: 'sudo, or AmbientCapabilities=CAP_NET_ADMIN where systemd starts it',
  };
}

async function checkRelease({ release }: KernelView): Promise<Finding> {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  const [oldestMajor, oldestMinor] = oldestKernel;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return fine(release);
  return {
    state: 'worse',
    found: release,
    costs: 'the nftables driver does not start',
    remedy: `boot Linux ${oldestKernel.join('.')} or newer`,
  };
}

async function checkPodNetworks(view: KernelView): Promise<Finding> {
  if (await holds(view, 'sysAdmin')) return fine('may be made');
  return {
    state: 'worse',
    found: 'no CAP_SYS_ADMIN',
    costs:
      'Pods of up --mode nftables are at addresses of this host, not each in a network of its own',
    remedy: 'sudo, or AmbientCapabilities=CAP_NET_ADMIN CAP_SYS_ADMIN where systemd starts it',
  };
}

async function checkForwarding({ read }: KernelView): Promise<Finding> {
  const settings = {
    'net.ipv4.ip_forward': 'IPv4',
    'net.ipv6.conf.all.forwarding': 'IPv6',
  } as const;
  const off: string[] = [];
  for (const setting of Object.keys(settings)) {
    const value = await read(`/proc/sys/${setting.replaceAll('.', '/')}`);
    if (value?.trim() === '0') off.push(setting);
  }
  if (off.length === 0) return fine('on');
  return {
    state: 'worse',
    found: `off: ${off.join(', ')}`,
    costs: 'in the kernel, packets of other machines and of Pods do not reach endpoints elsewhere',
    remedy: `sudo sysctl -w ${off.map((setting) => `${setting}=1`).join(' ')}`,
  };
}

async function checkRoom({ read }: KernelView): Promise<Finding | undefined> {
  const folder = '/proc/sys/net/netfilter';
  const [count, most] = (
    await Promise.all([read(`${folder}/nf_conntrack_count`), read(`${folder}/nf_conntrack_max`)])
  ).map((text) => (text === undefined ? undefined : Number(text)));
  if (count === undefined || most === undefined || most === 0) return undefined;
  const found = `${count} of ${most} tracked`;
  if (count < most * nearlyFull) return fine(found);
  return {
    state: count >= most ? 'broken' : 'worse',
    found,
    costs: 'when all are taken, packets of new connections are dropped',
    remedy: `sudo sysctl -w net.netfilter.nf_conntrack_max=${most * 2}`,
  };
}

async function checkAccounting({ read }: KernelView): Promise<Finding | undefined> {
  const setting = await read('/proc/sys/net/netfilter/nf_conntrack_acct');
  if (setting === undefined) return undefined;
  if (setting.trim() === '1') return fine('counted');
  return {
    state: 'worse',
    found: 'not counted',
    costs: 'kernel drivers do not know the bytes of an endpoint',
    remedy: 'sudo sysctl -w net.netfilter.nf_conntrack_acct=1',
  };
}

async function checkDrops({ chains }: KernelView): Promise<Finding> {
  const foreign = (await chains()).filter(
    ({ table, drops, base }) => drops && base?.type === 'filter' && !isOurs(table),
  );
  if (foreign.length === 0) return fine('none of others');
  return {
    state: 'worse',
    found: foreign.map(({ family, table, name }) => `${family} ${table} ${name}`).join(', '),
    costs: 'what a Service forwards is dropped there, unless their rules accept it: ours cannot',
    remedy: foreign.map((chain) => `sudo ${acceptIn(chain)}`).join('; '),
  };
}

/** What comes from a Service had its destination rewritten. Tables that iptables keeps are changed through it. */
function acceptIn({ family, table, name }: ChainInfo): string {
  const isOfIptables = table === 'filter' && /^[A-Z]+$/.test(name) && family !== 'inet';
  if (!isOfIptables) return `nft insert rule ${family} ${table} ${name} ct status dnat accept`;
  const program = family === 'ip6' ? 'ip6tables' : 'iptables';
  return `${program} -I ${name} -m conntrack --ctstate DNAT -j ACCEPT`;
}

async function checkKubeProxy({ chains, read }: KernelView): Promise<Finding> {
  const found: string[] = [];
  const remedies: string[] = [];
  const all = await chains();
  for (const family of new Set(all.filter(isKubeProxyTable).map((one) => one.family))) {
    found.push(`table ${family} kube-proxy`);
    remedies.push(`sudo nft delete table ${family} kube-proxy`);
  }
  for (const family of new Set(all.filter(isKubeChain).map((one) => one.family))) {
    const program = family === 'ip6' ? 'ip6tables' : 'iptables';
    found.push(`KUBE- chains of ${program}`);
    remedies.push(`sudo sh -c '${program}-save | grep -v KUBE- | ${program}-restore'`);
  }
  if (/^\s*kube-ipvs0:/m.test((await read('/proc/net/dev')) ?? '')) {
    found.push('interface kube-ipvs0');
    remedies.push('sudo ip link delete kube-ipvs0 && sudo ipvsadm --clear');
  }
  if (found.length === 0) return fine('none');
  return {
    state: 'worse',
    found: found.join(', '),
    costs: 'Services are answered by them as well, with what kube-proxy knew last',
    remedy: remedies.join('; '),
  };
}

const isKubeProxyTable = ({ table }: ChainInfo): boolean => table === 'kube-proxy';
const isKubeChain = ({ name, table }: ChainInfo): boolean =>
  name.startsWith('KUBE-') && !isOurs(table) && table !== 'kube-proxy';
const isOurs = (table: string): boolean => table.startsWith('switchyard');

async function checkLegacy({ read }: KernelView): Promise<Finding | undefined> {
  const names = await Promise.all(
    ['/proc/net/ip_tables_names', '/proc/net/ip6_tables_names'].map((path) => read(path)),
  );
  const [four, six] = names.map((text) => (text ?? '').split('\n').filter((name) => name !== ''));
  if ((four?.length ?? 0) + (six?.length ?? 0) === 0) return undefined;
  const programs = [
    ...(four?.length === 0 ? [] : ['iptables-legacy-save']),
    ...(six?.length === 0 ? [] : ['ip6tables-legacy-save']),
  ];
  return {
    state: 'worse',
    found: `tables ${[...new Set([...(four ?? []), ...(six ?? [])])].join(', ')} are in use`,
    costs: 'their rules run beside those of nf_tables and cannot be seen from there',
    remedy: programs.map((name) => `sudo ${name} | grep -e KUBE- -e DROP -e REJECT`).join('; '),
  };
}
