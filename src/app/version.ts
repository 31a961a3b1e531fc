/** Which Switchyard this is, and how a person calls it from where they stand. */
import { createRequire } from 'node:module';
import { packageFile } from '../sys/index.ts';

const manifest: unknown = createRequire(import.meta.url)(packageFile('package.json'));

export const version: string =
  typeof manifest === 'object' &&
  manifest !== null &&
  'version' in manifest &&
  typeof manifest.version === 'string'
    ? manifest.version
    : 'unknown';

/** From a checkout the launcher beside the sources, installed the command on the path. */
export const programName: string = import.meta.url.endsWith('.ts') ? './switchyard' : 'switchyard';
