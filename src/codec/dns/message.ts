/** Whole DNS messages (RFC 1035), to bytes and back. */
import { decodeName, encodeName, nameLength, type NameOffsets } from './name.ts';
import {
  decodeRecordData,
  encodeRecordData,
  read16,
  read32,
  recordDataLength,
  write16,
  write32,
  type RecordData,
} from './record-data.ts';

export interface DnsQuestion {
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

export interface DnsRecord {
  readonly name: string;
  readonly type: number;
  /** For OPT: the UDP size its sender takes. */
  readonly class: number;
  /** For OPT: the upper bits of the rcode, the EDNS version, and flags. */
  readonly ttlSeconds: number;
  readonly data: RecordData;
}

export interface DnsMessage {
  readonly id: number;
  /** The header's second word: see `headerFlags`; opcode and rcode are bits of it. */
  readonly flags: number;
  readonly questions: readonly DnsQuestion[];
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

export const headerLength = 12;
/** What TCP's two bytes of length can say. */
const maxMessageLength = 0xffff;

/** Undefined when the bytes are no message, or go on behind it. */
export function decodeMessage(bytes: Uint8Array): DnsMessage | undefined {
  if (bytes.length < headerLength || bytes.length > maxMessageLength) return undefined;
  let at = headerLength;
  const questions: DnsQuestion[] = [];
  for (let left = read16(bytes, 4); left > 0; left--) {
    const name = decodeName(bytes, at);
    if (name === undefined || name.next + 4 > bytes.length) return undefined;
    const type = read16(bytes, name.next);
    questions.push({ name: name.name, type, class: read16(bytes, name.next + 2) });
    at = name.next + 4;
  }
  const sections: DnsRecord[][] = [[], [], []];
  for (const [i, section] of sections.entries()) {
    for (let left = read16(bytes, 6 + 2 * i); left > 0; left--) {
      const decoded = decodeRecord(bytes, at);
      if (decoded === undefined) return undefined;
      section.push(decoded.record);
      at = decoded.next;
    }
  }
  if (at !== bytes.length) return undefined;
  const [answers = [], authorities = [], additionals = []] = sections;
  const id = read16(bytes, 0);
  return { id, flags: read16(bytes, 2), questions, answers, authorities, additionals };
}

function decodeRecord(
  bytes: Uint8Array,
  at: number,
): { readonly record: DnsRecord; readonly next: number } | undefined {
  const name = decodeName(bytes, at);
  if (name === undefined || name.next + 10 > bytes.length) return undefined;
  const start = name.next + 10;
  const end = start + read16(bytes, name.next + 8);
  if (end > bytes.length) return undefined;
  const type = read16(bytes, name.next);
  const recordClass = read16(bytes, name.next + 2);
  const data = decodeRecordData(bytes, { start, end, type, class: recordClass });
  if (data === undefined) return undefined;
  const ttlSeconds = read32(bytes, name.next + 4);
  return { record: { name: name.name, type, class: recordClass, ttlSeconds, data }, next: end };
}

/** Bytes that suffice for `encodeMessage`: what it would write without pointers. */
export function messageBound(message: DnsMessage): number {
  let length = headerLength;
  for (const { name } of message.questions) length += nameLength(name) + 4;
  for (const record of recordsOf(message)) length += recordBound(record);
  return length;
}

/** Bytes that suffice for one record. */
export function recordBound({ name, data }: DnsRecord): number {
  return nameLength(name) + 10 + recordDataLength(data);
}

/** The message alone, names pointed to where that is allowed. Throws a RangeError for names that are none. */
export function encodeMessage(message: DnsMessage): Uint8Array {
  const bytes = new Uint8Array(messageBound(message));
  return bytes.subarray(0, encodeMessageAt(bytes, 0, message));
}

/** Writes the message at `base` and returns the offset behind it; pointers count from `base`. */
export function encodeMessageAt(bytes: Uint8Array, base: number, message: DnsMessage): number {
  const offsets: NameOffsets = new Map();
  const { questions, answers, authorities, additionals } = message;
  const words = [
    message.id,
    message.flags,
    ...[questions, answers, authorities, additionals].map((section) => section.length),
  ];
  for (const [i, word] of words.entries()) write16(bytes, base + 2 * i, word);
  let at = base + headerLength;
  for (const question of questions) {
    at = encodeName(bytes, at, question.name, offsets, base);
    write16(bytes, at, question.type);
    write16(bytes, at + 2, question.class);
    at += 4;
  }
  for (const record of recordsOf(message)) at = encodeRecord(bytes, at, record, offsets, base);
  return at;
}

/** Writes one record and returns the offset behind it. */
export function encodeRecord(
  bytes: Uint8Array,
  at: number,
  record: DnsRecord,
  offsets: NameOffsets,
  base = 0,
): number {
  const fields = encodeName(bytes, at, record.name, offsets, base);
  write16(bytes, fields, record.type);
  write16(bytes, fields + 2, record.class);
  write32(bytes, fields + 4, record.ttlSeconds);
  const end = encodeRecordData(bytes, fields + 10, record.data, offsets, base);
  write16(bytes, fields + 8, end - fields - 10);
  return end;
}

function* recordsOf(message: DnsMessage): Iterable<DnsRecord> {
  yield* message.answers;
  yield* message.authorities;
  yield* message.additionals;
}
