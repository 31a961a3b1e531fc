/** Network devices as bytes: pairs of virtual Ethernet devices whose other end is in another namespace, and who is next to them. */
import type { Cidr } from '../../model/index.ts';
import { NetlinkWriter } from './attribute-writer.ts';
import { netlinkFlags } from './numbers.ts';
import { readAttributes, textAt, type NetlinkMessage } from './reader.ts';

export interface LinkEnd {
  readonly name: string;
  /** Its hardware address, six bytes. */
  readonly hardware: Uint8Array;
}

export interface VethSpec {
  readonly near: LinkEnd;
  readonly far: LinkEnd;
  /** A descriptor of the network namespace of the far end. */
  readonly farNamespace: number;
  /** A number by which its maker knows it again. */
  readonly group: number;
}

/** A device as the kernel lists it. */
export interface LinkInfo {
  readonly index: number;
  readonly name: string;
  readonly group: number;
}

const messages = { add: 16, delete: 17, list: 18, change: 19, addNeighbour: 28 } as const;
const attributes = {
  hardware: 1,
  name: 3,
  info: 18,
  alias: 20,
  families: 26,
  group: 27,
  namespace: 28,
} as const;
const infoAttributes = { kind: 1, data: 2 } as const;
const vethPeer = 1;
const neighbourAttributes = { destination: 1, hardware: 2 } as const;
const families = { IPv4: 2, IPv6: 10 } as const;
const flags = { up: 1 } as const;
/** IFLA_INET_CONF with IPV4_DEVCONF_FORWARDING; IFLA_INET6_ADDR_GEN_MODE with IN6_ADDR_GEN_MODE_NONE. */
const settings = { ip4: 1, forwarding: 1, addressMode: 8, noAddress: 1 } as const;
/** NUD_PERMANENT. */
const permanent = 0x80;
const headerBytes = 16;
const exclusive = 0x200;
const acknowledged = netlinkFlags.request | netlinkFlags.acknowledge;
const created = acknowledged | netlinkFlags.create | exclusive;

/** Makes both ends at once. */
export function vethMessage({ near, far, farNamespace, group }: VethSpec): Uint8Array {
  const w = new NetlinkWriter(256);
  w.message({ type: messages.add, flags: created, sequence: 1 }, () => {
    w.raw(linkHeader());
    writeEnd(w, near);
    w.u32(attributes.group, group);
    w.nested(attributes.info, () => {
      w.text(infoAttributes.kind, 'veth');
      w.nested(infoAttributes.data, () => {
        w.nested(vethPeer, () => {
          w.raw(linkHeader());
          writeEnd(w, far);
          w.u32(attributes.namespace, farNamespace);
        });
      });
    });
  });
  return w.bytes();
}

export interface LinkChange {
  /** What people read at it. */
  readonly alias?: string | undefined;
  /** Packets of IPv4 that come in there may leave by another device. */
  readonly forwards?: boolean | undefined;
  /** Whether there is IPv6: then the kernel makes up no address. */
  readonly hasIpv6?: boolean | undefined;
}

/** To be done before it is switched on: else an address may be made up already. */
export function linkChangeMessage(
  index: number,
  { alias, forwards = false, hasIpv6 = false }: LinkChange,
): Uint8Array {
  const w = new NetlinkWriter(256);
  w.message({ type: messages.change, flags: acknowledged, sequence: 1 }, () => {
    w.raw(linkHeader(index));
    if (alias !== undefined) w.attribute(attributes.alias, new TextEncoder().encode(alias));
    if (!forwards && !hasIpv6) return;
    w.nested(attributes.families, () => {
      if (forwards) {
        w.nested(families.IPv4, () => {
          w.nested(settings.ip4, () => w.u32(settings.forwarding, 1));
        });
      }
      if (hasIpv6) {
        w.nested(families.IPv6, () => w.u8(settings.addressMode, settings.noAddress));
      }
    });
  });
  return w.bytes();
}

export function linkUpMessage(index: number): Uint8Array {
  const w = new NetlinkWriter(64);
  w.message({ type: messages.change, flags: acknowledged, sequence: 1 }, () => {
    w.raw(linkHeader(index, flags.up));
  });
  return w.bytes();
}

/** Of a pair the other end goes with it. */
export function linkDeleteMessage(index: number): Uint8Array {
  const w = new NetlinkWriter(64);
  w.message({ type: messages.delete, flags: acknowledged, sequence: 1 }, () => {
    w.raw(linkHeader(index));
  });
  return w.bytes();
}

/** The kernel answers with the device, or that there is none. */
export function linkQuery(name: string): Uint8Array {
  const w = new NetlinkWriter(64);
  w.message({ type: messages.list, flags: netlinkFlags.request, sequence: 1 }, () => {
    w.raw(linkHeader());
    w.text(attributes.name, name);
  });
  return w.bytes();
}

/** All of them. */
export function linksQuery(): Uint8Array {
  const w = new NetlinkWriter(64);
  const dump = netlinkFlags.request | netlinkFlags.dump;
  w.message({ type: messages.list, flags: dump, sequence: 1 }, () => w.raw(linkHeader()));
  return w.bytes();
}

export function readLink({ body }: NetlinkMessage): LinkInfo {
  const found = readAttributes(body, headerBytes);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const group = found.get(attributes.group);
  return {
    index: body.length < headerBytes ? 0 : view.getInt32(4, true),
    name: textAt(found, attributes.name) ?? '',
    group:
      group === undefined || group.length < 4
        ? 0
        : new DataView(group.buffer, group.byteOffset).getUint32(0, true),
  };
}

/** Who has the address behind the device, so that nobody asks for it. */
export function neighbourMessage(
  index: number,
  { family, bytes }: Pick<Cidr, 'family' | 'bytes'>,
  hardware: Uint8Array,
): Uint8Array {
  const w = new NetlinkWriter(64);
  w.message({ type: messages.addNeighbour, flags: created, sequence: 1 }, () => {
    const header = new Uint8Array(12);
    const view = new DataView(header.buffer);
    header[0] = families[family];
    view.setInt32(4, index, true);
    view.setUint16(8, permanent, true);
    w.raw(header);
    w.attribute(neighbourAttributes.destination, bytes);
    w.attribute(neighbourAttributes.hardware, hardware);
  });
  return w.bytes();
}

function writeEnd(w: NetlinkWriter, { name, hardware }: LinkEnd): void {
  w.text(attributes.name, name);
  w.attribute(attributes.hardware, hardware);
}

function linkHeader(index = 0, on = 0): Uint8Array {
  const header = new Uint8Array(headerBytes);
  const view = new DataView(header.buffer);
  view.setInt32(4, index, true);
  view.setUint32(8, on, true);
  view.setUint32(12, on, true);
  return header;
}
