/** Kinds with defaults, validation and allocation over any store. */
export { createObjectCheck, createObjectDecoder } from './inspect.ts';
export type { ObjectCheck, ObjectDecoder } from './inspect.ts';
export { createRegistry } from './registry.ts';
export type { ObjectRegistry } from './registry.ts';
export type { FieldWrite, Revision, TrackFields, WriteContext } from './write-context.ts';
