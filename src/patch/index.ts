/** Patches of every type, server-side apply, and who owns which field: pure. */
export { applyJsonPatch } from './json-patch.ts';
export { ownersAfterUpdate } from './managed-fields.ts';
export { applyConfiguration } from './server-side-apply.ts';
export { applyStrategicMerge } from './strategic-merge.ts';
export { ShapeMemory } from './shape-memory.ts';
