/** What records carry: one shape a type, and `opaque` bytes for the types nobody here knows (RFC 3597). */
import { formatIp, parseIp } from '../../model/index.ts';
import { decodeName, encodeName, nameLength, type NameOffsets } from './name.ts';
import { recordClasses, recordTypes } from './record-types.ts';

export interface SoaData {
  readonly kind: 'SOA';
  readonly primary: string;
  readonly mailbox: string;
  readonly serial: number;
  readonly refreshSeconds: number;
  readonly retrySeconds: number;
  readonly expireSeconds: number;
  readonly negativeTtlSeconds: number;
}

export type RecordData =
  | { readonly kind: 'A' | 'AAAA'; readonly address: string }
  | { readonly kind: 'CNAME' | 'NS' | 'PTR'; readonly target: string }
  | {
      readonly kind: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    }
  /** Bytes as characters of Latin-1, at most 255 a text. */
  | { readonly kind: 'TXT'; readonly texts: readonly string[] }
  | SoaData
  | {
      readonly kind: 'OPT';
      readonly options: readonly { readonly code: number; readonly bytes: Uint8Array }[];
    }
  | { readonly kind: 'opaque'; readonly bytes: Uint8Array };

/** Undefined when the bytes are not what the type asks for. */
export function decodeRecordData(
  bytes: Uint8Array,
  at: {
    readonly start: number;
    readonly end: number;
    readonly type: number;
    readonly class: number;
  },
): RecordData | undefined {
  const { start, end, type } = at;
  const isInternet = at.class === recordClasses.IN;
  switch (type) {
    case recordTypes.A:
    case recordTypes.AAAA: {
      if (!isInternet) break;
      const size = type === recordTypes.A ? 4 : 16;
      if (end - start !== size) return undefined;
      const address = formatIp(bytes.subarray(start, end));
      return { kind: size === 4 ? 'A' : 'AAAA', address };
    }
    case recordTypes.NS:
      return decodeTarget(bytes, start, end, 'NS');
    case recordTypes.CNAME:
      return decodeTarget(bytes, start, end, 'CNAME');
    case recordTypes.PTR:
      return decodeTarget(bytes, start, end, 'PTR');
    case recordTypes.SOA:
      return decodeSoa(bytes, start, end);
    case recordTypes.SRV:
      if (isInternet) return decodeSrv(bytes, start, end);
      break;
    case recordTypes.TXT:
      return decodeTexts(bytes, start, end);
    case recordTypes.OPT:
      return decodeOptions(bytes, start, end);
    default:
      break;
  }
  return { kind: 'opaque', bytes: bytes.slice(start, end) };
}

function decodeTarget(
  bytes: Uint8Array,
  start: number,
  end: number,
  kind: 'CNAME' | 'NS' | 'PTR',
): RecordData | undefined {
  const decoded = decodeName(bytes, start);
  return decoded?.next === end ? { kind, target: decoded.name } : undefined;
}

function decodeSrv(bytes: Uint8Array, start: number, end: number): RecordData | undefined {
  const target = start + 6 < end ? decodeName(bytes, start + 6) : undefined;
  if (target?.next !== end) return undefined;
  return {
    kind: 'SRV',
    priority: read16(bytes, start),
    weight: read16(bytes, start + 2),
    port: read16(bytes, start + 4),
    target: target.name,
  };
}

function decodeSoa(bytes: Uint8Array, start: number, end: number): RecordData | undefined {
  const primary = decodeName(bytes, start);
  const mailbox = primary === undefined ? undefined : decodeName(bytes, primary.next);
  if (primary === undefined || mailbox === undefined) return undefined;
  const at = mailbox.next;
  if (at + 20 !== end) return undefined;
  return {
    kind: 'SOA',
    primary: primary.name,
    mailbox: mailbox.name,
    serial: read32(bytes, at),
    refreshSeconds: read32(bytes, at + 4),
    retrySeconds: read32(bytes, at + 8),
    expireSeconds: read32(bytes, at + 12),
    negativeTtlSeconds: read32(bytes, at + 16),
  };
}

function decodeTexts(bytes: Uint8Array, start: number, end: number): RecordData | undefined {
  const texts: string[] = [];
  for (let at = start; at < end;) {
    const next = at + 1 + bytes[at]!;
    if (next > end) return undefined;
    texts.push(String.fromCharCode(...bytes.subarray(at + 1, next)));
    at = next;
  }
  return texts.length === 0 ? undefined : { kind: 'TXT', texts };
}

function decodeOptions(bytes: Uint8Array, start: number, end: number): RecordData | undefined {
  const options: { code: number; bytes: Uint8Array }[] = [];
  for (let at = start; at < end;) {
    if (at + 4 > end) return undefined;
    const next = at + 4 + read16(bytes, at + 2);
    if (next > end) return undefined;
    options.push({ code: read16(bytes, at), bytes: bytes.slice(at + 4, next) });
    at = next;
  }
  return { kind: 'OPT', options };
}

/** Bytes that `encodeRecordData` writes, given the same `offsets`. */
export function recordDataLength(data: RecordData): number {
  switch (data.kind) {
    case 'A':
      return 4;
    case 'AAAA':
      return 16;
    case 'CNAME':
    case 'NS':
    case 'PTR':
      return nameLength(data.target);
    case 'SRV':
      return 6 + nameLength(data.target);
    case 'SOA':
      return nameLength(data.primary) + nameLength(data.mailbox) + 20;
    case 'TXT':
      return data.texts.reduce((sum, text) => sum + 1 + text.length, 0);
    case 'OPT':
      return data.options.reduce((sum, option) => sum + 4 + option.bytes.length, 0);
    case 'opaque':
      return data.bytes.length;
  }
}

/**
 * Writes the data and returns the offset behind it. Names of the types that RFC 1035 made are pointed to through
 * `offsets`; an SRV target never is (RFC 2782).
 */
export function encodeRecordData(
  bytes: Uint8Array,
  at: number,
  data: RecordData,
  offsets?: NameOffsets,
  base = 0,
): number {
  switch (data.kind) {
    case 'A':
    case 'AAAA':
      return encodeAddress(bytes, at, data);
    case 'CNAME':
    case 'NS':
    case 'PTR':
      return encodeName(bytes, at, data.target, offsets, base);
    case 'SRV':
      write16(bytes, at, data.priority);
      write16(bytes, at + 2, data.weight);
      write16(bytes, at + 4, data.port);
      return encodeName(bytes, at + 6, data.target);
    case 'SOA': {
      const mailbox = encodeName(bytes, at, data.primary, offsets, base);
      const numbers = encodeName(bytes, mailbox, data.mailbox, offsets, base);
      write32(bytes, numbers, data.serial);
      write32(bytes, numbers + 4, data.refreshSeconds);
      write32(bytes, numbers + 8, data.retrySeconds);
      write32(bytes, numbers + 12, data.expireSeconds);
      write32(bytes, numbers + 16, data.negativeTtlSeconds);
      return numbers + 20;
    }
    case 'TXT':
      return encodeTexts(bytes, at, data.texts);
    case 'OPT': {
      let next = at;
      for (const option of data.options) {
        write16(bytes, next, option.code);
        write16(bytes, next + 2, option.bytes.length);
        bytes.set(option.bytes, next + 4);
        next += 4 + option.bytes.length;
      }
      return next;
    }
    case 'opaque':
      bytes.set(data.bytes, at);
      return at + data.bytes.length;
  }
}

function encodeAddress(
  bytes: Uint8Array,
  at: number,
  { kind, address }: { readonly kind: 'A' | 'AAAA'; readonly address: string },
): number {
  const parsed = parseIp(address);
  if (parsed?.length !== (kind === 'A' ? 4 : 16)) {
    throw new RangeError(`Cannot encode ${JSON.stringify(address)}: no address for ${kind}`);
  }
  bytes.set(parsed, at);
  return at + parsed.length;
}

function encodeTexts(bytes: Uint8Array, at: number, texts: readonly string[]): number {
  let next = at;
  for (const text of texts) {
    if (text.length > 255) throw new RangeError('Cannot encode a text of more than 255 bytes');
    bytes[next++] = text.length;
    for (let i = 0; i < text.length; i++) bytes[next++] = text.charCodeAt(i);
  }
  return next;
}

export function read16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

export function read32(bytes: Uint8Array, at: number): number {
  return read16(bytes, at) * 0x1_0000 + read16(bytes, at + 2);
}

export function write16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value;
}

export function write32(bytes: Uint8Array, at: number, value: number): void {
  write16(bytes, at, Math.floor(value / 0x1_0000));
  write16(bytes, at + 2, value % 0x1_0000);
}
