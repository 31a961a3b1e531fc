/** The command line for whole-product tests: run as a user would, from the checkout, with a home of its own. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { emptyHome, run, temporaryFolder, type Ended } from './program.ts';
import { root } from './tree.ts';

/** Starts the command line. */
export const launcher: readonly string[] = [join(root, 'switchyard')];

/** Why a test is skipped; false where it runs. */
export const needsLinux =
  process.platform === 'linux' ? false : 'needs all of 127/8, which only Linux has';

export interface Home {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function newHome(t: TestContext): Home {
  return { cwd: root, env: emptyHome(temporaryFolder(t)) };
}

export async function cli(t: TestContext, home: Home, ...args: readonly string[]): Promise<Ended> {
  return await run(t, [...launcher, ...args], home);
}

/** The answer of a command with `-o json`; it must have gone well. */
export async function ask<T>(t: TestContext, home: Home, ...args: readonly string[]): Promise<T> {
  const ended = await cli(t, home, ...args, '-o', 'json');
  assert.equal(ended.stderr, '');
  assert.equal(ended.status, 0, ended.stdout);
  return JSON.parse(ended.stdout) as T;
}
