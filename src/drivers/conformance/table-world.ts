/**
 * The places of the decision table as network namespaces, with the addresses that the table gives them. Nothing of
 * the host is touched but the names of the namespaces, which end with the test.
 *
 *     outside 198.51.100.7, 203.0.113.9 ---- 192.0.2.1 node ---- pods 10.1.0.0/17
 *                                                      node ---- there: another node 192.0.2.77, 10.1.128.0/17
 */
import { placeOf } from '../../model/case-addresses.suite.ts';
import type { IpFamily, SocketAddress } from '../../model/index.ts';
import { startAgent, type Agent } from './agent-process.ts';
import type { FlowOrder, FlowsMet } from './flows.ts';
import { namespaceNames, removeNamespaces, runIn, runIp, setIn } from './namespace-tools.ts';
import type { Carried } from './world.ts';
import { backendPort, cableAddress, otherPod, podsOf, type Spot } from './table-cases.ts';

/** The name of who answers outside, where addresses are nobody's. */
export const beyond = 'beyond';

export interface PlaceBeyond {
  readonly protocol: Carried;
  readonly at: SocketAddress;
}

export interface TableWorld {
  /** Of the node, as a file. */
  readonly namespace: string;
  /** Many flows from one place at once. */
  flows(from: Exclude<Spot, 'nowhere'>, orders: readonly FlowOrder[]): Promise<readonly FlowsMet[]>;
  /** Makes somebody outside answer at addresses that are nobody's, so that what passes the node is heard of. */
  answerBeyond(places: readonly PlaceBeyond[]): Promise<void>;
  /** More addresses for the node. */
  own(addresses: readonly string[]): void;
  /** Others at the node: every connection has a mark of theirs, and packets of some marks are lost by routing. */
  bringOthers(): void;
  close(): Promise<void>;
}

const spots = ['node', 'pods', 'there', 'outside'] as const;
type Names = Readonly<Record<(typeof spots)[number], string>>;
const families = ['IPv4', 'IPv6'] as const;

/** The namespaces alone, with nobody in them. */
export function layTableWorld(): Names {
  const names = namespaceNames(...spots);
  try {
    lay(names);
  } catch (error) {
    removeNamespaces(Object.values(names));
    throw error;
  }
  return names;
}

export function ownIn(names: Names, addresses: readonly string[]): void {
  runIp(
    names.node,
    addresses.map((one) => addressLine(one, 'outside')),
  );
}

export async function openTableWorld(): Promise<TableWorld> {
  const names = layTableWorld();
  const agents = new Map<Spot, Agent>();
  const answered = new Set<string>();
  let alone = true;
  const close = async (): Promise<void> => {
    await Promise.all([...agents.values()].map((agent) => agent.stop()));
    removeNamespaces(Object.values(names));
  };
  try {
    await Promise.all(
      spots.map(async (spot) => void agents.set(spot, await startAgent(names[spot]))),
    );
    await Promise.all((['pods', 'there'] as const).map((spot) => startBackends(agents, spot)));
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
  return {
    namespace: `/run/netns/${names.node}`,
    flows: async (from, orders) => (await agents.get(from)?.flows(orders)) ?? [],
    answerBeyond: (places) => answerBeyond(agents.get('outside'), places, answered),
    own: (addresses) => ownIn(names, addresses),
    bringOthers: () => {
      if (!alone) return;
      alone = false;
      bringOthers(names.node);
    },
    close,
  };
}

async function answerBeyond(
  outside: Agent | undefined,
  places: readonly PlaceBeyond[],
  answered: Set<string>,
): Promise<void> {
  for (const { protocol, at } of places) {
    const key = `${protocol} ${at.address} ${at.port}`;
    if (answered.has(key)) continue;
    answered.add(key);
    await outside?.backend(protocol, beyond, at);
  }
}

async function startBackends(
  agents: ReadonlyMap<Spot, Agent>,
  spot: 'pods' | 'there',
): Promise<void> {
  const agent = agents.get(spot);
  if (agent === undefined) return;
  const places = families.flatMap((family) => podsOf(spot, family));
  await Promise.all(
    (['TCP', 'UDP'] as const).flatMap((protocol) =>
      places.map((address) => agent.backend(protocol, address, { address, port: backendPort })),
    ),
  );
}

function bringOthers(name: string): void {
  const rules = ['ip', 'ip6'].map(
    (family) => `add table ${family} foreign
      add chain ${family} foreign in { type filter hook prerouting priority -150; }
      add chain ${family} foreign out { type filter hook output priority -150; }
      add rule ${family} foreign in ct mark set 0x5a
      add rule ${family} foreign out ct mark set 0x5a`,
  );
  runIn(name, 'nft', rules.join('\n'));
  const rule = 'rule add fwmark 0x1/0x1 blackhole priority 50';
  runIp(name, [rule, `-6 ${rule}`]);
}

function addressLine(address: string, device: string): string {
  const six = address.includes(':');
  return `addr replace ${address}/${six ? 128 : 32} dev ${device}${six ? ' nodad' : ''}`;
}

function lay(names: Names): void {
  for (const spot of ['pods', 'there', 'outside'] as const) {
    runIp(names.node, [
      `link add ${spot} type veth peer eth0 netns ${names[spot]}`,
      `link set ${spot} up`,
    ]);
    runIp(names[spot], ['link set eth0 up', 'link set lo up']);
  }
  setIn(names.node, [
    'net/ipv4/ip_forward=1',
    'net/ipv6/conf/all/forwarding=1',
    'net/ipv4/conf/all/rp_filter=0',
    'net/ipv4/conf/all/send_redirects=0',
    'net/ipv4/icmp_ratelimit=0',
    'net/ipv6/icmp/ratelimit=0',
    'net/ipv4/icmp_msgs_per_sec=100000',
  ]);
  // A Pod answers another one of its own namespace through the node, as from a namespace of its own.
  // Told of a shorter way it would take that, past the node, and two Pods of two namespaces have no such way.
  setIn(names.pods, [
    'net/ipv4/conf/all/accept_local=1',
    'net/ipv4/conf/all/rp_filter=0',
    'net/ipv6/conf/eth0/accept_redirects=0',
  ]);
  setIn(names.outside, [
    'net/ipv4/conf/all/accept_local=1',
    'net/ipv4/conf/all/rp_filter=0',
    'net/ipv4/ip_nonlocal_bind=1',
    'net/ipv6/ip_nonlocal_bind=1',
  ]);
  layNode(names.node);
  for (const spot of ['pods', 'there', 'outside'] as const) layPlace(names[spot], spot);
}

function layNode(name: string): void {
  const lines = ['link set lo up'];
  for (const family of families) {
    const at = (place: Parameters<typeof placeOf>[0]): string => placeOf(place, family);
    const all = family === 'IPv4' ? 32 : 128;
    for (const device of ['outside', 'pods', 'there']) {
      lines.push(addressLine(cableAddress[family], device));
    }
    for (const place of ['node-address', 'second-node-address'] as const) {
      lines.push(addressLine(at(place), 'outside'));
    }
    const six = family === 'IPv6' ? '-6 ' : '';
    const ranges =
      family === 'IPv4'
        ? {
            outside: ['198.51.100.0/24', '203.0.113.0/24'],
            pods: '10.1.0.0/17',
            there: '10.1.128.0/17',
          }
        : {
            outside: ['2001:db8:c::/64', '2001:db8:d::/64'],
            pods: 'fd00:1::/48',
            there: 'fd00:1:1::/48',
          };
    for (const range of ranges.outside) lines.push(`${six}route add ${range} dev outside`);
    lines.push(
      `${six}route add ${ranges.pods} dev pods`,
      `${six}route add ${ranges.there} dev there`,
      `${six}route add ${at('other-node')}/${all} dev there`,
      // What nobody sends elsewhere goes outside.
      `${six}route add default via ${at('client')} dev outside onlink`,
    );
  }
  runIp(name, lines);
}

function layPlace(name: string, spot: 'pods' | 'there' | 'outside'): void {
  for (const family of families) {
    const at = (place: Parameters<typeof placeOf>[0]): string => placeOf(place, family);
    const addresses =
      spot === 'outside'
        ? [at('client'), at('high-client'), at('stranger')]
        : [
            ...podsOf(spot, family),
            ...(spot === 'pods'
              ? [otherPod.here[family]]
              : [otherPod.there[family], at('other-node')]),
          ];
    const six = family === 'IPv6' ? '-6 ' : '';
    const way = `default via ${cableAddress[family]} dev eth0 onlink`;
    const lines = [...addresses.map((one) => addressLine(one, 'eth0')), `${six}route add ${way}`];
    if (spot === 'outside') lines.push(...everywhereLines(family, way));
    if (spot === 'pods') {
      const range = family === 'IPv4' ? '10.1.0.0/17' : 'fd00:1::/48';
      lines.push(
        `${six}route add ${way} table 100`,
        `${six}rule add pref 10 iif lo to ${range} lookup 100`,
        `${six}rule add pref 100 lookup local`,
        `${six}rule del pref 0`,
      );
    }
    runIp(name, lines);
  }
}

/** What comes in is for somebody here, whatever its address; what goes out takes the way to the node. */
function everywhereLines(family: IpFamily, way: string): readonly string[] {
  if (family === 'IPv6') {
    return ['-6 route add local ::/0 dev lo table 200', '-6 rule add pref 5 iif eth0 lookup 200'];
  }
  // Who answers from an address needs it in the table of local ones.
  return [
    `route add ${way} table 100`,
    'rule add pref 10 iif lo lookup 100',
    'rule add pref 100 lookup local',
    'rule del pref 0',
    'route add local 0.0.0.0/0 dev lo',
  ];
}
