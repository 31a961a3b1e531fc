/** What keeps a running process from handing on what it has. */
import { CodedError, type CodeOf, type ErrorTable } from '../../model/index.ts';

export const handoverErrors = {
  user: {
    HANDOVER_UNAVAILABLE:
      'This host cannot pass sockets from process to process; nothing was touched',
    HANDOVER_VERSION_MISMATCH: 'The two processes are of versions whose hand-overs do not fit',
    HANDOVER_BUSY: 'The instance is being replaced already, or is ending',
  },
  ours: {
    HANDOVER_BROKEN: 'The other process went away, or did not answer in time, during a hand-over',
    HANDOVER_FAILED: 'The system refused a call that a hand-over needs',
  },
} as const satisfies ErrorTable;

export class HandoverError extends CodedError<CodeOf<typeof handoverErrors>> {}
