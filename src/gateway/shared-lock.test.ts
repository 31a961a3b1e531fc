/** One at a time, whoever dies within. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { SharedLock } from './shared-lock.ts';

const rounds = 50_000;

/** Adds to a plain number under the lock, as often as it is told. */
const adding = `
  import { workerData } from 'node:worker_threads';
  const { SharedLock } = await import(workerData.module);
  const words = new Int32Array(workerData.memory);
  const lock = new SharedLock(words, 0, workerData.thread);
  for (let i = 0; i < workerData.rounds; i++) {
    lock.enter();
    words[1] = words[1] + 1;
    lock.leave();
  }
`;

function start(memory: SharedArrayBuffer, thread: number, code = adding): Worker {
  const module = new URL('shared-lock.ts', import.meta.url).href;
  const url = new URL(`data:text/javascript,${encodeURIComponent(code)}`);
  return new Worker(url, { workerData: { module, memory, thread, rounds } });
}

test('of three threads at a time one is in', { timeout: 60_000 }, async () => {
  const memory = new SharedArrayBuffer(8);
  const ends = [0, 1, 2].map((thread) => once(start(memory, thread), 'exit'));
  assert.deepEqual(await Promise.all(ends), [[0], [0], [0]]);
  assert.deepEqual([...new Int32Array(memory)], [0, 3 * rounds]);
});

test('what a thread held that is no more is let go by who buries it', () => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const [own, dead] = [new SharedLock(words, 0, 0), new SharedLock(words, 0, 5)];
  dead.enter();
  own.release(4);
  assert.notEqual(words[0], 0, 'it is the stay of another');
  own.release(5);
  own.enter();
  dead.leave();
  assert.notEqual(words[0], 0, 'who was taken for dead lets go of nothing that is not its own');
  own.leave();
  assert.equal(words[0], 0);
});

test('nobody waits for ever for a thread that nobody buries', { timeout: 60_000 }, () => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  new SharedLock(words, 0, 1).enter();
  const own = new SharedLock(words, 0, 0);
  own.enter();
  own.leave();
  assert.equal(words[0], 0);
});
