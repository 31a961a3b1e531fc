/** Manifests: files and folders in, applied and reloaded on change. */
export { manifestErrors } from './errors.ts';
export { createManifestSource } from './manifest-source.ts';
