/** What can go wrong with a socket, as codes instead of errno names. */
import { CodedError, type CodeOf, type ErrorTable } from '../../model/index.ts';

export const netErrors = {
  user: {
    NET_ADDRESS_IN_USE: 'Another process already listens at the address and port',
    NET_NOT_PERMITTED: 'The address or port needs a privilege this process does not have',
    NET_ADDRESS_NOT_AVAILABLE: 'The address does not belong to this host',
    NET_ENGINE_UNAVAILABLE: 'The socket engine asked for cannot be had on this host',
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

/** What can go wrong with the local door: HTTP over a Unix socket. */
export const localErrors = {
  user: {
    LOCAL_IN_USE: 'Another process serves the Unix socket, or a file has its path',
    LOCAL_NOT_PRIVATE: 'The folder of a Unix socket belongs to another user',
    LOCAL_NOT_PERMITTED: 'The Unix socket or its folder may not be used by this user',
    LOCAL_PATH_TOO_LONG: 'The path of a Unix socket is longer than the system takes',
  },
  ours: {
    LOCAL_NOT_SERVED: 'There is no Unix socket at the path, or nobody serves it',
    LOCAL_TIMED_OUT: 'The process behind a Unix socket did not answer in time',
    LOCAL_ABORTED: 'The request was given up on request',
    LOCAL_BAD_ANSWER: 'The answer is not JSON, or is larger than is taken',
    LOCAL_FAILED: 'The system refused a call on a Unix socket for another reason',
  },
} as const satisfies ErrorTable;

export class LocalError extends CodedError<CodeOf<typeof localErrors>> {}
