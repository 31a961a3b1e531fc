/** What node:http costs to import is paid nowhere. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeHttp } from './node-http.ts';

const source = join(import.meta.dirname, '..');
/** Of a value; types cost nothing. */
const importOfValue = /^import (?!type\b)[^;]*from 'node:http';/m;

test('no source imports node:http for more than types', () => {
  const found = globSync('**/*.ts', { cwd: source })
    .filter((file) => !/\.(?:test|suite)\.ts$|testing\.ts$/.test(file))
    .filter((file) => importOfValue.test(readFileSync(join(source, file), 'utf8')));
  assert.deepEqual(found, []);
  assert.match("import { a,\n b } from 'node:http';", importOfValue);
  assert.doesNotMatch("import type { Agent } from 'node:http';", importOfValue);
});

test('what it gives instead is the same module', async () => {
  assert.equal(nodeHttp.createServer, (await import('node:http')).createServer);
});
