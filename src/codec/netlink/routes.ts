/** Routes and addresses of the kernel as bytes, those through the loopback device: to ranges that are this host's own. */
import type { Cidr } from '../../model/index.ts';
import { NetlinkWriter } from './attribute-writer.ts';
import { netlinkFlags } from './numbers.ts';
import { readAttributes, type NetlinkMessage } from './reader.ts';

export interface RouteSpec {
  readonly range: Cidr;
  /** `local`: its addresses are the host's own; `onward`: they are not, and packets to them leave through the device. */
  readonly kind: 'local' | 'onward';
  /** What packets to it come from, when nobody says. */
  readonly source?: Uint8Array | undefined;
}

/** A route as the kernel lists it. */
interface RouteInfo {
  readonly family: number;
  readonly prefix: number;
  /** Empty for the default route. */
  readonly destination: Uint8Array;
  readonly kind: 'local' | 'onward' | 'other';
  /** Who made it: a number that programs choose for theirs. */
  readonly protocol: number;
}

const messages = { add: 24, delete: 25, list: 26 } as const;
const attributes = { destination: 1, device: 4, preferredSource: 7 } as const;
const types = { onward: 1, local: 2 } as const;
const tables = { onward: 254, local: 255 } as const;
const scopes = { onward: 253, local: 254 } as const;
const addressMessages = { add: 20, delete: 21 } as const;
const addressAttributes = { address: 1, local: 2 } as const;
/** IFA_F_NODAD: usable at once. */
const noDuplicateCheck = 2;
const exclusive = 0x200;
/** Of the loopback device in every network namespace. */
const loopback = 1;
const headerBytes = 12;
const familyNumbers = { IPv4: 2, IPv6: 10 } as const;

/** By `protocol` its maker knows it again. */
export function routeMessage(
  verb: 'add' | 'delete',
  { range, kind, source }: RouteSpec,
  protocol: number,
): Uint8Array {
  const w = new NetlinkWriter(128);
  const create = verb === 'add' ? netlinkFlags.create | exclusive : 0;
  const flags = netlinkFlags.request | netlinkFlags.acknowledge | create;
  w.message({ type: messages[verb], flags, sequence: 1 }, () => {
    const { family, prefix, bytes } = range;
    const scope = family === 'IPv6' ? 0 : scopes[kind];
    const header = [familyNumbers[family], prefix, 0, 0, tables[kind], protocol, scope];
    w.raw(Uint8Array.of(...header, types[kind], 0, 0, 0, 0));
    w.attribute(attributes.destination, bytes);
    const device = new Uint8Array(4);
    device[0] = loopback;
    w.attribute(attributes.device, device);
    if (source !== undefined) w.attribute(attributes.preferredSource, source);
  });
  return w.bytes();
}

/** An address of the loopback device, alone in its network. */
export function addressMessage(
  verb: 'add' | 'delete',
  { family, bytes, prefix }: Cidr,
): Uint8Array {
  const w = new NetlinkWriter(64);
  const create = verb === 'add' ? netlinkFlags.create | exclusive : 0;
  const flags = netlinkFlags.request | netlinkFlags.acknowledge | create;
  w.message({ type: addressMessages[verb], flags, sequence: 1 }, () => {
    const everywhere = 0;
    const header = [familyNumbers[family], prefix, noDuplicateCheck, everywhere, loopback, 0, 0, 0];
    w.raw(Uint8Array.of(...header));
    w.attribute(addressAttributes.local, bytes);
    w.attribute(addressAttributes.address, bytes);
  });
  return w.bytes();
}

/** All routes of all tables. */
export function routesQuery(): Uint8Array {
  const w = new NetlinkWriter(64);
  const flags = netlinkFlags.request | netlinkFlags.dump;
  w.message({ type: messages.list, flags, sequence: 1 }, () => w.raw(new Uint8Array(headerBytes)));
  return w.bytes();
}

export function readRoute({ body }: NetlinkMessage): RouteInfo {
  const [family = 0, prefix = 0, , , , protocol = 0, , type = 0] = body;
  const destination = readAttributes(body, headerBytes).get(attributes.destination);
  return {
    family,
    prefix,
    destination: destination ?? new Uint8Array(0),
    kind: type === types.onward ? 'onward' : type === types.local ? 'local' : 'other',
    protocol,
  };
}
