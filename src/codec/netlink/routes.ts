/** Routes and addresses of the kernel as bytes. */
import type { Cidr } from '../../model/index.ts';
import { NetlinkWriter } from './attribute-writer.ts';
import { netlinkFlags } from './numbers.ts';
import { readAttributes, type NetlinkMessage } from './reader.ts';

export interface RouteSpec {
  readonly range: Cidr;
  /**
   * `local`: its addresses are the host's own; `onward`: they are not, and packets to them leave through the device;
   * `unreachable`: nobody has them.
   */
  readonly kind: 'local' | 'onward' | 'unreachable';
  /** By its number; the loopback device when undefined. */
  readonly device?: number | undefined;
  /** Who takes them on behind the device; that needs no address there. */
  readonly gateway?: Uint8Array | undefined;
  /** What packets to it come from, when nobody says. */
  readonly source?: Uint8Array | undefined;
}

/** A route as the kernel lists it. */
interface RouteInfo {
  readonly family: number;
  readonly prefix: number;
  /** Empty for the default route. */
  readonly destination: Uint8Array;
  readonly kind: RouteSpec['kind'] | 'other';
  /** Its number; 0 when it leads nowhere. */
  readonly device: number;
  /** Who made it: a number that programs choose for theirs. */
  readonly protocol: number;
}

const messages = { add: 24, delete: 25, list: 26 } as const;
const attributes = { destination: 1, device: 4, gateway: 5, preferredSource: 7 } as const;
const types = { onward: 1, local: 2, unreachable: 7 } as const;
const tables = { onward: 254, local: 255, unreachable: 254 } as const;
const scopes = { onward: 253, local: 254, unreachable: 0 } as const;
const onLink = 4;
const kinds = ['onward', 'local', 'unreachable'] as const;
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
  { range, kind, source, device = loopback, gateway }: RouteSpec,
  protocol: number,
): Uint8Array {
  const w = new NetlinkWriter(128);
  const create = verb === 'add' ? netlinkFlags.create | exclusive : 0;
  const flags = netlinkFlags.request | netlinkFlags.acknowledge | create;
  w.message({ type: messages[verb], flags, sequence: 1 }, () => {
    const { family, prefix, bytes } = range;
    const scope = family === 'IPv6' || gateway !== undefined ? 0 : scopes[kind];
    const header = [familyNumbers[family], prefix, 0, 0, tables[kind], protocol, scope];
    w.raw(Uint8Array.of(...header, types[kind], gateway === undefined ? 0 : onLink, 0, 0, 0));
    if (prefix > 0) w.attribute(attributes.destination, bytes);
    // IPv6 has its unreachable ranges at the loopback device, IPv4 at none.
    if (kind !== 'unreachable' || family === 'IPv6') w.u32(attributes.device, device);
    if (gateway !== undefined) w.attribute(attributes.gateway, gateway);
    if (source !== undefined) w.attribute(attributes.preferredSource, source);
  });
  return w.bytes();
}

/** An address, alone in its network; of the loopback device unless another is named. */
export function addressMessage(
  verb: 'add' | 'delete',
  { family, bytes, prefix }: Cidr,
  device = loopback,
): Uint8Array {
  const w = new NetlinkWriter(64);
  const create = verb === 'add' ? netlinkFlags.create | exclusive : 0;
  const flags = netlinkFlags.request | netlinkFlags.acknowledge | create;
  w.message({ type: addressMessages[verb], flags, sequence: 1 }, () => {
    const everywhere = 0;
    const header = new Uint8Array(8);
    header.set([familyNumbers[family], prefix, noDuplicateCheck, everywhere]);
    new DataView(header.buffer).setUint32(4, device, true);
    w.raw(header);
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
  const found = readAttributes(body, headerBytes);
  const destination = found.get(attributes.destination);
  const device = found.get(attributes.device);
  return {
    family,
    prefix,
    destination: destination ?? new Uint8Array(0),
    kind: kinds.find((kind) => types[kind] === type) ?? 'other',
    device:
      device === undefined || device.length < 4
        ? 0
        : new DataView(device.buffer, device.byteOffset).getUint32(0, true),
    protocol,
  };
}
