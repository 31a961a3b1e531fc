/** What is asked of an instance about its objects as a whole: to write them to a file, to take them from one. */
import type { LocalAnswer, LocalRequest } from '../sys/net/index.ts';
import { ControlError } from './errors.ts';

export const backupPaths = { backup: '/backup', restore: '/restore' } as const;

/** Files are absolute: the instance runs in another folder than the command. */
export interface BackupRequest {
  readonly file: string;
}

export interface BackupView {
  readonly did: 'backup' | 'restore';
  readonly file: string;
  /** How many are in the file. */
  readonly objects: number;
  /** How many were made, changed or taken away to be as the file says; undefined for a backup. */
  readonly changed: number | undefined;
  /** Where they are restored to when nothing runs there; undefined otherwise. */
  readonly dataFolder: string | undefined;
}

export interface BackupSource {
  backup(request: BackupRequest): Promise<BackupView>;
  /** All or nothing. */
  restore(request: BackupRequest): Promise<BackupView>;
}

/** Undefined when the question is another. Rejects with what the source refused. */
export async function answerBackups(
  request: LocalRequest,
  source: BackupSource | undefined,
): Promise<LocalAnswer | undefined> {
  const path = Object.values(backupPaths).find((known) => known === request.url.pathname);
  if (path === undefined || request.method !== 'POST' || source === undefined) return undefined;
  const asked = readBackupRequest(request.body);
  const view =
    path === backupPaths.backup ? await source.backup(asked) : await source.restore(asked);
  return { kind: 'json', status: 200, body: view };
}

function readBackupRequest(value: unknown): BackupRequest {
  const file =
    typeof value === 'object' && value !== null && 'file' in value ? value.file : undefined;
  if (typeof file === 'string' && file.startsWith('/') && !file.includes('\0')) return { file };
  throw new ControlError('CONTROL_BAD_REQUEST', 'Cannot answer: file must be an absolute path');
}
