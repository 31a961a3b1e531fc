/** What the userspace driver cannot serve, or cannot do. */
import { CodedError, type CodeOf, type ErrorTable } from '../../model/index.ts';

export const userspaceErrors = {
  user: {
    USERSPACE_PROTOCOL_UNSUPPORTED:
      'A Service port has a protocol that the userspace driver does not carry',
    USERSPACE_FRONTEND_TAKEN: 'Two Services claim the same address and port; one of them has it',
  },
  ours: {
    USERSPACE_STOPPED: 'The userspace driver was given a Plan after it was stopped',
  },
} as const satisfies ErrorTable;

export type UserspaceCode = CodeOf<typeof userspaceErrors>;

export class UserspaceError extends CodedError<UserspaceCode> {}
