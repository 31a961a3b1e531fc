/** What is kept of a Pod's output is bounded, and found again by its end or by the life that wrote it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PodLogs } from './pod-logs.ts';

const line = (text: string, life = 0) => ({ from: 'stdout', text, atMs: 0, life }) as const;

test('2,000 lines are kept, the last ones', () => {
  const logs = new PodLogs();
  for (let n = 0; n < 5_000; n++) logs.append('default/web', line(`line ${n}`));
  const lines = logs.linesOf('default/web') ?? [];
  assert.deepEqual([lines.length, lines[0]?.text], [2_000, 'line 3000']);
});

test('long lines are cut, and all of them together are bounded', () => {
  const logs = new PodLogs();
  for (let n = 0; n < 500; n++) logs.append('default/web', line('x'.repeat(100_000)));
  const lines = logs.linesOf('default/web') ?? [];
  const size = lines.reduce((total, { text }) => total + text.length, 0);
  assert.ok(lines.every(({ text }) => text.length === 16_384));
  assert.ok(size <= 1_048_576 && size > 1_000_000, String(size));
});

test('the last lines, those of the life before, and both', () => {
  const logs = new PodLogs();
  for (const [text, life] of [
    ['a', 0],
    ['b', 1],
    ['c', 1],
    ['d', 2],
  ] as const) {
    logs.append('default/web', line(text, life));
  }
  const texts = (selection: Parameters<PodLogs['linesOf']>[1]): readonly string[] =>
    (logs.linesOf('default/web', selection) ?? []).map(({ text }) => text);
  assert.deepEqual(texts({}), ['a', 'b', 'c', 'd']);
  assert.deepEqual(texts({ tail: 2 }), ['c', 'd']);
  assert.deepEqual(texts({ tail: 0 }), []);
  assert.deepEqual(texts({ previous: true }), ['b', 'c']);
  assert.deepEqual(texts({ previous: true, tail: 1 }), ['c']);
  assert.equal(logs.linesOf('default/other'), undefined);
  logs.forget('default/web');
  assert.equal(logs.linesOf('default/web'), undefined);
});

test('who follows hears every line until he stops', () => {
  const logs = new PodLogs();
  const heard: string[] = [];
  const stop = logs.follow('default/web', ({ text }) => heard.push(text));
  logs.append('default/web', line('one'));
  logs.append('default/other', line('not this'));
  stop();
  logs.append('default/web', line('two'));
  assert.deepEqual(heard, ['one']);
});
