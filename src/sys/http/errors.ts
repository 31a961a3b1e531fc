/** What can go wrong while serving HTTP and while asking for it. */
import { CodedError, type CodeOf, type ErrorTable } from '../../model/index.ts';

export const httpErrors = {
  user: {
    HTTP_IN_USE: 'Another program listens at the address',
    HTTP_NOT_PERMITTED: 'This user may not listen at the address',
    HTTP_BODY_TOO_LARGE: 'A request carried more than is taken',
    HTTP_UNREACHABLE: 'A server does not answer at its address, or is not who it should be',
  },
  ours: {
    HTTP_BROKE_OFF: 'A server ended the connection before its answer was complete',
    HTTP_FAILED: 'The address cannot be listened at, or a request broke off',
  },
} as const satisfies ErrorTable;

export class HttpError extends CodedError<CodeOf<typeof httpErrors>> {}
