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
import { namespaceNames, removeNamespaces, runIn, runIp, setIn } from './namespace-tools.ts';
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
  const names = namespaceNames('node', 'pods', 'pod', 'outside');
  const agents: Agent[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(agents.map((agent) => agent.stop()));
    removeNamespaces(Object.values(names));
  };
  try {
    layCables(names);
    const all = [names.node, names.pods, names.pod, names.outside];
    agents.push(...(await Promise.all(all.map((name) => startAgent(name)))));
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
    inNode: (...command) => runIn(name, ...command),
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
  const node: string[] = ['link set lo up'];
  const others = { pods: ['pods0'], pod: ['pod0'], outside: ['out0'] } as const;
  for (const [other, [device]] of Object.entries(others) as [keyof typeof others, [string]][]) {
    node.push(
      `link add ${device} type veth peer eth0 netns ${names[other]}`,
      `link set ${device} up`,
    );
  }
  runIp(names.node, node);
  const lines = { node: [], pods: upLines(), pod: upLines(), outside: upLines() };
  for (const net of Object.values(nets)) layNet(lines, net);
  for (const [place, batch] of Object.entries(lines) as [keyof typeof lines, string[]][]) {
    runIp(names[place], batch);
  }
  setIn(names.node, [
    'net/ipv4/ip_forward=1',
    'net/ipv6/conf/all/forwarding=1',
    'net/ipv4/conf/all/rp_filter=0',
    'net/ipv4/icmp_ratelimit=0',
    'net/ipv6/icmp/ratelimit=0',
    'net/ipv4/icmp_msgs_per_sec=100000',
  ]);
}

function upLines(): string[] {
  return ['link set eth0 up', 'link set lo up'];
}

/** Addresses and routes of one family. */
function layNet(
  lines: Readonly<Record<'node' | 'pods' | 'pod' | 'outside', string[]>>,
  { outside, pod, own, length }: (typeof nets)[IpFamily],
): void {
  const isSix = pod.includes(':');
  const add = (address: string, device: string): string =>
    `addr add ${address}/${length} dev ${device}${isSix ? ' nodad' : ''}`;
  lines.node.push(add(`${pod}1`, 'pods0'), add(`${outside}1`, 'out0'), add(`${own}1`, 'pod0'));
  lines.outside.push(add(`${outside}2`, 'eth0'));
  for (let i = 0; i < sourceCount; i++) lines.outside.push(add(`${outside}${10 + i}`, 'eth0'));
  for (let i = 0; i < podCount; i++) lines.pods.push(add(`${pod}${2 + i}`, 'eth0'));
  lines.pod.push(add(`${own}2`, 'eth0'));
  for (const [place, via] of [
    ['pods', `${pod}1`],
    ['pod', `${own}1`],
    ['outside', `${outside}1`],
    // Services need a route to be asked for at all; nobody is at its end.
    ['node', `${outside}fe`.replace(/\.fe$/, '.254')],
  ] as const) {
    lines[place].push(`${isSix ? '-6 ' : ''}route add default via ${via}`);
  }
}
