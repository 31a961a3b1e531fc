/** nf_tables over netlink: commits as bytes, what the kernel answers as values; no I/O. */
export { NftBatch } from './batch.ts';
export type { BaseHook, ElementSpec, RuleSpec, SetSpec } from './batch.ts';
export { chainsQuery, readChain } from './chain-list.ts';
export type { ChainInfo } from './chain-list.ts';
export { describeBatch, formatKey, formatValue } from './describe.ts';
export type { StatementText } from './describe.ts';
export type { Expression, Verdict } from './expressions.ts';
export { chainOfRule, readBatch, readListed } from './read-batch.ts';
export type { BatchStatement, ReadSet } from './read-batch.ts';
export {
  elementsQuery,
  generationQuery,
  listQuery,
  readCounts,
  readElements,
  readTable,
  someElementsQuery,
  tableQuery,
} from './queries.ts';
export type { ElementCount, TableElement, TableInfo } from './queries.ts';
