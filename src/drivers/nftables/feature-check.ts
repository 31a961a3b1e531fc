/**
 * Whether this kernel has all that our rules are made of: it is shown a table with a Service of each way to choose, as a
 * batch without an end, which it tries and undoes. `nft --check` does the same; nobody sees anything of it.
 */
import {
  emptyPlan,
  nextPlan,
  servicePortId,
  type Endpoint,
  type IpFamily,
  type NodeView,
  type VirtualServer,
} from '../../model/index.ts';
import { NetlinkError, type NetlinkSocket } from '../../sys/netlink/index.ts';
import { stageWhole } from './apply.ts';
import { statementAt } from './refusals.ts';

export interface Lacking {
  readonly error: NetlinkError;
  /** What the kernel stumbled over, as `nft` would write it. */
  readonly statement: string | undefined;
}

/** Undefined when nothing is lacking. Tables of our name would stand in the way: there are none. */
export function findLacking(socket: NetlinkSocket): Lacking | undefined {
  const bytes = everythingOnce();
  try {
    socket.request('try rules', bytes);
    return undefined;
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    return { error, statement: statementAt(bytes, error)?.text };
  }
}

const node: NodeView = {
  name: 'check',
  zone: undefined,
  addresses: [],
  nodePortAddresses: [],
  serviceRanges: [],
  masqueradeAll: false,
  detectsLocalPods: false,
};
/** Of ranges for documentation, where nobody is. */
const places = {
  IPv4: { service: '192.0.2.1', endpoint: '192.0.2.2' },
  IPv6: { service: '2001:db8::1', endpoint: '2001:db8::2' },
} as const satisfies Readonly<Record<IpFamily, unknown>>;

/** A batch without an end. */
export function everythingOnce(): Uint8Array {
  const plan = emptyPlan(node);
  const set = (['IPv4', 'IPv6'] as const).flatMap((family) => [
    serverOf(family, { port: 1, scheduler: 'rr', affinity: { kind: 'none' } }),
    serverOf(family, { port: 2, scheduler: 'sh', affinity: { kind: 'none' } }),
    serverOf(family, {
      port: 3,
      scheduler: 'random',
      affinity: { kind: 'clientIP', timeoutSeconds: 60 },
    }),
  ]);
  const next = nextPlan(plan, { set, remove: [] });
  const options = { random: () => 0, localPods: undefined };
  return stageWhole(next?.plan ?? plan, options).batch.finishUnended();
}

function serverOf(
  family: IpFamily,
  { port, ...how }: Pick<VirtualServer, 'scheduler' | 'affinity'> & { readonly port: number },
): VirtualServer {
  const { service, endpoint: address } = places[family];
  const endpoint: Endpoint = {
    address,
    port,
    ready: true,
    serving: true,
    terminating: false,
    local: false,
    node: undefined,
    zone: undefined,
    zoneHints: [],
    nodeHints: [],
    weight: 1,
    pod: undefined,
  };
  const ref = {
    namespace: 'check',
    name: `${port}`,
    portName: '',
    protocol: 'TCP',
    family,
  } as const;
  return {
    ...how,
    id: servicePortId(ref),
    ref,
    frontends: [{ kind: 'clusterIP', address: service, port }],
    internalTrafficPolicy: 'Cluster',
    externalTrafficPolicy: 'Cluster',
    endpoints: [endpoint],
    pools: { cluster: [endpoint], local: [], hasAny: true },
    perRequest: undefined,
    proxyProtocol: 'none',
    replay: 'none',
    sourceRanges: [],
  };
}
