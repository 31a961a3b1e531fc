/** DNS on the wire: names, records, messages; bytes in, bytes out, nothing else. */
export {
  decodeMessage,
  encodeMessage,
  encodeRecord,
  headerLength,
  maxMessageLength,
  recordBound,
} from './message.ts';
export type { DnsMessage, DnsQuestion, DnsRecord } from './message.ts';
export { decodeName, encodeName, isName, parseName } from './name.ts';
export type { NameOffsets } from './name.ts';
export { read16, read32, write16, write32 } from './record-data.ts';
export type { RecordData, SoaData } from './record-data.ts';
export {
  formatRcode,
  formatType,
  headerFlags,
  parseType,
  rcodes,
  recordClasses,
  recordTypes,
} from './record-types.ts';
export type { RcodeName } from './record-types.ts';
export { scanQuery, scanRecords } from './scan.ts';
export type { QueryProblem, ScannedQuery, ScannedRecord } from './scan.ts';
