/** Measurements of what a Service really does. */
export { labErrors } from './errors.ts';
export { measureSpread } from './spread.ts';
export type { SpreadMeasurement } from './spread.ts';
