/** Small builders of VirtualServers and Plans for driver tests: what a test does not say is a plain default. */
import {
  choosePools,
  familyOf,
  servicePortId,
  type Endpoint,
  type Frontend,
  type NodeView,
  type SocketAddress,
  type VirtualServer,
} from '../../model/index.ts';

export function testNode(view: Partial<NodeView> = {}): NodeView {
  return {
    name: 'node-a',
    zone: 'zone-a',
    addresses: ['127.9.0.1'],
    nodePortAddresses: ['127.9.0.1'],
    serviceRanges: [],
    masqueradeAll: false,
    detectsLocalPods: false,
    ...view,
  };
}

/** A ready endpoint on this node. */
export function testEndpoint(at: SocketAddress, conditions: Partial<Endpoint> = {}): Endpoint {
  return {
    address: at.address,
    port: at.port,
    ready: true,
    serving: true,
    terminating: false,
    local: true,
    node: 'node-a',
    zone: 'zone-a',
    zoneHints: [],
    nodeHints: [],
    weight: 1,
    pod: undefined,
    ...conditions,
  };
}

/** Conditions of an endpoint on another node. */
export const elsewhere = { local: false, node: 'node-b' } as const;

export interface ServerOptions extends Partial<
  Omit<VirtualServer, 'id' | 'ref' | 'frontends' | 'pools'>
> {
  /** `web` unless it says otherwise; in namespace `default`. */
  readonly name?: string;
  readonly protocol?: VirtualServer['ref']['protocol'];
  /** That of its first frontend unless it says otherwise. */
  readonly family?: VirtualServer['ref']['family'];
}

/** A VirtualServer with pools as the specification chooses them for `testNode`. */
export function testServer(
  frontends: readonly Frontend[],
  options: ServerOptions = {},
): VirtualServer {
  const { name = 'web', protocol = 'TCP', ...rest } = options;
  const address = frontends.find((frontend) => frontend.address !== undefined)?.address;
  const family = options.family ?? familyOf(address ?? '');
  const ref = { namespace: 'default', name, portName: '', protocol, family };
  const policies = {
    internalTrafficPolicy: rest.internalTrafficPolicy ?? 'Cluster',
    externalTrafficPolicy: rest.externalTrafficPolicy ?? 'Cluster',
  } as const;
  const endpoints = rest.endpoints ?? [];
  return {
    id: servicePortId(ref),
    ref,
    frontends,
    endpoints,
    pools: choosePools(endpoints, { frontends, ...policies }, { name: 'node-a', zone: 'zone-a' }),
    scheduler: rest.scheduler ?? 'rr',
    affinity: rest.affinity ?? { kind: 'none' },
    perRequest: undefined,
    proxyProtocol: rest.proxyProtocol ?? 'none',
    replay: rest.replay ?? 'none',
    sourceRanges: rest.sourceRanges ?? [],
    ...policies,
  };
}

export function clusterIp(at: SocketAddress): Frontend {
  return { kind: 'clusterIP', ...at };
}

export function nodePort(port: number): Frontend {
  return { kind: 'nodePort', address: undefined, port };
}

export function externalIp(at: SocketAddress): Frontend {
  return { kind: 'externalIP', ...at };
}

export function loadBalancerIp(at: SocketAddress): Frontend {
  return { kind: 'loadBalancer', ...at };
}
