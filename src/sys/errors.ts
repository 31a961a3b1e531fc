/** What can go wrong with files and processes. */
import { CodedError, type CodeOf, type ErrorTable } from '../model/index.ts';

export const sysErrors = {
  user: {
    FILE_NOT_FOUND: 'A file or folder does not exist',
    FILE_NOT_PERMITTED: 'A file or folder may not be read or written by this user',
  },
  ours: {
    FILE_FAILED: 'The system refused a file operation for another reason',
    EXEC_FAILED: 'A program could not be started',
    RESOURCE_MISSING: 'A part of Switchyard itself is not where it was installed',
  },
} as const satisfies ErrorTable;

export class SysError extends CodedError<CodeOf<typeof sysErrors>> {}
