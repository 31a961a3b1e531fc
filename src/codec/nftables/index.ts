/** nf_tables over netlink: commits as bytes, what the kernel answers as values; no I/O. */
export { NftBatch } from './batch.ts';
export type { BaseHook, ElementSpec, RuleSpec, SetSpec } from './batch.ts';
export { chainsQuery, readChain } from './chain-list.ts';
export type { ChainInfo } from './chain-list.ts';
export { describeBatch } from './describe.ts';
export type { StatementText } from './describe.ts';
export type { Expression, Verdict } from './expressions.ts';
export { readBatch } from './read-batch.ts';
export type { ReadSet, Statement } from './read-batch.ts';
export {
  elementsQuery,
  generationQuery,
  readCounts,
  readKeys,
  readTable,
  someElementsQuery,
  tableQuery,
} from './queries.ts';
export type { ElementCount, TableInfo } from './queries.ts';
