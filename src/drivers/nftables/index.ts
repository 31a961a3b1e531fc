/** The driver that forwards in the kernel with nf_tables. */
export { cleanupNftables } from './cleanup.ts';
export { createNftablesDriver } from './driver.ts';
export type { NftablesOptions } from './driver.ts';
export { nftablesErrors } from './errors.ts';
