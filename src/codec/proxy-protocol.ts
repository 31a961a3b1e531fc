/**
 * The PROXY protocol, versions 1 and 2 (haproxy/doc/proxy-protocol.txt): the words before a connection that tell a
 * backend who its client is.
 */
import {
  canonicalIp,
  familyOf,
  formatIp,
  parseIp,
  type IpBytes,
  type SocketAddress,
} from '../model/index.ts';

export type ProxyVersion = 'v1' | 'v2';

/** The two ends of the client's own connection, of one address family. */
export interface ProxyEnds {
  readonly source: SocketAddress;
  readonly destination: SocketAddress;
}

export type DecodedProxyHeader =
  | {
      readonly kind: 'header';
      readonly version: ProxyVersion;
      /** Undefined when whoever sent it speaks for itself, or does not know. */
      readonly ends: ProxyEnds | undefined;
      /** Bytes of the header; the connection's own follow. */
      readonly length: number;
    }
  /** So far it may become one: more bytes are needed. */
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'invalid'; readonly problem: string };

/** `\r\n\r\n\0\r\nQUIT\n`: no text protocol begins like that. */
const signature = Uint8Array.of(13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10);
const fixedLength = 16;
const versionAndLocal = 0x20;
const versionAndProxy = 0x21;
const ipv4Stream = 0x11;
const ipv6Stream = 0x21;

/** The longest line of version 1, its end included. */
const maxLineLength = 107;

/** Addresses that do not parse, or are of two families, become "not known". */
export function encodeProxyHeader(version: ProxyVersion, ends: ProxyEnds): Uint8Array {
  const source = parseIp(ends.source.address);
  const destination = parseIp(ends.destination.address);
  const known =
    source !== undefined && destination !== undefined && source.length === destination.length;
  if (version === 'v1') return encodeLine(known ? ends : undefined);
  return known ? encodeBinary(ends, source, destination) : encodeFixed(versionAndLocal, 0, 0);
}

function encodeLine(ends: ProxyEnds | undefined): Uint8Array {
  if (ends === undefined) return bytesOf('PROXY UNKNOWN\r\n');
  const { source, destination } = ends;
  const family = familyOf(source.address) === 'IPv6' ? 'TCP6' : 'TCP4';
  const words = [family, source.address, destination.address, source.port, destination.port];
  return bytesOf(`PROXY ${words.join(' ')}\r\n`);
}

function encodeBinary(ends: ProxyEnds, source: IpBytes, destination: IpBytes): Uint8Array {
  const size = source.length;
  const family = size === 4 ? ipv4Stream : ipv6Stream;
  const header = encodeFixed(versionAndProxy, family, 2 * size + 4);
  header.set(source, fixedLength);
  header.set(destination, fixedLength + size);
  const view = new DataView(header.buffer);
  view.setUint16(fixedLength + 2 * size, ends.source.port);
  view.setUint16(fixedLength + 2 * size + 2, ends.destination.port);
  return header;
}

function encodeFixed(command: number, family: number, length: number): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(fixedLength + length);
  header.set(signature);
  header[12] = command;
  header[13] = family;
  new DataView(header.buffer).setUint16(14, length);
  return header;
}

/** Reads a header at the beginning of `bytes`; never throws. */
export function decodeProxyHeader(bytes: Uint8Array): DecodedProxyHeader {
  if (startsLike(bytes, signature)) {
    return bytes.length < fixedLength ? { kind: 'incomplete' } : decodeBinary(bytes);
  }
  if (startsLike(bytes, bytesOf('PROXY '))) return decodeLine(bytes);
  return invalid('it begins like neither version');
}

/** True when one begins with the other, whichever is shorter. */
function startsLike(bytes: Uint8Array, wanted: Uint8Array): boolean {
  const length = Math.min(bytes.length, wanted.length);
  for (let i = 0; i < length; i++) if (bytes[i] !== wanted[i]) return false;
  return true;
}

function decodeLine(bytes: Uint8Array): DecodedProxyHeader {
  const end = bytes.subarray(0, maxLineLength).indexOf(10);
  if (end < 0) {
    return bytes.length < maxLineLength ? { kind: 'incomplete' } : invalid('its line does not end');
  }
  const text = String.fromCharCode(...bytes.subarray(0, end + 1));
  const length = end + 1;
  if (/^PROXY UNKNOWN( [^\r\n]*)?\r\n$/.test(text)) {
    return { kind: 'header', version: 'v1', ends: undefined, length };
  }
  const match = /^PROXY TCP([46]) (\S+) (\S+) ([0-9]{1,5}) ([0-9]{1,5})\r\n$/.exec(text);
  if (match === null) return invalid('its line cannot be read');
  const [, family, from = '', to = '', fromPort, toPort] = match;
  const source = endOf(from, fromPort);
  const destination = endOf(to, toPort);
  const wanted = family === '6' ? 'IPv6' : 'IPv4';
  if (source === undefined || destination === undefined) return invalid('an address is none');
  if ([source, destination].some(({ address }) => familyOf(address) !== wanted)) {
    return invalid('an address is of another family');
  }
  return { kind: 'header', version: 'v1', ends: { source, destination }, length };
}

function endOf(text: string, portText: string | undefined): SocketAddress | undefined {
  const address = canonicalIp(text);
  const port = Number(portText);
  return address === undefined || port > 65_535 ? undefined : { address, port };
}

function decodeBinary(bytes: Uint8Array): DecodedProxyHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const command = view.getUint8(12);
  const family = view.getUint8(13);
  const length = fixedLength + view.getUint16(14);
  if (command !== versionAndProxy && command !== versionAndLocal) {
    return invalid('its version or command is unknown');
  }
  const size = family === ipv4Stream ? 4 : family === ipv6Stream ? 16 : 0;
  const known = command === versionAndProxy && size > 0;
  if (known && length < fixedLength + 2 * size + 4) return invalid('its addresses are cut short');
  if (bytes.length < length) return { kind: 'incomplete' };
  if (!known) return { kind: 'header', version: 'v2', ends: undefined, length };
  const endAt = (address: number, port: number): SocketAddress => ({
    address: formatIp(bytes.subarray(address, address + size)),
    port: view.getUint16(port),
  });
  const ports = fixedLength + 2 * size;
  const source = endAt(fixedLength, ports);
  const destination = endAt(fixedLength + size, ports + 2);
  return { kind: 'header', version: 'v2', ends: { source, destination }, length };
}

function invalid(problem: string): DecodedProxyHeader {
  return { kind: 'invalid', problem };
}

function bytesOf(ascii: string): Uint8Array {
  return Uint8Array.from(ascii, (character) => character.charCodeAt(0));
}
