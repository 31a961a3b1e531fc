/** How many cases a property of the model tries: enough to notice in a unit run, a million in a soak. */
import process from 'node:process';

export const propertyRuns = process.env['SWITCHYARD_SOAK'] === '1' ? 1_000_000 : 2_000;
