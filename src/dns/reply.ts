/** Puts a response together: header, the question as it was asked, records as many as fit, and EDNS. */
import {
  headerFlags,
  headerLength,
  rcodes,
  recordTypes,
  write16,
  write32,
  type RcodeName,
  type ScannedQuery,
} from '../codec/dns/index.ts';
import type { AnswerBody } from './answer-body.ts';

/** What we take over UDP: fits an Ethernet frame with IPv6 and some tunnels (DNS flag day 2020). */
export const ownUdpSize = 1232;
/** Without EDNS (RFC 1035 4.2.1), and at least with it (RFC 6891 6.2.5). */
export const plainUdpSize = 512;
const optLength = 11;
const opcodeMask = 0x7800;
/** Bits of a query that come back in its response. */
const echoedFlags = opcodeMask | headerFlags.recursionDesired | headerFlags.checkingDisabled;

/** What of a query its reply needs. */
export type ReplyTo = Pick<ScannedQuery, 'flags' | 'questionEnd' | 'edns'>;

export interface ReplyOptions {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly recursionAvailable: boolean;
  /** The largest message that may be sent. */
  readonly limit: number;
  /** Answers that come later than they are written: 0, or how far to rotate. */
  readonly rotate: number;
}

/** Most one may send back: what the client takes over UDP, everything over TCP. */
export function udpLimit(query: ReplyTo): number {
  return Math.max(plainUdpSize, query.edns?.udpSize ?? plainUdpSize);
}

export function encodeReply(
  request: Uint8Array,
  query: ReplyTo,
  body: AnswerBody | undefined,
  options: ReplyOptions,
): Uint8Array {
  const { questionEnd, edns } = query;
  const tail = edns === undefined ? 0 : optLength;
  const room = options.limit - questionEnd - tail;
  const kept = body === undefined ? nothing : fit(body, room);
  const bytes = Buffer.allocUnsafe(questionEnd + kept.size + tail);
  bytes.set(request.subarray(0, questionEnd), 0);
  let flags = headerFlags.response | (query.flags & echoedFlags) | (options.rcode & 0xf);
  if (options.authoritative) flags |= headerFlags.authoritative;
  if (options.recursionAvailable) flags |= headerFlags.recursionAvailable;
  if (kept.truncated) flags |= headerFlags.truncated;
  write16(bytes, 2, flags);
  write16(bytes, 6, kept.answers);
  write16(bytes, 8, kept.authorities);
  write16(bytes, 10, kept.additionals + (edns === undefined ? 0 : 1));
  if (body !== undefined) copyBody(bytes, questionEnd, { body, kept, rotate: options.rotate });
  if (edns !== undefined) writeOpt(bytes, questionEnd + kept.size, options.rcode);
  return bytes;
}

interface Kept {
  readonly size: number;
  readonly answers: number;
  readonly authorities: number;
  readonly additionals: number;
  readonly truncated: boolean;
}

const nothing: Kept = { size: 0, answers: 0, authorities: 0, additionals: 0, truncated: false };

/** Whole records only. Additional ones may be missing without a word (RFC 2181 9). */
function fit(body: AnswerBody, room: number): Kept {
  const { bytes, ends, answers, authorities, additionals } = body;
  if (bytes.length <= room) {
    return { size: bytes.length, answers, authorities, additionals, truncated: false };
  }
  let count = ends.length;
  while (count > 0 && (ends[count - 1] ?? 0) > room) count--;
  const keptAnswers = Math.min(count, answers);
  const keptAuthorities = Math.min(count - keptAnswers, authorities);
  return {
    size: ends[count - 1] ?? 0,
    answers: keptAnswers,
    authorities: keptAuthorities,
    additionals: count - keptAnswers - keptAuthorities,
    truncated: count < answers + authorities,
  };
}

interface Copied {
  readonly body: AnswerBody;
  readonly kept: Kept;
  readonly rotate: number;
}

function copyBody(target: Uint8Array, at: number, { body, kept, rotate }: Copied): void {
  const { bytes, stride, answers } = body;
  const start = stride === undefined ? 0 : (rotate % answers) * stride;
  if (start === 0 || stride === undefined) {
    target.set(bytes.subarray(0, kept.size), at);
    return;
  }
  const end = answers * stride;
  const size = kept.answers * stride;
  const first = Math.min(size, end - start);
  target.set(bytes.subarray(start, start + first), at);
  if (size > first) target.set(bytes.subarray(0, size - first), at + first);
  if (kept.size > size) target.set(bytes.subarray(end, end + kept.size - size), at + size);
}

/** The OPT record of ours, with the upper bits of the rcode. */
function writeOpt(bytes: Uint8Array, at: number, rcode: number): void {
  bytes[at] = 0;
  write16(bytes, at + 1, recordTypes.OPT);
  write16(bytes, at + 3, ownUdpSize);
  write32(bytes, at + 5, (rcode >> 4) * 0x100_0000);
  write16(bytes, at + 9, 0);
}

export function isTruncated(reply: Uint8Array): boolean {
  return ((reply[2] ?? 0) & (headerFlags.truncated >> 8)) !== 0;
}

const recursionDesiredBit = headerFlags.recursionDesired >> 8;

/** A reply given before to the same question, with the id and the flags of this request. */
export function repeatReply(reply: Uint8Array, request: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(reply.length);
  bytes.set(reply);
  bytes[0] = request[0] ?? 0;
  bytes[1] = request[1] ?? 0;
  bytes[2] = ((reply[2] ?? 0) & ~recursionDesiredBit) | ((request[2] ?? 0) & recursionDesiredBit);
  bytes[3] =
    ((reply[3] ?? 0) & ~headerFlags.checkingDisabled) |
    ((request[3] ?? 0) & headerFlags.checkingDisabled);
  return bytes;
}

/** Header alone: for a message that cannot be read. */
export function encodeRefusal(request: Uint8Array, rcode: RcodeName): Uint8Array {
  const bytes = new Uint8Array(headerLength);
  bytes.set(request.subarray(0, 2), 0);
  const flags = ((request[2] ?? 0) << 8) & echoedFlags;
  write16(bytes, 2, headerFlags.response | flags | rcodes[rcode]);
  return bytes;
}
