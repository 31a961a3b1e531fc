/**
 * IP addresses, CIDRs and socket addresses as text and as network-order bytes.
 *
 * Objects and Plans hold canonical text (RFC 5952 for IPv6); bytes are for hashing and range checks.
 */

export type IpFamily = 'IPv4' | 'IPv6';

/** 4 or 16 bytes in network order. */
export type IpBytes = Uint8Array;

export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** An address range; bits of `bytes` behind `prefix` are kept as written. */
export interface Cidr {
  readonly family: IpFamily;
  readonly bytes: IpBytes;
  readonly prefix: number;
}

const dot = 0x2e;
const zero = 0x30;

/** Parses dotted-quad IPv4, without leading zeros, as Kubernetes' strict parser does. */
function parseIpv4(text: string): IpBytes | undefined {
  const bytes = new Uint8Array(4);
  let at = 0;
  let value = 0;
  let digits = 0;
  // Character by character: a start with 10,000 Services comes here some 100,000 times.
  for (let i = 0; i <= text.length; i++) {
    const code = i === text.length ? dot : text.charCodeAt(i);
    if (code === dot) {
      if (digits === 0 || at === 4) return undefined;
      bytes[at++] = value;
      value = digits = 0;
    } else {
      // No sign, no space, and no zero before another digit.
      if (code < zero || code > zero + 9 || (digits > 0 && value === 0)) return undefined;
      value = value * 10 + code - zero;
      if (value > 255) return undefined;
      digits++;
    }
  }
  return at === 4 ? bytes : undefined;
}

/** `mayEndInIpv4`: an IPv4 tail is allowed at the very end of an address only. */
function parseGroups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (part.includes('.')) {
      const tail = mayEndInIpv4 && i === parts.length - 1 ? parseIpv4(part) : undefined;
      if (tail === undefined) return undefined;
      const [a = 0, b = 0, c = 0, d = 0] = tail;
      groups.push((a << 8) | b, (c << 8) | d);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}

/** Parses RFC 4291 text, `::` and an IPv4 tail included; no zone, no brackets. */
function parseIpv6(text: string): IpBytes | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '', true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  const bytes = new Uint8Array(16);
  for (const [i, group] of groups.entries()) {
    bytes[2 * i] = group >> 8;
    bytes[2 * i + 1] = group & 0xff;
  }
  return bytes;
}

/** Undefined when `text` is not an IP address. */
export function parseIp(text: string): IpBytes | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/** Canonical text: dotted quad, or RFC 5952 (lower case, longest run of zero groups as `::`). */
export function formatIp(bytes: IpBytes): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from(
    { length: 8 },
    (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0),
  );
  // ::ffff:a.b.c.d is the form RFC 5952 (5) asks for where the prefix says the rest is IPv4.
  if (groups.slice(0, 5).every((g) => g === 0) && groups[5] === 0xffff) {
    return `::ffff:${bytes.subarray(12).join('.')}`;
  }
  const { start, length } = longestZeroRun(groups);
  const hex = groups.map((g) => g.toString(16));
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let i = 0; i <= groups.length; i++) {
    if (i < groups.length && groups[i] === 0) continue;
    if (i - start > best.length) best = { start, length: i - start };
    start = i + 1;
  }
  return best;
}

/** Canonical text of an address, or undefined when it is none. */
export function canonicalIp(text: string): string | undefined {
  const bytes = parseIp(text);
  return bytes === undefined ? undefined : formatIp(bytes);
}

/** The family of text known to be an address. */
export function familyOf(address: string): IpFamily {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

/** Undefined when `text` is not `ADDRESS/PREFIX`. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const bytes = parseIp(text.slice(0, slash));
  const prefixText = text.slice(slash + 1);
  if (bytes === undefined || !/^(0|[1-9][0-9]{0,2})$/.test(prefixText)) return undefined;
  const prefix = Number(prefixText);
  if (prefix > bytes.length * 8) return undefined;
  return { family: bytes.length === 4 ? 'IPv4' : 'IPv6', bytes, prefix };
}

export function formatCidr(cidr: Cidr): string {
  return `${formatIp(cidr.bytes)}/${cidr.prefix}`;
}

/** True when the address lies in the range; an address of the other family never does. */
export function cidrContains(cidr: Cidr, address: IpBytes): boolean {
  if (cidr.bytes.length !== address.length) return false;
  const whole = cidr.prefix >> 3;
  for (let i = 0; i < whole; i++) if (cidr.bytes[i] !== address[i]) return false;
  const rest = cidr.prefix & 7;
  if (rest === 0) return true;
  const mask = (0xff << (8 - rest)) & 0xff;
  return ((cidr.bytes[whole] ?? 0) & mask) === ((address[whole] ?? 0) & mask);
}

/** The address `offset` places behind the start of a range; the caller keeps `offset` inside it. */
export function addressInRange(cidr: Cidr, offset: number): string {
  const bytes = maskedStart(cidr);
  let carry = offset;
  for (let i = bytes.length - 1; i >= 0 && carry > 0; i--) {
    const sum = (bytes[i] ?? 0) + (carry % 256);
    bytes[i] = sum & 0xff;
    carry = Math.floor(carry / 256) + (sum >> 8);
  }
  return formatIp(bytes);
}

/** How many addresses a range has, at most 2^32. */
export function rangeSize(cidr: Cidr): number {
  return 2 ** Math.min(32, cidr.bytes.length * 8 - cidr.prefix);
}

function maskedStart(cidr: Cidr): Uint8Array {
  const bytes = Uint8Array.from(cidr.bytes);
  for (let i = 0; i < bytes.length; i++) {
    const keep = Math.min(8, Math.max(0, cidr.prefix - i * 8));
    bytes[i] = (bytes[i] ?? 0) & ((0xff << (8 - keep)) & 0xff);
  }
  return bytes;
}

/** `1.2.3.4:80` or `[::1]:80`. */
export function formatSocketAddress({ address, port }: SocketAddress): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Undefined unless `text` is `IPV4:PORT` or `[IPV6]:PORT` with a port of 1 to 65535. */
export function parseSocketAddress(text: string): SocketAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):([0-9]{1,5})$/.exec(text);
  if (match === null) return undefined;
  const address = canonicalIp(match[1] ?? match[2] ?? '');
  const port = Number(match[3]);
  if (address === undefined || port < 1 || port > 65535) return undefined;
  return { address, port };
}
