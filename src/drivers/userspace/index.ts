/** The driver that needs no privilege. */
export { createUserspaceDriver } from './driver.ts';
export { userspaceErrors } from './errors.ts';
