/** Connection tracking over netlink: questions and entries, no I/O. */
export { deleteRequest, dumpQuery, entryQuery, readEntry } from './entry.ts';
export type { ConntrackEntry, DumpOptions, Tuple } from './entry.ts';
export { conntrackGroups } from './numbers.ts';
export { EntryScan } from './scan.ts';
