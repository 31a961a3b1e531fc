/** What keeps this process from calling the C library. */
import { CodedError, type CodeOf, type ErrorTable } from '../../model/index.ts';

export const ffiErrors = {
  user: {},
  ours: {
    FFI_UNAVAILABLE: 'The C library cannot be called from here: another system, or no koffi for it',
    FFI_REFUSED: 'The kernel or its sandbox refuses a call that is needed',
  },
} as const satisfies ErrorTable;

export class FfiError extends CodedError<CodeOf<typeof ffiErrors>> {}
