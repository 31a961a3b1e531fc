/** The driver that needs no privilege. */
export { createUserspaceDriver } from './driver.ts';
export { userspaceErrors } from './errors.ts';
export type { DriverEstate, HandingOver } from './hand-over.ts';
