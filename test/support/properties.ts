/**
 * fast-check, as a run wants it: the same cases each time, so that a failure is the work of a change and is there
 * again at once; a soak looks for new ones, and says the seed of what it finds.
 */
import process from 'node:process';
import fc from 'fast-check';

if (process.env['SWITCHYARD_SOAK'] !== '1') fc.configureGlobal({ seed: 20_261_123 });

export { fc };
