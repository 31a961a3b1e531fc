/** ObjectClient over memory. */
export { createMemoryStore } from './memory.ts';
export type { MemoryStoreClient, StoreSnapshot } from './memory.ts';
