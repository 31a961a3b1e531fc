/** `npm run ok`: everything that must hold before a commit, one line a check, and what to do where it does not. */
import { spawnSync } from 'node:child_process';

interface Check {
  readonly name: string;
  readonly command: readonly string[];
  readonly remedy: string;
}

const checks: readonly Check[] = [
  {
    name: 'format',
    command: ['oxfmt', '--check', '.'],
    remedy: 'npx oxfmt . writes the format',
  },
  {
    name: 'lint',
    command: ['oxlint'],
    remedy: 'mend what the rule names; CONTRIBUTING.md says why the rules are there',
  },
  {
    name: 'types',
    command: ['tsc', '-p', '.'],
    remedy: 'mend the types; no any, no ! and no as outside decoders and tests',
  },
  {
    name: 'dead code',
    command: ['knip', '--no-progress'],
    remedy: 'remove what nothing uses, or use it',
  },
  {
    name: 'unit tests',
    command: ['node', 'scripts/test.ts', 'unit'],
    remedy: 'npm test -- PATTERN runs one file; npm run golden rewrites golden files',
  },
];

function run(check: Check): boolean {
  const [file = '', ...args] = check.command;
  const started = performance.now();
  const ended = spawnSync(file, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const took = `${((performance.now() - started) / 1000).toFixed(1)} s`;
  const passed = ended.status === 0;
  console.log(`${passed ? 'ok    ' : 'FAILED'}  ${check.name.padEnd(10)}  ${took.padStart(7)}`);
  if (!passed) {
    const said = `${ended.stdout ?? ''}${ended.stderr ?? ''}${ended.error?.message ?? ''}`;
    // A test run says mostly what passed; what failed is wanted.
    const wanted = said.split('\n').filter((line) => !/^\s*✔/.test(line));
    console.log(
      `\n${wanted.join('\n').trimEnd().replace(/^/gm, '  ')}\n\n  try: ${check.remedy}\n`,
    );
  }
  return passed;
}

const results = checks.map(run);
process.exitCode = results.every(Boolean) ? 0 : 1;
