/** Measurements of what a Service really does. */
export { labErrors } from './errors.ts';
export type { EndpointShare } from './expected-shares.ts';
export { measureSpread } from './spread.ts';
export type { SpreadFailure, SpreadMeasurement, SpreadOptions, SpreadProgress } from './spread.ts';
