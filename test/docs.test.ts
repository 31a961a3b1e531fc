/** Pages are true: links lead somewhere, errors.md is what the tables say, every page is in the index. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import {
  readErrorTables,
  renderAnnotations,
  renderCapabilities,
  renderErrors,
  renderLintRules,
  renderMetrics,
} from '../scripts/docs.ts';
import { renderConformance } from '../scripts/conformance-page.ts';
import { anchorsOf, fencesOf, linksOf } from './support/markdown.ts';
import { listFiles, readSource, root } from './support/tree.ts';

const pages = listFiles('.', '.md');

/** Where a relative link leads nowhere: undefined when it does lead somewhere, or out. */
function brokenLink(page: string, target: string): string | undefined {
  if (/^[a-z]+:/.test(target)) return undefined;
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page : join(dirname(page), path);
  if (!existsSync(join(root, file))) return `${file} does not exist`;
  if (anchor === undefined || !file.endsWith('.md')) return undefined;
  return anchorsOf(readSource(file).text).includes(anchor)
    ? undefined
    : `${file} has no #${anchor}`;
}

test('every relative link leads to a file, and to a heading of it', () => {
  const broken = pages.flatMap((page) =>
    linksOf(readSource(page).text).flatMap(({ line, target }) => {
      const problem = brokenLink(page, target);
      return problem === undefined ? [] : [`${page}:${line}: ${problem}`];
    }),
  );
  assert.deepEqual(broken, []);
});

test('broken links are found', () => {
  const text = 'a [b](nowhere.md) `[c](code.md)`\n```\n[d](fenced.md)\n```\n[e](#f) [g](https://x)';
  assert.deepEqual(linksOf(text), [
    { line: 1, target: 'nowhere.md' },
    { line: 5, target: '#f' },
    { line: 5, target: 'https://x' },
  ]);
  assert.equal(brokenLink('docs/README.md', 'nowhere.md'), 'docs/nowhere.md does not exist');
  assert.equal(brokenLink('docs/errors.md', '#f'), 'docs/errors.md has no #f');
  assert.equal(brokenLink('docs/errors.md', '../ARCHITECTURE.md#rooms'), undefined);
});

test('fenced blocks keep their language and line', () => {
  assert.deepEqual(fencesOf('a\n```sh\n$ b\n```\n```\nc\n```\n'), [
    { line: 2, language: 'sh', lines: ['$ b'] },
    { line: 5, language: '', lines: ['c'] },
  ]);
});

test('docs/errors.md is what the tables say (npm run docs writes it)', async () => {
  const wanted = renderErrors(await readErrorTables()).split('\n');
  const page = readSource('docs/errors.md').text.split('\n');
  const differing = { missing: lack(page, wanted), stale: lack(wanted, page) };
  assert.deepEqual(differing, { missing: [], stale: [] });
  assert.deepEqual(page, wanted);
});

test('docs/annotations.md is what the tables say (npm run docs writes it)', () => {
  assert.equal(readSource('docs/annotations.md').text, renderAnnotations());
});

test('docs/drivers/capabilities.md says what the drivers can', () => {
  assert.equal(readSource('docs/drivers/capabilities.md').text, renderCapabilities());
});

test('docs/metrics.md is what the table says (npm run docs writes it)', () => {
  assert.equal(readSource('docs/metrics.md').text, renderMetrics());
});

test('docs/drivers/conformance.md is what the cases say (npm run docs writes it)', () => {
  assert.equal(readSource('docs/drivers/conformance.md').text, renderConformance());
});

test('docs/lint.md is what the rules say (npm run docs writes it)', () => {
  assert.equal(readSource('docs/lint.md').text, renderLintRules());
});

/** Lines of the second text that the first lacks. */
function lack(text: readonly string[], lines: readonly string[]): readonly string[] {
  return lines.filter((line) => !text.includes(line));
}

test('an error code means one thing', async () => {
  const codes = (await readErrorTables()).flatMap(({ table }) => [
    ...Object.keys(table.user),
    ...Object.keys(table.ours),
  ]);
  assert.ok(codes.length > 0);
  assert.deepEqual(
    codes.filter((code, index) => codes.indexOf(code) !== index),
    [],
  );
});

test('every page of docs is in its index', () => {
  const linked = linksOf(readSource('docs/README.md').text).map(({ target }) => `docs/${target}`);
  const missing = pages.filter(
    (page) => page.startsWith('docs/') && page !== 'docs/README.md' && !linked.includes(page),
  );
  assert.deepEqual(missing, []);
});
