/** What can go wrong with files and processes. */
import { CodedError, type CodeOf, type ErrorTable } from '../model/index.ts';

export const sysErrors = {
  user: {
    FILE_NOT_FOUND: 'A file or folder does not exist',
    FILE_NOT_PERMITTED: 'A file or folder may not be read or written by this user',
    DATABASE_LOCKED: 'A data folder is in use by another process',
    DATABASE_NOT_PERMITTED: 'A data folder may not be read or written by this user',
    DATABASE_FULL: 'The disk of a data folder is full',
    DATABASE_FOREIGN: 'The file of a data folder, or a backup, is the database of another program',
    DATABASE_NEWER: 'The file of a data folder, or a backup, was written by a newer Switchyard',
  },
  ours: {
    FILE_FAILED: 'The system refused a file operation for another reason',
    DATABASE_DAMAGED: 'The file of a data folder is damaged, or is something else',
    DATABASE_FAILED: 'The database refused for another reason',
    WORKER_FAILED: 'A thread of Switchyard itself ended',
    EXEC_FAILED: 'A program could not be started',
    RESOURCE_MISSING: 'A part of Switchyard itself is not where it was installed',
  },
} as const satisfies ErrorTable;

export class SysError extends CodedError<CodeOf<typeof sysErrors>> {}
