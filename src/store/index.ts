/** ObjectClient over memory, and over memory with a journal on disk. */
export { objectsFile, openDurableStore } from './durable-store.ts';
export type { DurableStore, DurableStoreOptions } from './durable-store.ts';
export { createMemoryStore } from './memory.ts';
export type { Restored } from './journal.ts';
export type { MemoryStoreClient, WantedChange } from './memory.ts';
export { placeBackup, readBackup, writeBackup, writeObjects } from './backup-file.ts';
export type { Backup } from './backup-file.ts';
export { changesBetween } from './replacement.ts';
