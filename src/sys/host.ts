/** What this host is: platform, Node, and which programs are on its PATH. */
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { hostname, networkInterfaces, release } from 'node:os';
import process from 'node:process';

export interface HostFacts {
  /** Node's name of it: `linux`, `darwin`. */
  readonly platform: string;
  /** Without the `v`. */
  readonly nodeVersion: string;
  /** Of the system: `6.1.0-9-amd64`. */
  readonly release: string;
}

export function hostFacts(): HostFacts {
  return { platform: process.platform, nodeVersion: process.versions.node, release: release() };
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

/** Of every interface, in the order the system gives them; link-local ones, which need an interface to mean anything, not. */
export function interfaceAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ scopeid = 0 }) => scopeid === 0)
    .map(({ address }) => address);
}

/** What this host calls itself, in lower case as Nodes are named. */
export function hostName(): string {
  return hostname().toLowerCase();
}
