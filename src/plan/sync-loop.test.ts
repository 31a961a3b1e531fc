import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '../sys/index.ts';
import { createSyncLoop, type RunResult } from './sync-loop.ts';

function start(work: () => RunResult) {
  const clock = createFakeClock();
  const runs: number[] = [];
  const failures: unknown[] = [];
  const stop = new AbortController();
  const loop = createSyncLoop(
    async () => {
      runs.push(clock.now());
      return work();
    },
    {
      clock,
      minIntervalMs: 100,
      retryMs: 1_000,
      maxIntervalMs: 60_000,
      onFailure: (e) => failures.push(e),
    },
  );
  const ended = loop.run(stop.signal);
  return { clock, runs, failures, loop, end: () => (stop.abort(), ended) };
}

test('a single change after quiet goes through at once', async () => {
  const { clock, runs, loop, end } = start(() => 'done');
  await clock.advance(5_000);
  loop.trigger();
  await clock.advance(0);
  assert.deepEqual(runs, [5_000]);
  await end();
});

test('a burst becomes one run now and one after the minimum interval', async () => {
  const { clock, runs, loop, end } = start(() => 'done');
  loop.trigger();
  await clock.advance(0);
  for (let i = 0; i < 50; i++) {
    loop.trigger();
    await clock.advance(1);
  }
  await clock.advance(1_000);
  assert.deepEqual(runs, [0, 100]);
  await end();
});

test('a run that asks for it, or fails, is run again after the retry interval', async () => {
  let left = 3;
  const { clock, runs, failures, loop, end } = start(() => {
    left--;
    if (left === 2) throw new Error('refused');
    return left === 1 ? 'retry' : 'done';
  });
  loop.trigger();
  await clock.advance(10_000);
  assert.deepEqual(runs, [0, 1_000, 2_000]);
  assert.equal(failures.length, 1);
  await end();
});

test('without triggers it runs every maximum interval, and ends when told', async () => {
  const { clock, runs, end } = start(() => 'done');
  await clock.advance(130_000);
  assert.deepEqual(runs, [60_000, 120_000]);
  await end();
  await clock.advance(130_000);
  assert.equal(runs.length, 2);
});
