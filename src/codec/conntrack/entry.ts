/** Entries of connection tracking over netlink: questions as bytes, answers as values. */
import { formatIp, parseIp, type IpFamily, type SocketAddress } from '../../model/index.ts';
import {
  be32At,
  be64At,
  nestedAt,
  NetlinkWriter,
  netfilterFamilies,
  netfilterSubsystems,
  netlinkFlags,
  readAttributes,
  type Attributes,
  type NetlinkMessage,
} from '../netlink/index.ts';
import {
  compared,
  counters,
  destinationNat,
  entry,
  filterFlags,
  headerBytes,
  ip,
  messages,
  protocolPart,
  tuple,
} from './numbers.ts';

/** One direction of a connection. */
export interface Tuple {
  readonly family: IpFamily;
  readonly protocol: number;
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
}

export interface ConntrackEntry {
  /** As the client asked. */
  readonly original: Tuple;
  /** As answers come: its source is who really answers. */
  readonly reply: Tuple;
  /** Its destination was rewritten. */
  readonly destinationRewritten: boolean;
  readonly id: number | undefined;
  /** To the endpoint and back; undefined where accounting is off. */
  readonly bytes: { readonly to: bigint; readonly from: bigint } | undefined;
}

/** Asks for the entry of one connection. */
export function entryQuery(original: Tuple): Uint8Array {
  const w = new NetlinkWriter(128);
  write(w, { message: messages.get, flags: 0, family: original.family, sequence: 1 }, () =>
    writeTuple(w, original),
  );
  return w.bytes();
}

/** Which entries a dump is about. */
export interface DumpOptions {
  readonly family: IpFamily;
  readonly protocol?: number;
  /** Only those that clients made to this address and port; in IPv6 to this port. */
  readonly destination?: SocketAddress;
  /** Only those whose destination was rewritten. */
  readonly rewritten?: boolean;
}

/** Asks for many; a kernel that does not know a filter (5.8, 5.15) answers with others as well. */
export function dumpQuery(options: DumpOptions): Uint8Array {
  const { family, protocol, destination, rewritten } = options;
  const w = new NetlinkWriter(128);
  const header = { message: messages.get, flags: netlinkFlags.dump, family, sequence: 1 };
  write(w, header, () => {
    if (protocol !== undefined) writeFilter(w, { family, protocol, destination });
    if (rewritten === true) {
      w.be32(entry.status, destinationNat);
      w.be32(entry.statusMask, destinationNat);
    }
  });
  return w.bytes();
}

interface Filter {
  readonly family: IpFamily;
  readonly protocol: number;
  readonly destination: SocketAddress | undefined;
}

function writeFilter(w: NetlinkWriter, { family, protocol, destination }: Filter): void {
  // Of IPv6 addresses the kernel (6.18 still) takes those that differ for those that match.
  const byAddress = destination !== undefined && family === 'IPv4';
  w.nested(entry.original, () => {
    if (byAddress) {
      const bytes = parseIp(destination.address) ?? new Uint8Array(0);
      w.nested(tuple.ip, () => w.attribute(ip.destination4, bytes));
    }
    w.nested(tuple.protocol, () => {
      w.u8(protocolPart.number, protocol);
      if (destination !== undefined) w.be16(protocolPart.destinationPort, destination.port);
    });
  });
  const flags =
    compared.protocol |
    (byAddress ? compared.destination : 0) |
    (destination === undefined ? 0 : compared.destinationPort);
  w.nested(entry.filter, () => {
    w.u32(filterFlags.original, flags);
    w.u32(filterFlags.reply, 0);
  });
}

/** Forgets one entry: this very one when its id is known, not another that took its place. */
export function deleteRequest({ original, id }: ConntrackEntry): Uint8Array {
  const w = new NetlinkWriter(128);
  const { family } = original;
  const flags = netlinkFlags.acknowledge;
  write(w, { message: messages.delete, flags, family, sequence: 1 }, () => {
    writeTuple(w, original);
    if (id !== undefined) w.be32(entry.id, id);
  });
  return w.bytes();
}

/** Undefined when it is none, or of a protocol without ports. */
export function readEntry({ body }: NetlinkMessage): ConntrackEntry | undefined {
  const attributes = readAttributes(body, headerBytes);
  const original = readTuple(nestedAt(attributes, entry.original));
  const reply = readTuple(nestedAt(attributes, entry.reply));
  if (original === undefined || reply === undefined) return undefined;
  const to = be64At(nestedAt(attributes, entry.countersOriginal), counters.bytes);
  const from = be64At(nestedAt(attributes, entry.countersReply), counters.bytes);
  return {
    original,
    reply,
    destinationRewritten: ((be32At(attributes, entry.status) ?? 0) & destinationNat) !== 0,
    id: be32At(attributes, entry.id),
    bytes: to === undefined || from === undefined ? undefined : { to, from },
  };
}

interface Header {
  readonly message: number;
  readonly flags: number;
  readonly family: IpFamily;
  readonly sequence: number;
}

function write(w: NetlinkWriter, header: Header, body: () => void): void {
  const type = (netfilterSubsystems.conntrack << 8) | header.message;
  const flags = netlinkFlags.request | header.flags;
  w.message({ type, flags, sequence: header.sequence }, () => {
    w.raw(Uint8Array.of(netfilterFamilies[header.family], 0, 0, 0));
    body();
  });
}

function writeTuple(w: NetlinkWriter, t: Tuple): void {
  const four = t.family === 'IPv4';
  w.nested(entry.original, () => {
    w.nested(tuple.ip, () => {
      w.attribute(four ? ip.source4 : ip.source6, parseIp(t.source) ?? new Uint8Array(0));
      w.attribute(
        four ? ip.destination4 : ip.destination6,
        parseIp(t.destination) ?? new Uint8Array(0),
      );
    });
    w.nested(tuple.protocol, () => {
      w.u8(protocolPart.number, t.protocol);
      w.be16(protocolPart.sourcePort, t.sourcePort);
      w.be16(protocolPart.destinationPort, t.destinationPort);
    });
  });
}

function readTuple(attributes: Attributes): Tuple | undefined {
  const addresses = nestedAt(attributes, tuple.ip);
  const protocol = nestedAt(attributes, tuple.protocol);
  const source = addresses.get(ip.source4) ?? addresses.get(ip.source6);
  const destination = addresses.get(ip.destination4) ?? addresses.get(ip.destination6);
  const [number] = protocol.get(protocolPart.number) ?? [];
  const sourcePort = portAt(protocol, protocolPart.sourcePort);
  const destinationPort = portAt(protocol, protocolPart.destinationPort);
  if (source === undefined || destination === undefined || number === undefined) return undefined;
  if (sourcePort === undefined || destinationPort === undefined) return undefined;
  return {
    family: source.length === 4 ? 'IPv4' : 'IPv6',
    protocol: number,
    source: formatIp(source),
    sourcePort,
    destination: formatIp(destination),
    destinationPort,
  };
}

function portAt(attributes: Attributes, type: number): number | undefined {
  const value = attributes.get(type);
  const [high, low] = value ?? [];
  return high === undefined || low === undefined ? undefined : (high << 8) | low;
}
