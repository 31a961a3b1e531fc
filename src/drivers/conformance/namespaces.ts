/**
 * Network namespaces as a World: a node, its Pods, and somebody outside, joined by cables of their own. Nothing of
 * the host is touched but the names of the namespaces, which end with the test.
 *
 *     outside 192.0.2.2 ---- 192.0.2.1 node 10.244.1.1 ---- 10.244.1.2... pods
 *                                      node 10.244.2.1 ---- 10.244.2.2 pod, a client
 */
import { execFileSync } from 'node:child_process';
import process from 'node:process';
import type { IpFamily } from '../../model/index.ts';
import { startAgent, type Agent } from './agent-process.ts';
import type { Backend } from './peers.ts';
import type { Client, World } from './world.ts';

export interface NamespaceWorld extends World {
  readonly clients: Readonly<Record<'outside' | 'node' | 'pod', Client>>;
  /** Of the node, as a file. */
  readonly namespace: string;
  /** Runs a program in the node. */
  inNode(...command: readonly string[]): string;
  close(): Promise<void>;
}

/** Why there can be none here; undefined when there can. */
export function namespacesMissing(...programs: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  for (const program of ['ip', ...programs]) {
    try {
      execFileSync('which', [program], { stdio: 'pipe' });
    } catch {
      return `${program} is not installed`;
    }
  }
  return undefined;
}

const podCount = 60;
const sourceCount = 16;
let worlds = 0;

const nets = {
  IPv4: { outside: '192.0.2.', pod: '10.244.1.', own: '10.244.2.', service: '10.96.', length: 24 },
  IPv6: {
    outside: 'fd00:2::',
    pod: 'fd00:244::',
    own: 'fd00:244:0:2::',
    service: 'fd96::',
    length: 64,
  },
} as const;

/** A World whose cases are about one family. */
export async function openNamespaces(family: IpFamily): Promise<NamespaceWorld> {
  const prefix = `sy${process.pid}x${worlds++}`;
  const names = {
    node: `${prefix}n`,
    pods: `${prefix}p`,
    pod: `${prefix}c`,
    outside: `${prefix}o`,
  };
  const agents: Agent[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(agents.map((agent) => agent.stop()));
    for (const name of Object.values(names)) run('ip', 'netns', 'del', name);
  };
  try {
    layCables(names);
    for (const name of [names.node, names.pods, names.pod, names.outside]) {
      agents.push(await startAgent(name));
    }
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
  const [node, pods, pod, outside] = agents as [Agent, Agent, Agent, Agent];
  return { ...worldOf(family, { node, pods, pod, outside }), ...nodeOf(names.node), close };
}

function nodeOf(name: string): Pick<NamespaceWorld, 'namespace' | 'inNode'> {
  return {
    namespace: `/run/netns/${name}`,
    inNode: (...command) => run('ip', 'netns', 'exec', name, ...command),
  };
}

function worldOf(
  family: IpFamily,
  { node, pods, pod, outside }: Readonly<Record<'node' | 'pods' | 'pod' | 'outside', Agent>>,
): Omit<NamespaceWorld, 'namespace' | 'inNode' | 'close'> {
  const at = (net: 'outside' | 'pod' | 'own', host: number): Record<IpFamily, string> => ({
    IPv4: `${nets.IPv4[net]}${host}`,
    IPv6: `${nets.IPv6[net]}${host}`,
  });
  const clients = {
    outside: outside.client('outside', at('outside', 2)),
    node: node.client('node', at('outside', 1)),
    pod: pod.client('pod', at('own', 2)),
  };
  let [lastService, lastPod, lastPort] = [0, 0, 20_000];
  const serviceAddress = (): string => {
    lastService++;
    return family === 'IPv6'
      ? `${nets.IPv6.service}${lastService.toString(16)}`
      : `${nets.IPv4.service}${lastService >> 8}.${lastService & 255}`;
  };
  return {
    clients,
    client: clients.outside,
    node: {
      addresses: [
        ...Object.values(at('outside', 1)),
        ...Object.values(at('pod', 1)),
        ...Object.values(at('own', 1)),
      ],
      nodePortAddresses: [at('outside', 1)[family]],
    },
    sources: Array.from({ length: sourceCount }, (_, i) => at('outside', 10 + i)[family]),
    nobody: 'silent',
    freePlace: (_, address = serviceAddress()) => Promise.resolve({ address, port: ++lastPort }),
    addressOf: () => Promise.resolve(undefined),
    backend: (protocol, name, address): Promise<Backend> => {
      lastPod = (lastPod + 1) % podCount;
      const own = address ?? at('pod', 2 + lastPod)[family];
      const agent = own === at('own', 2)[family] ? pod : pods;
      return agent.backend(protocol, name, { address: own, port: 0 });
    },
  };
}

function layCables(names: Readonly<Record<'node' | 'pods' | 'pod' | 'outside', string>>): void {
  for (const name of Object.values(names)) run('ip', 'netns', 'add', name);
  for (const [other, device] of [
    [names.pods, 'pods0'],
    [names.pod, 'pod0'],
    [names.outside, 'out0'],
  ] as const) {
    run(
      'ip',
      '-n',
      names.node,
      'link',
      'add',
      device,
      'type',
      'veth',
      'peer',
      'eth0',
      'netns',
      other,
    );
    run('ip', '-n', names.node, 'link', 'set', device, 'up');
    run('ip', '-n', other, 'link', 'set', 'eth0', 'up');
    run('ip', '-n', other, 'link', 'set', 'lo', 'up');
  }
  run('ip', '-n', names.node, 'link', 'set', 'lo', 'up');
  for (const { outside, pod, own, length } of Object.values(nets)) {
    const add = (name: string, device: string, address: string): string[] => [
      '-n',
      name,
      'addr',
      'add',
      `${address}/${length}`,
      'dev',
      device,
      ...(address.includes(':') ? ['nodad'] : []),
    ];
    run('ip', ...add(names.node, 'pods0', `${pod}1`));
    run('ip', ...add(names.node, 'out0', `${outside}1`));
    run('ip', ...add(names.outside, 'eth0', `${outside}2`));
    for (let i = 0; i < sourceCount; i++) {
      run('ip', ...add(names.outside, 'eth0', `${outside}${10 + i}`));
    }
    for (let i = 0; i < podCount; i++) run('ip', ...add(names.pods, 'eth0', `${pod}${2 + i}`));
    run('ip', ...add(names.node, 'pod0', `${own}1`));
    run('ip', ...add(names.pod, 'eth0', `${own}2`));
    const six = pod.includes(':') ? ['-6'] : [];
    for (const [name, via] of [
      [names.pods, `${pod}1`],
      [names.pod, `${own}1`],
      [names.outside, `${outside}1`],
      // Services need a route to be asked for at all; nobody is at its end.
      [names.node, `${outside}fe`.replace(/\.fe$/, '.254')],
    ] as const) {
      run('ip', ...six, '-n', name, 'route', 'add', 'default', 'via', via);
    }
  }
  for (const setting of [
    'net.ipv4.ip_forward=1',
    'net.ipv6.conf.all.forwarding=1',
    'net.ipv4.conf.all.rp_filter=0',
    'net.ipv4.icmp_ratelimit=0',
    'net.ipv6.icmp.ratelimit=0',
    'net.ipv4.icmp_msgs_per_sec=100000',
  ]) {
    run('ip', 'netns', 'exec', names.node, 'sh', '-c', `sysctl -qw ${setting} || true`);
  }
}

function run(...command: readonly string[]): string {
  const [file = '', ...args] = command;
  return execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
