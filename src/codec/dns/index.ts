/** DNS on the wire: names, records, messages; bytes in, bytes out, nothing else. */
export {
  decodeMessage,
  encodeMessage,
  encodeRecord,
  headerLength,
  recordBound,
} from './message.ts';
export type { DnsMessage, DnsQuestion, DnsRecord } from './message.ts';
export { encodeName, isName } from './name.ts';
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
export { scanPlainQuery, scanQuery, scanQuestion, scanRecords } from './scan.ts';
export type { ScannedQuery } from './scan.ts';
