/** Where things stand in a message, without decoding them: enough to answer a query, and to pass an answer on. */
import { decodeName, skipName } from './name.ts';
import { read16, read32 } from './record-data.ts';
import { recordClasses, recordTypes } from './record-types.ts';
import { headerLength, type DnsQuestion } from './message.ts';

/** What an OPT record says (RFC 6891). */
export interface Edns {
  /** The largest UDP message its sender takes. */
  readonly udpSize: number;
  readonly version: number;
  readonly wantsDnssec: boolean;
}

/** A query's one question and its EDNS. */
export interface ScannedQuery {
  readonly id: number;
  readonly flags: number;
  /** As asked; its lower case is what is looked up. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Behind the question. */
  readonly questionEnd: number;
  readonly edns: Edns | undefined;
}

/** Why a message is no query that can be answered. */
export type QueryProblem =
  /** Nothing may be sent back: too short, or itself a response. */
  | 'not-a-query'
  /** The header is whole, the rest is not. */
  | 'malformed'
  | 'no-question'
  | 'several-questions';

export function scanQuery(bytes: Uint8Array): ScannedQuery | QueryProblem {
  if (bytes.length < headerLength || (bytes[2]! & 0x80) !== 0) return 'not-a-query';
  const questions = read16(bytes, 4);
  if (questions === 0) return 'no-question';
  if (questions > 1) return 'several-questions';
  const name = decodeName(bytes, headerLength);
  if (name === undefined || name.next + 4 > bytes.length) return 'malformed';
  const questionEnd = name.next + 4;
  const records = scanRecords(bytes, questionEnd);
  if (records === undefined) return 'malformed';
  const opts = records.filter((record) => record.type === recordTypes.OPT);
  const [opt] = opts;
  // RFC 6891 (6.1.1): more than one OPT is a format error, and it belongs to the root.
  if (opts.length > 1 || (opt !== undefined && bytes[opt.start] !== 0)) return 'malformed';
  return {
    id: read16(bytes, 0),
    flags: read16(bytes, 2),
    name: name.name,
    type: read16(bytes, name.next),
    class: read16(bytes, name.next + 2),
    questionEnd,
    edns: opt === undefined ? undefined : readEdns(bytes, opt.ttlAt),
  };
}

/**
 * The short way for the common query: one question of the class of the Internet, its name without pointers, and
 * nothing but an OPT of version 0 behind it. Undefined for every other message, good ones included.
 */
export function scanPlainQuery(bytes: Uint8Array): Omit<ScannedQuery, 'id' | 'name'> | undefined {
  const flags = bytes.length < headerLength ? 0xffff : read16(bytes, 2);
  const additionals = bytes[11];
  // Response bit and opcode clear; counts 1, 0, 0 and at most 1.
  if ((flags & 0xf800) !== 0 || bytes[4] !== 0 || bytes[5] !== 1 || bytes[10] !== 0)
    return undefined;
  if ((bytes[6]! | bytes[7]! | bytes[8]! | bytes[9]!) !== 0) return undefined;
  let at = headerLength;
  for (let size = bytes[at]; size !== 0; size = bytes[at]) {
    if (size === undefined || size > 63 || at > headerLength + 254) return undefined;
    at += size + 1;
  }
  const questionEnd = at + 5;
  if (at - headerLength > 254 || questionEnd > bytes.length) return undefined;
  if (read16(bytes, at + 3) !== recordClasses.IN) return undefined;
  const query = { flags, type: read16(bytes, at + 1), class: recordClasses.IN, questionEnd };
  if (additionals === 0) {
    return bytes.length === questionEnd ? { ...query, edns: undefined } : undefined;
  }
  const isOpt =
    additionals === 1 &&
    bytes.length >= questionEnd + 11 &&
    bytes[questionEnd] === 0 &&
    read16(bytes, questionEnd + 1) === recordTypes.OPT &&
    bytes[questionEnd + 6] === 0 &&
    bytes.length === questionEnd + 11 + read16(bytes, questionEnd + 9);
  if (!isOpt) return undefined;
  const ttlAt = questionEnd + 5;
  return { ...query, edns: readEdns(bytes, ttlAt) };
}

/** The question of a message that has exactly one, and where it ends; undefined otherwise. */
export function scanQuestion(
  bytes: Uint8Array,
): (DnsQuestion & { readonly end: number }) | undefined {
  if (bytes.length < headerLength || read16(bytes, 4) !== 1) return undefined;
  const name = decodeName(bytes, headerLength);
  if (name === undefined || name.next + 4 > bytes.length) return undefined;
  const end = name.next + 4;
  return { name: name.name, type: read16(bytes, end - 4), class: read16(bytes, end - 2), end };
}

export interface ScannedRecord {
  readonly section: 'answer' | 'authority' | 'additional';
  readonly type: number;
  readonly start: number;
  /** Where its four bytes of TTL stand; its type and class stand before. */
  readonly ttlAt: number;
  readonly end: number;
}

const sections = ['answer', 'authority', 'additional'] as const;

/** The records behind the question; undefined when the counts and the bytes do not agree. */
export function scanRecords(
  bytes: Uint8Array,
  questionEnd: number,
): readonly ScannedRecord[] | undefined {
  const records: ScannedRecord[] = [];
  let at = questionEnd;
  for (const [i, section] of sections.entries()) {
    for (let left = read16(bytes, 6 + 2 * i); left > 0; left--) {
      const fields = skipName(bytes, at);
      if (fields === undefined || fields + 10 > bytes.length) return undefined;
      const end = fields + 10 + read16(bytes, fields + 8);
      if (end > bytes.length) return undefined;
      records.push({ section, type: read16(bytes, fields), start: at, ttlAt: fields + 4, end });
      at = end;
    }
  }
  return at === bytes.length ? records : undefined;
}

function readEdns(bytes: Uint8Array, ttlAt: number): Edns {
  return {
    udpSize: read16(bytes, ttlAt - 2),
    version: bytes[ttlAt + 1]!,
    wantsDnssec: (read32(bytes, ttlAt) & 0x8000) !== 0,
  };
}
