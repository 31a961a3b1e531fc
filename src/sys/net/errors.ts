/** What can go wrong with a socket, as codes instead of errno names. */
import { CodedError, type CodeOf, type ErrorTable } from '../../model/index.ts';

export const netErrors = {
  user: {
    NET_ADDRESS_IN_USE: 'Another process already listens at the address and port',
    NET_NOT_PERMITTED: 'The address or port needs a privilege this process does not have',
    NET_ADDRESS_NOT_AVAILABLE: 'The address does not belong to this host',
  },
  ours: {
    NET_REFUSED: 'The peer refused the connection',
    NET_TIMED_OUT: 'The peer did not answer in time',
    NET_UNREACHABLE: 'There is no way to the peer from this host',
    NET_ABORTED: 'The attempt was given up on request',
    NET_FAILED: 'The system refused the socket call for another reason',
  },
} as const satisfies ErrorTable;

export class NetError extends CodedError<CodeOf<typeof netErrors>> {}
