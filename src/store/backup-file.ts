/**
 * Backups: a data folder's file as of one moment. One is made beside its final name and gets that in one step; one is
 * read from a copy, as opening a file writes to it, and whole before anything comes of it.
 */
import { dirname, join } from 'node:path';
import { kindKey, kinds } from '../kube/index.ts';
import { copyInto, kindOf, makePrivateFolder, placeFile, remove, SysError } from '../sys/index.ts';
import { openJournal } from './journal-thread.ts';
import type { Restored, StoredRevision } from './journal.ts';

export interface Backup {
  /** The newest revision of every object that was there; of kinds that are served. */
  readonly objects: readonly StoredRevision[];
  readonly settings: Readonly<Record<string, string>>;
  /** Of the newest change. */
  readonly version: number;
}

/** `make` writes to a file that does not exist, in a folder for this user only. Rejects with a SysError. */
export async function writeBackup(
  path: string,
  make: (path: string) => Promise<void>,
): Promise<void> {
  if ((await kindOf(dirname(path))) !== 'folder') {
    throw new SysError('FILE_NOT_FOUND', `Cannot write ${path}: its folder does not exist`, {
      remedy: 'Make the folder first, or name a file in another one',
    });
  }
  if ((await kindOf(path)) === 'folder') {
    throw new SysError('FILE_FAILED', `Cannot write ${path}: it is a folder`, {
      remedy: 'Name a file',
    });
  }
  await inScratch(dirname(path), async (scratch) => {
    const file = join(scratch, 'backup.db');
    await make(file);
    await placeFile(file, path);
  });
}

/** A journal of its own for objects that have none. */
export async function writeObjects(
  path: string,
  { restored, settings }: { restored: Restored; settings: Readonly<Record<string, string>> },
): Promise<void> {
  const journal = await openJournal({ path: `${path}.journal`, keepChanges: 0 });
  try {
    for (const [name, value] of Object.entries(settings)) await journal.setSetting(name, value);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let open = restored.revisions.length;
    const settled = (error?: unknown): void => {
      if (error !== undefined) reject(error);
      else if (--open === 0) resolve();
    };
    for (const revision of restored.revisions) {
      journal.append({ ...revision, object: JSON.stringify(revision.object) }, settled);
    }
    if (open > 0) await promise;
    await journal.copyTo(path);
  } finally {
    await journal.close();
  }
}

/** Copies a backup, after it was read whole, to a name that becomes it in one step. Rejects as `readBackup`. */
export async function placeBackup(path: string, target: string): Promise<Backup> {
  const backup = await readBackup(path, dirname(target));
  await inScratch(dirname(target), async (scratch) => {
    const file = join(scratch, 'backup.db');
    await copyInto(path, file);
    await placeFile(file, target);
  });
  return backup;
}

/** `folder` takes a copy for a while. Rejects with a SysError; DATABASE_DAMAGED or DATABASE_FOREIGN when it is no backup. */
export async function readBackup(path: string, folder: string): Promise<Backup> {
  return await inScratch(folder, async (scratch) => {
    const file = join(scratch, 'backup.db');
    try {
      await copyInto(path, file);
      const journal = await openJournal({ path: file, keepChanges: 0 });
      try {
        return newest(path, journal.takeRestored(), journal.settings);
      } finally {
        await journal.close();
      }
    } catch (thrown) {
      throw ofBackup(path, file, thrown);
    }
  });
}

function newest(path: string, { revisions }: Restored, settings: Backup['settings']): Backup {
  const last = new Map<string, StoredRevision>();
  for (const revision of revisions) {
    const { kind, namespace, name, deleted } = revision;
    const key = `${kind} ${namespace}/${name}`;
    last.delete(key);
    if (!deleted) last.set(key, revision);
  }
  if (last.size === 0) {
    throw new SysError('DATABASE_DAMAGED', `Cannot use ${path}: it is empty`);
  }
  const served = new Set(kinds.map(kindKey));
  return {
    objects: [...last.values()].filter(({ kind }) => served.has(kind)),
    settings,
    version: revisions.at(-1)?.version ?? 0,
  };
}

const another = 'Name a file that switchyard backup has written';
const remedies: Partial<Record<SysError['code'], string>> = {
  DATABASE_DAMAGED: another,
  DATABASE_FOREIGN: another,
  DATABASE_NEWER: 'Restore it with the newer version',
  FILE_NOT_FOUND: another,
};

/** The failure in terms of the file that was named. */
function ofBackup(path: string, copy: string, thrown: unknown): unknown {
  if (!(thrown instanceof SysError)) return thrown;
  const { code, message, remedy } = thrown;
  return new SysError(code, message.replaceAll(copy, path), {
    cause: thrown,
    remedy: remedies[code] ?? remedy,
  });
}

async function inScratch<T>(folder: string, work: (scratch: string) => Promise<T>): Promise<T> {
  const scratch = join(folder, `.switchyard-${Math.random().toString(36).slice(2)}`);
  await makePrivateFolder(scratch);
  try {
    return await work(scratch);
  } finally {
    await remove(scratch);
  }
}
