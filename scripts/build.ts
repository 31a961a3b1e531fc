/** `npm run build`: the sources as JavaScript in dist/, which is what the package ships. */
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync } from 'node:fs';

const main = 'dist/app/main.js';

function build(): number {
  rmSync('dist', { recursive: true, force: true });
  const compiled = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' });
  if (compiled.status !== 0) {
    console.error(
      'error: Cannot build Switchyard: tsc failed\n  try: npm run ok names what is wrong',
    );
    return 1;
  }
  if (!readFileSync(main, 'utf8').startsWith('#!/usr/bin/env node\n')) {
    console.error(`error: Cannot build Switchyard: ${main} has no shebang\n  try: put it first`);
    return 1;
  }
  chmodSync(main, 0o755);
  return 0;
}

process.exitCode = build();
