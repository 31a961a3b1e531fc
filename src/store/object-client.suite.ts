/** What every raw ObjectClient keeps to, whatever holds the objects; each store runs it in a test of its own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SuiteStore } from './suite-parts.suite.ts';
import { listing, watching } from './watching.suite.ts';
import { refusing, writing } from './writing.suite.ts';

export type { SuiteStore } from './suite-parts.suite.ts';

export interface SuiteOptions {
  /** A fresh, empty store that keeps this many changes of a kind. */
  create(historySize: number): Promise<SuiteStore> | SuiteStore;
  /** What this store differs in: the title of a test and why it does not hold. */
  readonly skip?: Readonly<Record<string, string>> | undefined;
}

/** Declares the tests. */
export function objectClientSuite(name: string, options: SuiteOptions): void {
  const { skip = {} } = options;
  const tests = { ...writing, ...refusing, ...listing, ...watching };
  for (const [title, body] of Object.entries(tests)) {
    const why = Object.hasOwn(skip, title) ? skip[title] : undefined;
    test(`${name}: ${title}`, { skip: why ?? false }, async () => body(await options.create(64)));
  }
  test(`${name}: what is skipped is in the suite`, () => {
    assert.deepEqual(
      Object.keys(skip).filter((title) => !Object.hasOwn(tests, title)),
      [],
    );
  });
}
