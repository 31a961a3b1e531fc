/** What differs between the tables of the two families, and the values both are made of, as the kernel wants them. */
import type { Expression } from '../../codec/nftables/index.ts';
import { formatIp, parseIp, type IpFamily, type Protocol } from '../../model/index.ts';

export interface Family {
  readonly name: IpFamily;
  /** AF_INET, AF_INET6. */
  readonly number: number;
  readonly addressType: 'ipv4_addr' | 'ipv6_addr';
  readonly addressBytes: number;
  /** Registers an address takes. */
  readonly words: number;
  readonly sourceOffset: number;
  readonly destinationOffset: number;
  readonly originalSource: 'srcIp' | 'srcIp6';
  readonly originalDestination: 'dstIp' | 'dstIp6';
  /** ICMP's code for "port unreachable". */
  readonly portUnreachable: number;
}

export const families: Readonly<Record<IpFamily, Family>> = {
  IPv4: {
    name: 'IPv4',
    number: 2,
    addressType: 'ipv4_addr',
    addressBytes: 4,
    words: 1,
    sourceOffset: 12,
    destinationOffset: 16,
    originalSource: 'srcIp',
    originalDestination: 'dstIp',
    portUnreachable: 3,
  },
  IPv6: {
    name: 'IPv6',
    number: 10,
    addressType: 'ipv6_addr',
    addressBytes: 16,
    words: 4,
    sourceOffset: 8,
    destinationOffset: 24,
    originalSource: 'srcIp6',
    originalDestination: 'dstIp6',
    portUnreachable: 4,
  },
};

/** The tables that are ours, one a family, of this name and no other. */
export const tableName = 'switchyard';

const protocolNumbers: Readonly<Record<Protocol, number>> = { TCP: 6, UDP: 17, SCTP: 132 };
const protocols = ['TCP', 'UDP', 'SCTP'] as const satisfies readonly Protocol[];

/** A host-order integer, as marks and `numgen` have them. */
export function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value >>> 0, true);
  return bytes;
}

export function addressBytes(address: string): Uint8Array {
  return parseIp(address) ?? new Uint8Array(0);
}

/** address . protocol . port */
export function placeKey(address: string, protocol: Protocol, port: number): Uint8Array {
  return concatenate(addressBytes(address), portKey(protocol, port));
}

/** What `placeKey` was made of; undefined for a key that is none of ours. */
export function readPlaceKey(
  key: Uint8Array,
  { addressBytes: length }: Family,
): { readonly protocol: Protocol; readonly address: string; readonly port: number } | undefined {
  if (key.length !== length + 8) return undefined;
  const view = new DataView(key.buffer, key.byteOffset, key.length);
  const number = view.getUint8(length);
  const protocol = protocols.find((name) => protocolNumbers[name] === number);
  if (protocol === undefined) return undefined;
  return { protocol, address: formatIp(key.slice(0, length)), port: view.getUint16(length + 4) };
}

/** protocol . port */
export function portKey(protocol: Protocol, port: number): Uint8Array {
  return Uint8Array.of(protocolNumbers[protocol], 0, 0, 0, port >> 8, port & 0xff, 0, 0);
}

/** address . port */
export function socketBytes(address: string, port: number): Uint8Array {
  return concatenate(addressBytes(address), Uint8Array.of(port >> 8, port & 0xff, 0, 0));
}

export function concatenate(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function loadSource(family: Family, to: number): Expression {
  return {
    kind: 'payload',
    base: 'network',
    offset: family.sourceOffset,
    length: family.addressBytes,
    to,
  };
}

export function loadDestination(family: Family, to: number): Expression {
  return {
    kind: 'payload',
    base: 'network',
    offset: family.destinationOffset,
    length: family.addressBytes,
    to,
  };
}

/** protocol . port in two registers from `to` on. */
export function loadPort(to: number): readonly Expression[] {
  return [
    { kind: 'meta', key: 'l4proto', to },
    { kind: 'payload', base: 'transport', offset: 2, length: 2, to: to + 1 },
  ];
}

/** address . protocol . port of the packet, from register 0 on. */
export function loadPlace(family: Family): readonly Expression[] {
  return [loadDestination(family, 0), ...loadPort(family.words)];
}
