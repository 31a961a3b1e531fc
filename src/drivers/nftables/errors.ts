/** What the nftables driver cannot serve, or cannot do. */
import { CodedError, type CodeOf, type ErrorTable } from '../../model/index.ts';

export const nftablesErrors = {
  user: {
    NFTABLES_FRONTEND_TAKEN: 'Two Services claim the same address and port; one of them has it',
    NFTABLES_ENDPOINT_LOOPBACK:
      'An endpoint has a loopback address, which the kernel lets only this host reach',
    NFTABLES_TABLE_FOREIGN: 'A table of our name is there that Switchyard did not make',
  },
  ours: {
    NFTABLES_STOPPED: 'The nftables driver was given a Plan after it was stopped',
    NFTABLES_REFUSED: 'The kernel refused a commit; what was there before still forwards',
  },
} as const satisfies ErrorTable;

export type NftablesCode = CodeOf<typeof nftablesErrors>;

export class NftablesError extends CodedError<NftablesCode> {}
