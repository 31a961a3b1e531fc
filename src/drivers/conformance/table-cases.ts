/**
 * The sentences of the decision table (`model/testdata/decide`) as cases for drivers: objects, node, flow and the
 * decision that is expected. Each gets addresses of its own, so that one Plan holds them all and their flows can run
 * at once; clients and Pods are shared.
 */
import { readdirSync, readFileSync } from 'node:fs';
import {
  familyOf,
  nextPlan,
  emptyPlan,
  servicePortId,
  type Endpoint,
  type Flow,
  type Frontend,
  type IpFamily,
  type NodeView,
  type Plan,
  type VirtualServer,
} from '../../model/index.ts';
import { placeAt, placeOf, rangeOf, type PlaceName } from '../../model/case-addresses.suite.ts';
import { parseCases, type DecideCase } from '../../model/decide-cases.suite.ts';

/** Where an address is: at the node, at its Pods, at another node and its Pods, outside of both, or nowhere. */
export type Spot = 'node' | 'pods' | 'there' | 'outside' | 'nowhere';

export interface TableCase {
  /** The file it stands in. */
  readonly chapter: string;
  /** The sentence. */
  readonly title: string;
  readonly family: IpFamily;
  readonly server: VirtualServer;
  readonly flow: Flow;
  /** Where the client is. */
  readonly from: Spot;
  /** Where the address is that it asks for, when nobody sends it elsewhere. */
  readonly to: Spot;
  /** In the words of the table, with the names of the endpoints. */
  readonly verdict: string;
  /** The name of an endpoint, by its address here. */
  readonly names: ReadonlyMap<string, string>;
  /** An address the node needs besides its own. */
  readonly ownAddress: string | undefined;
  /** Why packets cannot show it. */
  readonly cannot: string | undefined;
}

/** The cases of one kind of node, and the Plan that holds them all. */
export interface CaseGroup {
  /** What is said of the node: `knows its Pods`, ... */
  readonly title: string;
  readonly plan: Plan;
  readonly cases: readonly TableCase[];
}

/** Endpoints of all cases listen here; a case knows its own by their addresses. */
export const backendPort = 8080;
/** More than any sentence has. */
const endpointNames = 'abcdefgh';

export const otherPod = {
  here: { IPv4: '10.1.9.9', IPv6: 'fd00:1::9:9' },
  there: { IPv4: '10.1.137.9', IPv6: 'fd00:1:1::9:9' },
} as const;

/** The node's third address: of its own ends of the cables, so that it is whom a masked connection comes from. */
export const cableAddress = { IPv4: '192.0.2.3', IPv6: '2001:db8:a::3' } as const;

/** The n-th Pod of this node or of the other one; the first is 1. */
function podAt(spot: 'pods' | 'there', n: number, family: IpFamily): string {
  if (family === 'IPv4') return `10.1.${spot === 'pods' ? 0 : 128}.${n}`;
  return `fd00:1:${spot === 'pods' ? '' : '1:'}:${n.toString(16)}`;
}

/** All Pods that endpoints of cases can be. */
export function podsOf(spot: 'pods' | 'there', family: IpFamily): readonly string[] {
  return Array.from(endpointNames, (_, i) => podAt(spot, i + 1, family));
}

const families = ['IPv4', 'IPv6'] as const satisfies readonly IpFamily[];

/** Every sentence of the table, by what it says of the node. */
export function tableGroups(): readonly CaseGroup[] {
  const groups = new Map<string, { node: NodeView; cases: TableCase[] }>();
  for (const [index, { chapter, one }] of sentences().entries()) {
    const { masqueradeAll, detectsLocalPods } = one.plan.node;
    const title = [
      detectsLocalPods ? 'a node that knows its Pods' : 'a node that does not know its Pods',
      ...(masqueradeAll ? ['and masks all'] : []),
    ].join(' ');
    const group = groups.get(title) ?? { node: nodeOf(one.plan.node), cases: [] };
    groups.set(title, group);
    group.cases.push({ chapter, ...relocate(one, index) });
  }
  return [...groups].map(([title, { node, cases }]) => ({
    title,
    plan: planOf(node, cases),
    cases,
  }));
}

function sentences(): readonly { readonly chapter: string; readonly one: DecideCase }[] {
  const folder = new URL('../../model/testdata/decide/', import.meta.url);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.txt'))
    .toSorted((a, b) => (a < b ? -1 : 1))
    .flatMap((chapter) => {
      const text = readFileSync(new URL(chapter, folder), 'utf8');
      return parseCases(text, chapter).map((one) => ({ chapter, one }));
    });
}

function planOf(node: NodeView, cases: readonly TableCase[]): Plan {
  const plan = emptyPlan(node);
  return nextPlan(plan, { set: cases.map(({ server }) => server), remove: [] })?.plan ?? plan;
}

/** One node for both families. A case whose node has no Service range has its Service outside of it. */
function nodeOf({ masqueradeAll, detectsLocalPods }: NodeView): NodeView {
  const at = (place: PlaceName): readonly string[] => families.map((f) => placeOf(place, f));
  return {
    name: 'here',
    zone: 'east',
    addresses: [
      ...at('node-address'),
      ...at('second-node-address'),
      ...Object.values(cableAddress),
    ],
    nodePortAddresses: at('node-address'),
    serviceRanges: families.map((family) => rangeOf('services', family)),
    masqueradeAll,
    detectsLocalPods,
  };
}

function relocate(one: DecideCase, index: number): Omit<TableCase, 'chapter'> {
  const { flow } = one;
  const family = familyOf(flow.destination);
  const [[, server] = []] = [...one.plan.servers];
  if (server === undefined) throw new Error(`Cannot run a case without a Service: ${one.text}`);
  const inRange = one.plan.node.serviceRanges.length > 0;
  const pods = new Map<string, string>();
  for (const [n, { address, local }] of server.endpoints.entries()) {
    const here = local || (flow.entry === 'pod' && flow.source === address);
    pods.set(address, podAt(here ? 'pods' : 'there', n + 1, family));
  }
  const moved = (address: string): string =>
    pods.get(address) ?? placeFor({ address, family, index, inRange });
  const names = new Map([...one.names].map(([address, name]) => [moved(address), name]));
  const source = sourceOf(flow, family, moved);
  const nodePortShift = index;
  const atNode = placeAt(flow.destination, family)?.endsWith('node-address') === true;
  return {
    title: one.text,
    family,
    names,
    verdict: one.verdict,
    server: moveServer(server, { index, moved, nodePortShift }),
    flow: {
      ...flow,
      source: source.address,
      destination: moved(flow.destination),
      destinationPort: flow.destinationPort + (atNode ? nodePortShift : 0),
    },
    from: source.spot,
    to: spotOf(flow.destination, family),
    ownAddress: source.owned ? source.address : undefined,
    cannot: source.cannot,
  };
}

interface Move {
  readonly index: number;
  readonly moved: (address: string) => string;
  readonly nodePortShift: number;
}

function moveServer(server: VirtualServer, { index, moved, nodePortShift }: Move): VirtualServer {
  const ref = { ...server.ref, name: `case-${index}` };
  const moveEndpoint = (e: Endpoint): Endpoint => ({
    ...e,
    address: moved(e.address),
    port: backendPort,
  });
  const moveFrontend = (f: Frontend): Frontend =>
    f.address === undefined
      ? { ...f, port: f.port + nodePortShift }
      : { ...f, address: moved(f.address) };
  return {
    ...server,
    ref,
    id: servicePortId(ref),
    frontends: server.frontends.map(moveFrontend),
    endpoints: server.endpoints.map(moveEndpoint),
    pools: {
      cluster: server.pools.cluster.map(moveEndpoint),
      local: server.pools.local.map(moveEndpoint),
      hasAny: server.pools.hasAny,
    },
  };
}

/** Frontends and what is near them get an address for each case; everything else stays as the table has it. */
function placeFor(where: {
  readonly address: string;
  readonly family: IpFamily;
  readonly index: number;
  readonly inRange: boolean;
}): string {
  const { address, family, index, inRange } = where;
  const place = placeAt(address, family);
  const net = place === undefined ? undefined : nets[family][place];
  if (net === undefined) return address;
  const [inside, outside = inside] = net;
  const n = index + (place === 'unallocated' ? 0x80_00 : 256);
  const host = family === 'IPv4' ? `${n >> 8}.${n & 255}` : n.toString(16);
  return `${inRange ? inside : outside}${host}`;
}

/** Where frontends are; the second one outside of the Service range. */
const nets: Record<IpFamily, Partial<Record<PlaceName, readonly [string, string?]>>> = {
  IPv4: {
    clusterIP: ['10.96.', '10.97.'],
    unallocated: ['10.96.', '10.97.'],
    loadBalancer: ['198.18.'],
    'second-loadBalancer': ['100.65.'],
    externalIP: ['198.19.'],
  },
  IPv6: {
    clusterIP: ['fd00:96::', 'fd00:97::'],
    unallocated: ['fd00:96::', 'fd00:97::'],
    loadBalancer: ['2001:db8:1b::'],
    'second-loadBalancer': ['2001:db8:1b::1:'],
    externalIP: ['2001:db8:e::'],
  },
};

interface Source {
  readonly address: string;
  readonly spot: Spot;
  readonly owned?: boolean;
  readonly cannot?: string;
}

function sourceOf(flow: Flow, family: IpFamily, moved: (address: string) => string): Source {
  const { entry, source } = flow;
  const address = moved(source);
  const place = placeAt(source, family);
  const ofNode = place?.endsWith('node-address') === true;
  if (entry !== 'node' && ofNode) {
    return {
      address,
      spot: 'node',
      cannot: 'packets from the address of a node are the node’s own',
    };
  }
  if (entry === 'node') return { address, spot: 'node', owned: !ofNode };
  if (entry === 'pod') return { address, spot: 'pods' };
  if (place === 'other-pod') return { address: otherPod.there[family], spot: 'there' };
  return { address, spot: place === 'other-node' ? 'there' : 'outside' };
}

function spotOf(address: string, family: IpFamily): Spot {
  const place = placeAt(address, family);
  if (place?.endsWith('node-address') === true) return 'node';
  if (place === 'other-pod') return 'pods';
  return place === 'other-node' ? 'there' : 'nowhere';
}

/** The ranges of all Pods of this node. */
export const localPodRanges = ['10.1.0.0/17', 'fd00:1::/48'] as const;
