/** Manifests: files and folders in, applied and reloaded on change. */
export { manifestErrors } from './errors.ts';
export type { ManifestProblem } from './errors.ts';
export { describeObject, interpretManifests, loadManifests } from './load.ts';
export type { DesiredObject, LoadedManifests, SkippedDocument } from './load.ts';
export { createManifestSource } from './manifest-source.ts';
