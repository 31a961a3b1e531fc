/** Stands in for npm in the tests of set-up: `npm ci` that waits for a word and then links a Node, or fails. */
import { appendFileSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const {
  FAKE_NPM_LOG: log,
  FAKE_NPM_WAIT: wait,
  FAKE_NPM_FAIL: fail,
  FAKE_NPM_NODE: node,
} = process.env;

appendFileSync(log, `${process.argv.slice(2).join(' ')}\n`);
rmSync('node_modules', { recursive: true, force: true });
const deadline = Date.now() + 30_000;
while (wait !== undefined && !existsSync(wait) && Date.now() < deadline) await delay(20);
if (fail === undefined) {
  mkdirSync('node_modules/.bin', { recursive: true });
  symlinkSync(node ?? process.execPath, 'node_modules/.bin/node');
} else {
  console.error(fail);
  process.exitCode = 1;
}
