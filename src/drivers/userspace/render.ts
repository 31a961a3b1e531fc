/** What a VirtualServer needs of this driver: pure, a Plan in, wanted listeners out. */
import {
  familyOf,
  findFrontend,
  formatSocketAddress,
  type Frontend,
  type FrontendFailure,
  type Plan,
  type Protocol,
  type SocketAddress,
  type VirtualServer,
} from '../../model/index.ts';
import type { UserspaceCode } from './errors.ts';

/** What this driver has sockets for. */
export type CarriedProtocol = Exclude<Protocol, 'SCTP'>;

/** A place where clients expect to be answered. */
export interface WantedListener {
  /** Protocol and `at` as text: what tells wanted listeners apart. */
  readonly key: string;
  readonly protocol: CarriedProtocol;
  /** As the Service says it; where it is bound may be elsewhere. */
  readonly at: SocketAddress;
  readonly server: VirtualServer;
  /** The frontends it answers for; more than one when a Service names an address twice. */
  readonly frontends: readonly Frontend[];
}

export interface Rendering {
  readonly listeners: readonly WantedListener[];
  /** Frontends that no bind can help. */
  readonly failures: readonly FrontendFailure[];
}

/**
 * The listeners of one VirtualServer in this Plan. None while every pool is empty: a closed port is how this
 * driver says REJECT, and the nearest it has to DROP.
 */
export function renderServer(plan: Plan, server: VirtualServer): Rendering {
  const { protocol } = server.ref;
  if (protocol === 'SCTP') {
    return { listeners: [], failures: server.frontends.map((f) => unsupported(server, f)) };
  }
  const listeners = new Map<string, WantedListener>();
  const failures: FrontendFailure[] = [];
  const answers = server.pools.cluster.length > 0 || server.pools.local.length > 0;
  for (const frontend of server.frontends) {
    for (const at of placesOf(plan, server, frontend)) {
      const owner = findFrontend(plan, protocol, at.address, at.port)?.server;
      if (owner !== undefined && owner.id !== server.id) {
        failures.push(taken({ server, frontend, at, owner }));
      } else if (answers) {
        const key = placeKey(protocol, at);
        const same = listeners.get(key)?.frontends ?? [];
        listeners.set(key, { key, protocol, at, server, frontends: [...same, frontend] });
      }
    }
  }
  return { listeners: [...listeners.values()], failures };
}

/** TCP and UDP have ports of their own at one address. */
export function placeKey(protocol: CarriedProtocol, at: SocketAddress): string {
  return `${protocol} ${formatSocketAddress(at)}`;
}

/** Where a frontend is reached: its own address, or each node address of its family. */
function placesOf(plan: Plan, server: VirtualServer, frontend: Frontend): readonly SocketAddress[] {
  const { address, port } = frontend;
  if (address !== undefined) return [{ address, port }];
  return plan.node.nodePortAddresses
    .filter((node) => familyOf(node) === server.ref.family)
    .map((node) => ({ address: node, port }));
}

/** `Service default/web port http`, the way messages name a ServicePort. */
export function serviceName({ ref }: VirtualServer): string {
  const port = ref.portName === '' ? '' : ` port ${ref.portName}`;
  return `Service ${ref.namespace}/${ref.name}${port}`;
}

function unsupported(server: VirtualServer, frontend: Frontend): FrontendFailure {
  const { address, port } = frontend;
  const { protocol } = server.ref;
  const where = address === undefined ? `NodePort ${port}` : formatSocketAddress({ address, port });
  const code: UserspaceCode = 'USERSPACE_PROTOCOL_UNSUPPORTED';
  return {
    server: server.id,
    frontend,
    code,
    message: `Cannot serve ${serviceName(server)} at ${where}: the userspace driver does not carry ${protocol}`,
    remedy: 'Use TCP or UDP for this port, or reach its endpoints directly',
  };
}

interface Claim {
  readonly server: VirtualServer;
  readonly frontend: Frontend;
  readonly at: SocketAddress;
  readonly owner: VirtualServer;
}

function taken({ server, frontend, at, owner }: Claim): FrontendFailure {
  const code: UserspaceCode = 'USERSPACE_FRONTEND_TAKEN';
  const where = formatSocketAddress(at);
  return {
    server: server.id,
    frontend,
    code,
    message: `Cannot serve ${serviceName(server)} at ${where}: ${serviceName(owner)} has it`,
    remedy: 'Give one of the two Services another port or address',
  };
}
