/** The live view of the demo, with a clock of the test's and a terminal that is none. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { createFakeClock } from '../sys/index.ts';
import { fakeSource } from '../cli/testdata/fake-source.ts';
import { liveView } from './live-view.ts';

async function watch(isTTY: boolean, seconds: number): Promise<string> {
  let text = '';
  const clock = createFakeClock();
  const stop = new AbortController();
  const write = (more: string): void => {
    text += more;
  };
  const stream = { write, isTTY, columns: 80, rows: 24 };
  const home = { home: undefined, xdgRuntimeDir: undefined, instance: undefined, noColor: true };
  const watching = liveView({
    source: fakeSource(true),
    io: { stdout: stream, stderr: stream, env: home },
    clock,
    signal: stop.signal,
  });
  for (let n = 0; n < seconds; n++) await clock.advance(1_000);
  stop.abort();
  await watching;
  return text;
}

test('a terminal gets a table a second, each drawn over the last', async () => {
  const text = await watch(true, 3);
  const tables = text.split('\u001B[3A\u001B[J');
  assert.equal(tables.length, 3);
  for (const table of tables) assert.match(table, /SERVICE .*\nweb +http +110 .*100 %/);
});

test('anything else gets nothing', async () => {
  assert.equal(await watch(false, 3), '');
});
