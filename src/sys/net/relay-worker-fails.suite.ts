/** A thread that carries bytes, and dies when it is asked to end one of its relays. */
import { parentPort } from 'node:worker_threads';
import type { RelayOrder } from './relay-threads.ts';

parentPort?.on('message', ({ kind }: RelayOrder) => {
  if (kind === 'end') throw new Error('as the test says');
});
await import('./relay-worker.ts');
