/** The kernel's table of connections, as drivers whose packets it follows need it. */
import {
  deleteRequest,
  dumpQuery,
  entryQuery,
  readEntry,
  EntryScan,
  type ConntrackEntry,
  type DumpOptions,
} from '../../codec/conntrack/index.ts';
import {
  familyOf,
  findFrontend,
  type EndpointPlace,
  type Flow,
  type Plan,
  type Protocol,
} from '../../model/index.ts';
import { isNotFound, type NetlinkSocket } from '../../sys/netlink/index.ts';

/** IANA's numbers. */
const protocolNumbers: Readonly<Record<Protocol, number>> = { TCP: 6, UDP: 17, SCTP: 132 };

export interface ScanOptions extends Omit<DumpOptions, 'protocol'> {
  readonly protocol?: Protocol;
}

export class Conntrack {
  private readonly socket: NetlinkSocket;
  private readonly entry = new EntryScan();

  constructor(socket: NetlinkSocket) {
    this.socket = socket;
  }

  /** The entry of a connection; undefined when there is none. */
  find(flow: Flow): ConntrackEntry | undefined {
    const family = familyOf(flow.destination);
    if (familyOf(flow.source) !== family) return undefined;
    const query = entryQuery({
      ...flow,
      family,
      protocol: protocolNumbers[flow.protocol],
    });
    try {
      const [answer] = this.socket.request('look up a connection', query);
      return answer && readEntry(answer);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Shows all that the kernel finds for a question, and perhaps others; `entry` is good only until `visit` returns. */
  scan(options: ScanOptions, visit: (entry: EntryScan) => void): void {
    const { protocol, ...rest } = options;
    const number = protocol && protocolNumbers[protocol];
    const query = dumpQuery(number === undefined ? rest : { ...rest, protocol: number });
    this.socket.dump('list connections', query, (message) => {
      if (!this.entry.read(message)) return;
      if (number === undefined || this.entry.protocol === number) visit(this.entry);
    });
  }

  /** One that has gone meanwhile is forgotten already. */
  forget(entry: ConntrackEntry): void {
    try {
      this.socket.request('forget a connection', deleteRequest(entry));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** Who answers a connection, at the ServicePort it was made to. */
export function endpointOf(
  plan: Plan,
  { original, reply }: ConntrackEntry,
): EndpointPlace | undefined {
  const protocol = (['TCP', 'UDP', 'SCTP'] as const).find(
    (name) => protocolNumbers[name] === original.protocol,
  );
  if (protocol === undefined) return undefined;
  const { destination, destinationPort } = original;
  const server = findFrontend(plan, protocol, destination, destinationPort)?.server;
  const endpoint = server?.endpoints.find(
    ({ address, port }) => address === reply.source && port === reply.sourcePort,
  );
  return server && endpoint && { server: server.id, endpoint };
}
