/** Takes a response apart as far as passing it on needs: records stay the bytes they are. */
import {
  headerFlags,
  rcodes,
  read16,
  read32,
  recordTypes,
  scanQuestion,
  scanRecords,
} from '../../codec/dns/index.ts';
import type { ForeignAnswer } from './answer-cache.ts';

/** As CoreDNS: positive answers for an hour at most, negative ones for half of it, and neither for less than this. */
const maxPositiveSeconds = 3_600;
const maxNegativeSeconds = 1_800;
const minSeconds = 5;

/** Undefined when the message is malformed. */
export function readForeignAnswer(message: Uint8Array): ForeignAnswer | undefined {
  const question = scanQuestion(message);
  const records = question === undefined ? undefined : scanRecords(message, question.end);
  if (question === undefined || records === undefined) return undefined;
  const opt = records.findIndex(({ type }) => type === recordTypes.OPT);
  // EDNS is between neighbours: ours is written anew. What stands behind theirs may be pointed to, so it goes too.
  const kept = opt < 0 ? records : records.slice(0, opt);
  const start = question.end;
  const end = kept.at(-1)?.end ?? start;
  const count = (section: string): number => kept.filter((r) => r.section === section).length;
  const ttls = kept.map(({ ttlAt }) => read32(message, ttlAt));
  const rcode = read16(message, 2) & 0xf;
  const soa = kept.find(({ type, section }) => type === recordTypes.SOA && section === 'authority');
  return {
    rcode,
    body: {
      bytes: message.slice(start, end),
      ends: kept.map((record) => record.end - start),
      answers: count('answer'),
      authorities: count('authority'),
      additionals: count('additional'),
      stride: undefined,
    },
    ttlAts: kept.map(({ ttlAt }) => ttlAt - start),
    ttls,
    message,
    keepSeconds: keepSeconds(message, {
      rcode,
      ttls,
      hasAnswers: count('answer') > 0,
      soaMinimum: soa === undefined ? undefined : read32(message, soa.end - 4),
    }),
  };
}

interface Facts {
  readonly rcode: number;
  readonly ttls: readonly number[];
  readonly hasAnswers: boolean;
  readonly soaMinimum: number | undefined;
}

function keepSeconds(message: Uint8Array, facts: Facts): number | undefined {
  const { rcode, ttls, hasAnswers, soaMinimum } = facts;
  if ((read16(message, 2) & headerFlags.truncated) !== 0) return undefined;
  const least = ttls.reduce((min, ttl) => Math.min(min, ttl), maxPositiveSeconds);
  if (rcode === rcodes.NOERROR && hasAnswers) return Math.max(minSeconds, least);
  if (rcode !== rcodes.NOERROR && rcode !== rcodes.NXDOMAIN) return undefined;
  // RFC 2308 (5): a denial without an SOA is not kept.
  if (soaMinimum === undefined) return undefined;
  return Math.max(minSeconds, Math.min(least, soaMinimum, maxNegativeSeconds));
}
