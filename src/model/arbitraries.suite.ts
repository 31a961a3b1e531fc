/**
 * Random Plans and Flows for properties. Drawn from few addresses, ports and names, so that they meet: two
 * VirtualServers claim one frontend, a client is an endpoint, an external address is the node's.
 */
import { fc } from '../../test/support/properties.ts';
import { parseCidr, type Cidr, type IpFamily } from './address.ts';
import type { Entry, Flow } from './flow.ts';
import { emptyPlan, nextPlan, type NodeView, type Plan } from './plan.ts';
import {
  servicePortId,
  type Endpoint,
  type Frontend,
  type Protocol,
  type TrafficPolicy,
  type VirtualServer,
} from './service-port.ts';
import { testEndpoint, testServer } from './testing.ts';

interface Pool {
  readonly pods: readonly string[];
  readonly nodes: readonly string[];
  readonly clusterIps: readonly string[];
  readonly others: readonly string[];
  readonly ranges: readonly string[];
  readonly serviceRange: string;
}

const addresses: Readonly<Record<IpFamily, Pool>> = {
  IPv4: {
    pods: ['10.1.0.1', '10.1.0.2', '10.1.0.3', '10.1.0.4'],
    nodes: ['192.0.2.1', '192.0.2.2'],
    clusterIps: ['10.96.0.1', '10.96.0.2'],
    others: ['198.18.0.1', '198.18.0.2', '198.51.100.7', '10.96.0.3'],
    ranges: ['10.1.0.0/30', '192.0.2.2/31', '198.51.100.0/25', '198.18.0.1/32', '2001:db8::/32'],
    serviceRange: '10.96.0.0/12',
  },
  IPv6: {
    pods: ['fd00:1::1', 'fd00:1::2', 'fd00:1::3', 'fd00:1::4'],
    nodes: ['2001:db8::1', '2001:db8::2'],
    clusterIps: ['fd00:96::1', 'fd00:96::2'],
    others: ['2001:db8:1::1', '2001:db8:1::2', '2001:db8:c::7', 'fd00:96::3'],
    ranges: [
      'fd00:1::/126',
      '2001:db8::2/127',
      '2001:db8:c::/65',
      '2001:db8:1::1/128',
      '10.0.0.0/8',
    ],
    serviceRange: 'fd00:96::/108',
  },
};

const families: readonly IpFamily[] = ['IPv4', 'IPv6'];
const everyAddress = families.flatMap((family) => {
  const { pods, nodes, clusterIps, others } = addresses[family];
  return [...pods, ...nodes, ...clusterIps, ...others];
});
const nodePorts = [30_080, 30_081];
/** A Service port may be the number of a NodePort. */
const servicePorts = [80, 30_080];

const protocol = fc.constantFrom<Protocol>('TCP', 'UDP', 'SCTP');
export const trafficPolicy = fc.constantFrom<TrafficPolicy>('Cluster', 'Local');

const hints = (...names: string[]) => fc.subarray(names).map((some): readonly string[] => some);

function arbitraryEndpoint(family: IpFamily = 'IPv4'): fc.Arbitrary<Endpoint> {
  return fc
    .record({
      address: fc.constantFrom(...addresses[family].pods),
      ready: fc.boolean(),
      serving: fc.boolean(),
      terminating: fc.boolean(),
      local: fc.boolean(),
      zoneHints: fc.oneof(fc.constant<readonly string[]>([]), hints('east', 'west')),
      nodeHints: fc.oneof(
        { weight: 2, arbitrary: fc.constant<readonly string[]>([]) },
        { weight: 1, arbitrary: hints('here', 'there') },
      ),
      weight: fc.constantFrom(0, 1, 5),
    })
    .map((fields) => testEndpoint(fields));
}

/** No two of one address, as the slices of a ServicePort are compiled. */
export function arbitraryEndpoints(family: IpFamily = 'IPv4'): fc.Arbitrary<readonly Endpoint[]> {
  return fc.uniqueArray(arbitraryEndpoint(family), { selector: (e) => e.address, maxLength: 4 });
}

/** A clusterIP first, then some of the others; two may be the same address. */
export function arbitraryFrontends(family: IpFamily): fc.Arbitrary<readonly Frontend[]> {
  const { clusterIps, others, nodes } = addresses[family];
  const port = fc.constantFrom(...servicePorts);
  const external = fc.constantFrom(...others, ...nodes);
  return fc
    .record({
      clusterIp: fc.constantFrom(...clusterIps),
      port,
      loadBalancers: fc.array(external, { maxLength: 2 }),
      externalIps: fc.array(external, { maxLength: 1 }),
      nodePort: fc.option(fc.constantFrom(...nodePorts), { nil: undefined }),
    })
    .map(({ clusterIp, port: own, loadBalancers, externalIps, nodePort }) => [
      { kind: 'clusterIP', address: clusterIp, port: own },
      ...externalIps.map((address) => ({ kind: 'externalIP', address, port: own }) as const),
      ...loadBalancers.map((address) => ({ kind: 'loadBalancer', address, port: own }) as const),
      ...(nodePort === undefined
        ? []
        : [{ kind: 'nodePort', address: undefined, port: nodePort } as const]),
    ]);
}

function cidr(text: string): Cidr {
  const range = parseCidr(text);
  if (range === undefined) throw new Error(`Cannot use range ${text}: it is none`);
  return range;
}

const arbitraryNode: fc.Arbitrary<NodeView> = fc
  .record({
    zone: fc.constantFrom(undefined, '', 'east', 'west'),
    addresses: fc.subarray(families.flatMap((f) => addresses[f].nodes)),
    nodePortAddresses: fc.subarray(families.flatMap((f) => addresses[f].nodes)),
    serviceRanges: fc.subarray(families.map((f) => cidr(addresses[f].serviceRange))),
    masqueradeAll: fc.boolean(),
    detectsLocalPods: fc.boolean(),
  })
  .map((fields) => ({ name: 'here', ...fields }));

function arbitraryServer(node: NodeView): fc.Arbitrary<VirtualServer> {
  return fc.constantFrom(...families).chain((family) =>
    fc
      .record({
        name: fc.constantFrom('a', 'b', 'c', 'd'),
        protocol,
        frontends: arbitraryFrontends(family),
        internalTrafficPolicy: trafficPolicy,
        externalTrafficPolicy: trafficPolicy,
        endpoints: arbitraryEndpoints(family),
        sourceRanges: fc.oneof(
          fc.constant<Cidr[]>([]),
          fc.subarray(addresses[family].ranges.map(cidr), { maxLength: 2 }),
        ),
      })
      .map(({ name, protocol: own, ...fields }) => {
        const ref = { namespace: 'default', name, portName: '', protocol: own, family };
        return testServer({ ref, ...fields }, node);
      }),
  );
}

/** A Plan that came about by several changes, and the VirtualServers it should hold after them. */
export interface Situation {
  readonly plan: Plan;
  readonly servers: readonly VirtualServer[];
  readonly flow: Flow;
}

/** Half of the Flows aim at a frontend of the Plan; the others go and come from anywhere, nonsense included. */
export const arbitrarySituation: fc.Arbitrary<Situation> = arbitraryNode
  .chain((node) =>
    fc.record({
      node: fc.constant(node),
      changes: fc.array(
        fc.record({
          set: fc.array(arbitraryServer(node), { minLength: 1, maxLength: 4 }),
          remove: fc.array(arbitraryServer(node), { maxLength: 2 }),
        }),
        { minLength: 1, maxLength: 3 },
      ),
      aim: fc.option(fc.nat(), { nil: undefined }),
      flow: arbitraryFlow,
    }),
  )
  .map(({ node, changes, aim, flow }) => {
    const servers = new Map<string, VirtualServer>();
    let plan = emptyPlan(node);
    for (const { set, remove } of changes) {
      const ids = remove.map(({ ref }) => servicePortId(ref));
      for (const id of ids) servers.delete(id);
      for (const server of set) servers.set(server.id, server);
      plan = nextPlan(plan, { set, remove: ids })?.plan ?? plan;
    }
    const all = [...servers.values()];
    return { plan, servers: all, flow: aim === undefined ? flow : aimAt(all, aim, flow) };
  });

const someAddress = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...everyAddress) },
  { weight: 1, arbitrary: fc.string({ maxLength: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom('', 'nodePort', 'nodePort IPv4', '::ffff:10.96.0.1') },
);

export const arbitraryFlow: fc.Arbitrary<Flow> = fc.record({
  protocol,
  source: someAddress,
  sourcePort: fc.nat(65_535),
  destination: someAddress,
  destinationPort: fc.constantFrom(...servicePorts, ...nodePorts, 81),
  entry: fc.constantFrom<Entry>('pod', 'node', 'outside'),
});

/** The same Flow, but to one of the frontends there are; a NodePort is reached at an address of a node. */
function aimAt(servers: readonly VirtualServer[], aim: number, flow: Flow): Flow {
  const server = servers[aim % servers.length];
  const frontend = server?.frontends[(aim >> 4) % server.frontends.length];
  if (server === undefined || frontend === undefined) return flow;
  const { nodes } = addresses[server.ref.family];
  return {
    ...flow,
    protocol: server.ref.protocol,
    destination: frontend.address ?? nodes[(aim >> 8) % nodes.length] ?? flow.destination,
    destinationPort: frontend.port,
  };
}
