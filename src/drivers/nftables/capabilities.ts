/** What this driver can do, as data: whoever composes looks here, never at the driver's name. */
import type { DriverCapabilities } from '../../model/index.ts';

/** Those that need to know nothing but the packet and a turn: rules see no connection end. */
const schedulers = ['rr', 'wrr', 'random', 'sh', 'dh', 'mh'] as const;

export type NftablesScheduler = (typeof schedulers)[number];

export const nftablesCapabilities: DriverCapabilities<NftablesScheduler> = {
  schedulers,
  protocols: ['TCP', 'UDP', 'SCTP'],
  differences: [],
};
