import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '../sys/index.ts';
import { createProgress } from './progress.ts';

const erase = '\r\u001B[K';

test('the first second is quiet, then each update takes the place of the one before', async () => {
  const clock = createFakeClock();
  const written: string[] = [];
  const progress = createProgress(
    { write: (text) => written.push(text), isTTY: true, columns: 12 },
    clock,
  );
  progress.update('too early');
  progress.clear();
  await clock.advance(999);
  progress.update('too early');
  assert.deepEqual(written, []);
  await clock.advance(1);
  progress.update('1 of 3');
  progress.update('as wide as the terminal');
  progress.clear();
  progress.clear();
  assert.deepEqual(written, [`${erase}1 of 3`, `${erase}as wide as `, erase]);
});

test('a pipe gets no progress', async () => {
  const clock = createFakeClock();
  const progress = createProgress({ write: () => assert.fail('it wrote'), isTTY: false }, clock);
  await clock.advance(5_000);
  progress.update('x');
  progress.clear();
});
