/** What another process would be given of a driver in the kernel: nothing, as its rules are not a process's. */
import type { HandingOver } from '../drivers/userspace/index.ts';
import { HandoverError } from '../sys/handover/index.ts';

export function cannotHandOver(): HandoverError {
  return new HandoverError(
    'HANDOVER_UNAVAILABLE',
    'Cannot hand over: this instance forwards in the kernel, and its Pods end with it',
    { remedy: 'Stop the instance and start it again; its objects and their addresses are kept' },
  );
}

export const keptInKernel: HandingOver = {
  suspend: () => Promise.reject(cannotHandOver()),
  resume: async () => undefined,
  retire: async () => undefined,
};
