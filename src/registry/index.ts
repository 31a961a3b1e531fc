/** Kinds with defaults, validation and allocation over any store. */
export { createObjectCheck, createObjectDecoder } from './inspect.ts';
export type { ObjectCheck, ObjectDecoder } from './inspect.ts';
export { createRegistry } from './registry.ts';
