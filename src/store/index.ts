/** ObjectClient over memory. */
export { createMemoryStore } from './memory.ts';
