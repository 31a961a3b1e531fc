/** What this host is: platform, Node, and which programs are on its PATH. */
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import process from 'node:process';

export interface HostFacts {
  /** Node's name of it: `linux`, `darwin`. */
  readonly platform: string;
  /** Without the `v`. */
  readonly nodeVersion: string;
}

export function hostFacts(): HostFacts {
  return { platform: process.platform, nodeVersion: process.versions.node };
}

/** Where the program is; undefined when it is not on PATH. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // Not here.
    }
  }
  return undefined;
}
