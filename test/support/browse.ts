/** Debian's Chromium, without a window, with one profile: a page of the shop asks ten times and says who answered. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { run, temporaryFolder } from './program.ts';

const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) =>
  existsSync(path),
);

/** Why a browser cannot be had; false when it can. */
export const noBrowser = chromium === undefined && 'Chromium is not installed';

/** Each Pod that answered a visit of the page, once; every visit is a browser started anew. */
export function browser(t: TestContext): (url: string) => Promise<readonly string[]> {
  const profile = temporaryFolder(t);
  return async (url) => {
    const command = [
      chromium ?? '',
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--disable-background-networking',
      `--user-data-dir=${profile}`,
      '--virtual-time-budget=8000',
      '--dump-dom',
      url,
    ];
    const { stdout, stderr } = await run(t, command, { cwd: profile });
    const seen = /SEEN ([\w,-]+)/.exec(stdout)?.[1];
    assert.ok(seen !== undefined, `${stdout}\n${stderr}`);
    return [...new Set(seen.split(','))];
  };
}
