/** The driver that needs no privilege. */
export { createUserspaceDriver } from './driver.ts';
export type { UserspaceOptions } from './driver.ts';
export { userspaceErrors } from './errors.ts';
