/** The runner of pages finds what a page says and complains when it is not so. */
import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import test from 'node:test';
import { commandsOf, complaint, matches, openSession } from './support/session.ts';

test('commands and what the page shows for them', () => {
  const page = [
    '```sh',
    '$ echo a',
    'a',
    '$ echo \\',
    '  b',
    '  b',
    '```',
    '```console',
    '$ no',
    '```',
    '```sh',
    '$ c',
    '```',
  ].join('\n');
  assert.deepEqual(commandsOf(page), [
    { line: 2, command: 'echo a', expected: ['a'] },
    { line: 4, command: 'echo \\\n  b', expected: ['  b'] },
    { line: 12, command: 'c', expected: [] },
  ]);
  assert.throws(() => commandsOf('```sh\necho a\n```'), /line 2: an sh fence begins with/);
});

const shown = {
  'the same lines': { output: ['a', 'b '], expected: ['a', 'b'], want: true },
  'another line': { output: ['a', 'c'], expected: ['a', 'b'], want: false },
  'a line more': { output: ['a', 'b', 'c'], expected: ['a', 'b'], want: false },
  'a line less': { output: ['a'], expected: ['a', 'b'], want: false },
  'any text within a line': { output: ['up in 17 ms'], expected: ['up in ... ms'], want: true },
  'no other line for it': { output: ['up in', '17 ms'], expected: ['up in ... ms'], want: false },
  'any number of lines': { output: ['a', 'b', 'c', 'd'], expected: ['a', '...', 'd'], want: true },
  'also none': { output: ['a', 'd'], expected: ['a', '...', 'd'], want: true },
  'but the end counts': { output: ['a', 'b', 'e'], expected: ['a', '...', 'd'], want: false },
  'signs stand for themselves': { output: ['axb'], expected: ['a.b'], want: false },
};

for (const [name, { output, expected, want }] of Object.entries(shown)) {
  test(`a page shows: ${name}`, () => assert.equal(matches(output, expected), want));
}

test('one shell for all commands, both streams, every status', async () => {
  const session = openSession({ cwd: tmpdir(), env: { GIVEN: 'x' }, timeoutMs: 10_000 });
  try {
    assert.deepEqual(await session.run('word=kept; echo $GIVEN; echo err >&2'), {
      status: 0,
      output: ['x', 'err'],
    });
    assert.deepEqual(await session.run('printf "%s without newline" $word'), {
      status: 0,
      output: ['kept without newline'],
    });
    assert.deepEqual(await session.run('cat; (exit 7)'), { status: 7, output: [] });
    assert.deepEqual(await session.run('not-a-command-of-any-host 2>/dev/null'), {
      status: 127,
      output: [],
    });
  } finally {
    await session.close();
  }
});

test('a shell that ends and a command that hangs are reported', async () => {
  const ended = openSession({ cwd: tmpdir(), env: {}, timeoutMs: 10_000 });
  await assert.rejects(ended.run('exit 3'), /the shell ended in: exit 3/);
  await ended.close();
  const hangs = openSession({ cwd: tmpdir(), env: {}, timeoutMs: 50 });
  await assert.rejects(hangs.run('exec sleep 60'), /no end after 50 ms in: exec sleep 60/);
  await hangs.close();
});

test('a complaint names page, line, command, both texts and the status', () => {
  const wanted = { line: 9, command: 'x', expected: ['a'] };
  assert.equal(complaint('README.md', wanted, { status: 0, output: ['a'] }), undefined);
  assert.equal(
    complaint('README.md', wanted, { status: 2, output: ['b'] }),
    [
      'README.md:9: $ x',
      'exit status 2, a page shows commands that succeed',
      'the page shows:',
      '  | a',
      'it printed:',
      '  | b',
    ].join('\n'),
  );
});
