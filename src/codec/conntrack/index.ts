/** Connection tracking over netlink: questions and entries, no I/O. */
export { deleteRequest, dumpQuery, entryQuery, readEntry } from './entry.ts';
export type { ConntrackEntry, Tuple } from './entry.ts';
