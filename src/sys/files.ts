/** The door to the file system: whole-file reads and writes, folders, and being told of changes. */
import { watch as watchFs, writeFileSync } from 'node:fs';
import {
  chmod,
  copyFile,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../model/index.ts';
import { SysError } from './errors.ts';

/** Rejects with FILE_NOT_FOUND, FILE_NOT_PERMITTED, FILE_FAILED. */
export async function readText(path: string): Promise<string> {
  return await guard('read', path, () => readFile(path, 'utf8'));
}

/** Rejects with FILE_NOT_FOUND, FILE_NOT_PERMITTED, FILE_FAILED. */
export async function readBytes(path: string): Promise<Buffer> {
  return await guard('read', path, () => readFile(path));
}

/** Readers see the old text or the new, never a part; the file has `mode` from its first byte. */
export async function writeTextAtomically(path: string, text: string, mode = 0o644): Promise<void> {
  await guard('write', path, async () => {
    const scratch = `${path}.${Math.random().toString(36).slice(2)}`;
    await writeFile(scratch, text, { mode });
    await chmod(scratch, mode);
    await rename(scratch, path);
  });
}

/** At once, for those who cannot wait: small texts. Throws what the system says. */
export function writeTextNow(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o644 });
}

/** As writeTextAtomically, piece by piece, for this user only; it is on disk when this resolves. */
export async function writeDurably(path: string, pieces: Iterable<string>): Promise<void> {
  await guard('write', path, async () => {
    const scratch = `${path}.new`;
    const file = await open(scratch, 'w', 0o600);
    try {
      for (const piece of pieces) await file.write(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(scratch, path);
    // The name is on disk when its folder is.
    await sync(dirname(path));
  });
}

/** Copies a file into a folder of this user's own. */
export async function copyInto(from: string, to: string): Promise<void> {
  await guard('read', from, () => copyFile(from, to));
}

/**
 * Gives a file its final name, for this user only, in one step that survives loss of power; what had the name before is
 * gone then.
 */
export async function placeFile(scratch: string, path: string): Promise<void> {
  await guard('write', path, async () => {
    await chmod(scratch, 0o600);
    await sync(scratch);
    await rename(scratch, path);
    await sync(dirname(path));
  });
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a folder, and its parents, for this user only. */
export async function makePrivateFolder(path: string): Promise<void> {
  await guard('make', path, () => mkdir(path, { recursive: true, mode: 0o700 }));
}

/** Removes a file or a folder with all in it; fine when it is gone already. */
export async function remove(path: string): Promise<void> {
  await guard('remove', path, () => rm(path, { recursive: true, force: true }));
}

export type PathKind = 'file' | 'folder' | 'other' | 'missing';

export async function kindOf(path: string): Promise<PathKind> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return 'folder';
    return found.isFile() ? 'file' : 'other';
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT' || errnoOf(cause) === 'ENOTDIR') return 'missing';
    throw wrap('look at', path, cause);
  }
}

/** Names in a folder, sorted. */
export async function listFolder(path: string): Promise<readonly string[]> {
  return await guard('list', path, async () => (await readdir(path)).toSorted());
}

/**
 * Calls `changed` after anything happened to a file, or to the entries of a folder; editors that replace
 * a file are followed. May call more often than there were changes. Rejects when the path is missing.
 */
export async function watchPath(
  path: string,
  changed: () => void,
  signal: AbortSignal,
): Promise<void> {
  // A file is watched through its folder: a watch on the file itself ends when an editor replaces it.
  const isFolder = (await kindOf(path)) === 'folder';
  const target = isFolder ? path : dirname(path);
  await guard('watch', path, async () => {
    const watcher = watchFs(target, { persistent: false }, (_event, name) => {
      if (isFolder || name === null || join(target, name) === join(path)) changed();
    });
    watcher.on('error', changed);
    signal.addEventListener('abort', () => watcher.close(), { once: true });
    if (signal.aborted) watcher.close();
  });
}

async function guard<T>(verb: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw wrap(verb, path, cause);
  }
}

function wrap(verb: string, path: string, cause: unknown): SysError {
  const errno = errnoOf(cause);
  if (errno === 'ENOENT' || errno === 'ENOTDIR') {
    return new SysError('FILE_NOT_FOUND', `Cannot ${verb} ${path}: it does not exist`, { cause });
  }
  if (errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS') {
    return new SysError('FILE_NOT_PERMITTED', `Cannot ${verb} ${path}: permission denied`, {
      cause,
    });
  }
  return new SysError('FILE_FAILED', `Cannot ${verb} ${path}: ${messageOf(cause)}`, { cause });
}

function errnoOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : undefined;
}
