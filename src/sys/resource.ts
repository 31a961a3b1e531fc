/**
 * Finds workers and assets of Switchyard itself, in the sources and in the build: `new URL('./x.ts')` written
 * elsewhere would still say `.ts` in dist.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SysError } from './errors.ts';

const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

/** The file of a module of ours, named from the source root without extension: `node/demo-backend`. */
export function moduleFile(name: string): string {
  return existing(`../${name}${extension}`, name);
}

/** A file beside the sources, named from the package root: `examples/shop.yaml`. */
export function packageFile(name: string): string {
  return existing(`../../${name}`, name);
}

function existing(relative: string, name: string): string {
  const path = fileURLToPath(new URL(relative, import.meta.url));
  if (!existsSync(path)) {
    throw new SysError('RESOURCE_MISSING', `Cannot find ${name}: ${path} does not exist`, {
      remedy: 'Install Switchyard again; its files are incomplete',
    });
  }
  return path;
}
