/**
 * Runs the tests: `node scripts/test.ts all|unit|soak|golden [PATTERN...]`.
 *
 * All files go through one `node --test` process, so that the output ends with its own summary, and its
 * exit code is ours. A pattern keeps the files whose path contains it.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';

const unitFiles = ['src/**/*.test.ts', 'test/*.test.ts'];
const allFiles = [...unitFiles, 'test/e2e/**/*.test.ts', 'test/vm/*.test.ts'];
/** They take minutes, beside the source that they are about: of `all`, not of `unit`. */
const slowFile = /\.slow\.test\.ts$/;

interface Mode {
  readonly files: readonly string[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** After which the run is ended; undefined: never. */
  readonly minutes: number | undefined;
}

const limit = '--test-timeout=300000';
/** A process for each file, and all compile the same sources: kept, that is a fifth less of the time. */
const compiled = { NODE_COMPILE_CACHE: resolve('.cache/compiled') };
const modes = new Map<string, Mode>([
  ['all', { files: allFiles, args: [limit], env: {}, minutes: 25 }],
  ['unit', { files: unitFiles, args: [limit], env: {}, minutes: 3 }],
  ['soak', { files: allFiles, args: [], env: { SWITCHYARD_SOAK: '1' }, minutes: undefined }],
  ['golden', { files: allFiles, args: [limit, '--test-update-snapshots'], env: {}, minutes: 12 }],
]);

function main([name = 'all', ...patterns]: readonly string[]): void {
  const mode = modes.get(name);
  if (mode === undefined) {
    return misused(`${name} is no kind of test`, `use one of ${[...modes.keys()].join(', ')}`);
  }
  const files = globSync([...mode.files])
    .filter((file) => name !== 'unit' || !slowFile.test(file))
    .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
    .toSorted();
  if (files.length === 0) {
    return misused(`no test file matches ${patterns.join(' ')}`, 'give a part of a path: plan/');
  }
  const args = ['--test', '--test-reporter=spec', `--test-concurrency=${availableParallelism()}`];
  const before = ownTables();
  const child = spawn(process.execPath, [...args, ...mode.args, ...files], {
    stdio: 'inherit',
    env: { ...process.env, ...compiled, ...mode.env },
  });
  // A terminal signals both of us: wait for the runner, which then reports what it had.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const deadline = endAfter(mode.minutes, child);
  child.once('exit', (code) => {
    clearTimeout(deadline);
    process.exitCode = code ?? 1;
    const left = ownTables().filter((table) => !before.includes(table));
    if (left.length === 0) return;
    console.error(`error: A test wrote into the kernel of this host: ${left.join(', ')}`);
    console.error(
      '  try: give it a network of its own (test/support/cell.ts), or --mode userspace',
    );
    process.exitCode = 1;
  });
}

/** Tables of ours in the network this runs in, where every test's own end: none is ever made here. */
function ownTables(): readonly string[] {
  const { stdout } = spawnSync('nft', ['list', 'tables'], { encoding: 'utf8' });
  return (stdout ?? '').split('\n').filter((line) => / switchyard/.test(line));
}

/**
 * The runner's own limit is for a test; a file whose process does not end, or that spins, would hold the run for
 * ever. Interrupted, the runner still reports what it had, with the files that were pending, and its summary.
 */
function endAfter(minutes: number | undefined, runner: ChildProcess): NodeJS.Timeout | undefined {
  if (minutes === undefined) return undefined;
  return setTimeout(() => {
    console.error(
      `error: Cannot go on testing: ${minutes} min are over; what is pending below hangs`,
    );
    runner.kill('SIGINT');
  }, minutes * 60_000);
}

function misused(reason: string, remedy: string): void {
  console.error(`error: Cannot run tests: ${reason}\n  try: ${remedy}`);
  process.exitCode = 2;
}

main(process.argv.slice(2));
