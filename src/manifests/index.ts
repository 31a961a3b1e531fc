/** Manifests: files and folders in, applied and reloaded on change. */
export { ManifestError, manifestErrors } from './errors.ts';
export type { ManifestProblem } from './errors.ts';
export { createManifestSource } from './manifest-source.ts';
export type { ManifestReport, ManifestSourceOptions } from './manifest-source.ts';
