/** ObjectClient over memory. */
export { createMemoryStore } from './memory.ts';
export type { MemoryStoreOptions } from './memory.ts';
