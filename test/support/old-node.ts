/** Finds a Node on this host that is too old for Switchyard, for what must work, or fail well, under one. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Path of the first Node 18 to 25 on PATH; undefined when there is none. */
export function findOldNode(): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'node'))
    .find((node) => {
      if (!existsSync(node)) return false;
      const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout ?? '';
      return /^v(18|2[0-5])\./.test(version);
    });
}
