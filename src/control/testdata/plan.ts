/** Plans for the tests of this room and of cli/. */
import {
  emptyPlan,
  nextPlan,
  parseCidr,
  servicePortId,
  type Endpoint,
  type Frontend,
  type NodeView,
  type Plan,
  type ServicePortRef,
  type VirtualServer,
} from '../../model/index.ts';

export const node: NodeView = {
  name: 'laptop',
  zone: undefined,
  addresses: ['127.0.0.1'],
  nodePortAddresses: ['127.0.0.1'],
  serviceRanges: [parseCidr('127.96.0.0/16')].filter((range) => range !== undefined),
  masqueradeAll: false,
  detectsLocalPods: false,
};

export function endpoint(address: string, change: Partial<Endpoint> = {}): Endpoint {
  return {
    address,
    port: 8080,
    ready: true,
    serving: true,
    terminating: false,
    local: true,
    node: 'laptop',
    zone: undefined,
    zoneHints: [],
    nodeHints: [],
    weight: 1,
    pod: undefined,
    ...change,
  };
}

export function clusterIp(address: string, port: number): Frontend {
  return { kind: 'clusterIP', address, port };
}

export function nodePort(port: number): Frontend {
  return { kind: 'nodePort', address: undefined, port };
}

export interface ServerChange extends Partial<Omit<VirtualServer, 'ref'>> {
  readonly ref?: Partial<ServicePortRef>;
}

/** A ServicePort whose ready endpoints are its cluster pool. */
export function server(name: string, change: ServerChange = {}): VirtualServer {
  const ref: ServicePortRef = {
    namespace: 'default',
    name,
    portName: '',
    protocol: 'TCP',
    family: 'IPv4',
    ...change.ref,
  };
  const endpoints = change.endpoints ?? [];
  const cluster = endpoints.filter((e) => e.ready);
  return {
    id: servicePortId(ref),
    frontends: [],
    internalTrafficPolicy: 'Cluster',
    externalTrafficPolicy: 'Cluster',
    endpoints,
    pools: { cluster, local: [], hasAny: cluster.length > 0 },
    scheduler: 'rr',
    affinity: { kind: 'none' },
    perRequest: undefined,
    proxyProtocol: 'none',
    replay: 'none',
    sourceRanges: [],
    ...change,
    ref,
  };
}

export function planOf(...servers: readonly VirtualServer[]): Plan {
  return nextPlan(emptyPlan(node), { set: servers, remove: [] })?.plan ?? emptyPlan(node);
}
