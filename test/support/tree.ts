/** The repository's files, for tests that read all of them. Git is not asked: a tarball has none. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Source } from './house.ts';

export const root = dirname(dirname(import.meta.dirname));

const notOurs = new Set(['node_modules', 'dist', '.git', '.cache']);

/** Paths of all files below a folder of the repository, from its root, sorted. */
export function listFiles(folder: string, suffix: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return notOurs.has(entry.name) ? [] : listFiles(path, suffix);
      return path.endsWith(suffix) ? [relative('.', path)] : [];
    })
    .toSorted();
}

export function readSource(file: string): Source {
  return { file, text: readFileSync(join(root, file), 'utf8') };
}
