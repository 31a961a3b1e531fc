/** What can keep an embedded Pod from running. */
import { CodedError, type CodeOf, type ErrorTable } from '../model/index.ts';

export const nodeErrors = {
  user: {
    POD_COMMAND_INVALID: 'The command of a Pod is neither a shell line nor a JSON array of strings',
  },
  ours: {
    POD_ADDRESSES_EXHAUSTED: 'Every Pod address of this instance is taken',
  },
} as const satisfies ErrorTable;

export class NodeError extends CodedError<CodeOf<typeof nodeErrors>> {}
