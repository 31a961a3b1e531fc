/** What can go wrong while Switchyard is put together. */
import { CodedError, type CodeOf, type ErrorTable } from '../model/index.ts';

export const appErrors = {
  user: {
    CONFIG_INVALID: 'A flag or an environment variable has a value that is not taken',
    DATA_RANGE_FOREIGN: 'The objects of a folder or backup have addresses of another range',
    DATA_RANGE_TAKEN: 'Another instance has the addresses that the objects of a data folder have',
    HOST_RANGE_TAKEN: 'Addresses that forwarding in the kernel needs are in use on this host',
    KERNEL_IN_USE: 'What is to be removed from the kernel is in use by an instance that runs',
    KERNEL_TAKEN: 'Another instance forwards in the kernel of this host',
    MODE_UNAVAILABLE: 'This host cannot forward the way that was asked for',
    POD_NETWORK_UNAVAILABLE: 'Pods cannot have networks of their own here, as was asked for',
    OBJECTS_ELSEWHERE: 'The instance to be replaced keeps its objects somewhere else',
    BIND_INVALID: 'What a workload is to be bound to is neither a command nor an address',
  },
  ours: {
    ADDRESS_BLOCKS_EXHAUSTED: 'Every loopback address block is claimed by another instance',
    START_FAILED: 'A part of Switchyard did not start',
  },
} as const satisfies ErrorTable;

export class AppError extends CodedError<CodeOf<typeof appErrors>> {}
