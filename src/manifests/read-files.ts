/** Finds the manifest files that paths mean, and reads them. */
import { extname, join } from 'node:path';
import { messageOf } from '../model/index.ts';
import { kindOf, listFolder, readText, SysError } from '../sys/index.ts';
import type { ManifestErrorCode, ManifestProblem } from './errors.ts';

export interface ManifestText {
  readonly file: string;
  readonly text: string;
}

export interface ManifestTexts {
  /** In the order of the paths, sorted inside folders. */
  readonly texts: readonly ManifestText[];
  readonly problems: readonly ManifestProblem[];
  /** What to watch for changes: the paths that were named, there or not, and every folder. */
  readonly watched: readonly WatchedPath[];
}

export interface WatchedPath {
  readonly path: string;
  readonly isFolder: boolean;
}

const extensions: readonly string[] = ['.yaml', '.yml', '.json'];
/** Deeper than anybody nests; ends a folder that links to itself. */
const maxDepth = 16;

/** Never rejects: what cannot be read is a problem. */
export async function readManifests(paths: readonly string[]): Promise<ManifestTexts> {
  const reading = new Reading();
  for (const path of paths) await reading.addNamed(path);
  return reading.result();
}

class Reading {
  private readonly texts: ManifestText[] = [];
  private readonly problems: ManifestProblem[] = [];
  private readonly watched: WatchedPath[] = [];
  private readonly seen = new Set<string>();

  result(): ManifestTexts {
    return { texts: this.texts, problems: this.problems, watched: this.watched };
  }

  /** A path that somebody named: a file of any name, or a folder. */
  async addNamed(path: string): Promise<void> {
    await this.guard(path, async () => {
      const kind = await kindOf(path);
      if (kind === 'folder') return await this.addFolder(path, 0);
      this.watched.push({ path, isFolder: false });
      await this.addFile(path);
    });
  }

  private async addFolder(folder: string, depth: number): Promise<void> {
    this.watched.push({ path: folder, isFolder: true });
    for (const name of await listFolder(folder)) {
      // Hidden ones are an editor's, or git's.
      if (name.startsWith('.')) continue;
      const path = join(folder, name);
      await this.guard(path, async () => {
        const kind = await kindOf(path);
        if (kind === 'folder' && depth < maxDepth) await this.addFolder(path, depth + 1);
        else if (kind === 'file' && extensions.includes(extname(name))) await this.addFile(path);
      });
    }
  }

  private async addFile(file: string): Promise<void> {
    // A file named twice, or named and in a named folder, is one file.
    if (this.seen.has(join(file))) return;
    this.seen.add(join(file));
    await this.guard(file, async () => {
      this.texts.push({ file, text: await readText(file) });
    });
  }

  private async guard(file: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      this.problems.push(readProblem(file, thrown));
    }
  }
}

function readProblem(file: string, thrown: unknown): ManifestProblem {
  const code = thrown instanceof SysError ? thrown.code : undefined;
  const place = { file, line: undefined, object: undefined, field: undefined };
  const problem = (own: ManifestErrorCode, reason: string, remedy: string): ManifestProblem => ({
    code: own,
    ...place,
    reason,
    remedy,
  });
  if (code === 'FILE_NOT_FOUND') {
    return problem('MANIFEST_NOT_FOUND', 'it does not exist', 'Check the path');
  }
  if (code === 'FILE_NOT_PERMITTED') {
    return problem('MANIFEST_NOT_PERMITTED', 'permission denied', 'Make it readable for this user');
  }
  return problem('MANIFEST_UNREADABLE', messageOf(thrown), 'Look at what the system says');
}
