/** Answers as bytes: what follows the question, ready to be copied behind any spelling of it. */
import {
  encodeName,
  encodeRecord,
  headerLength,
  recordBound,
  recordTypes,
  type DnsQuestion,
  type DnsRecord,
  type NameOffsets,
} from '../codec/dns/index.ts';

export interface AnswerBody {
  /** The records, without the question before them. */
  readonly bytes: Uint8Array;
  /** Where each record ends in `bytes`. */
  readonly ends: readonly number[];
  readonly answers: number;
  readonly authorities: number;
  readonly additionals: number;
  /** Bytes of each answer when all are addresses of one name: such answers can be rotated. */
  readonly stride: number | undefined;
}

interface Sections {
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

/** Owners equal to the question's name become pointers to it, so that answers echo its case. */
export function encodeBody(question: DnsQuestion, sections: Sections): AnswerBody {
  const records = [...sections.answers, ...sections.authorities, ...sections.additionals];
  const bound = records.reduce((sum, record) => sum + recordBound(record), 0);
  const questionBound = 255 + 4;
  const bytes = new Uint8Array(headerLength + questionBound + bound);
  const offsets: NameOffsets = new Map();
  const start = encodeName(bytes, headerLength, question.name, offsets) + 4;
  const ends: number[] = [];
  let at = start;
  for (const record of records) ends.push((at = encodeRecord(bytes, at, record, offsets)) - start);
  return {
    bytes: bytes.slice(start, at),
    ends,
    answers: sections.answers.length,
    authorities: sections.authorities.length,
    additionals: sections.additionals.length,
    stride: strideOf(question, sections.answers, ends),
  };
}

function strideOf(
  question: DnsQuestion,
  answers: readonly DnsRecord[],
  ends: readonly number[],
): number | undefined {
  const isRotated = question.type === recordTypes.A || question.type === recordTypes.AAAA;
  const first = answers[0]?.name;
  if (!isRotated || answers.length < 2) return undefined;
  if (!answers.every(({ name, type }) => name === first && type === question.type)) {
    return undefined;
  }
  return ends[0];
}
