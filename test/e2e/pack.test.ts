/** The package as its users get it: packed, installed in an empty folder, run. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { startDemo } from '../support/instance.ts';
import { findOldNode } from '../support/old-node.ts';
import { emptyHome, run, temporaryFolder, type Ended } from '../support/program.ts';
import { root } from '../support/tree.ts';

/** Everything that npm pack and the build read; a copy, so that a build of somebody's own stays as it is. */
const inputs = ['bin', 'docs', 'examples', 'scripts', 'src', 'package.json', 'package-lock.json'];
const pages = ['README.md', 'LICENSE', 'ARCHITECTURE.md', 'CHANGELOG.md'];

const noNetwork = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH/;

// The pinned Node first, as in npm scripts; the home stays ours for npm, whose cache is there.
const toolPath = `${join(root, 'node_modules/.bin')}${delimiter}${process.env['PATH'] ?? ''}`;

async function pack(t: TestContext, folder: string): Promise<string> {
  mkdirSync(folder);
  for (const name of [...inputs, ...pages, '.npmrc', 'tsconfig.json', 'tsconfig.build.json']) {
    if (existsSync(join(root, name)))
      cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const packed = await run(t, ['npm', 'pack'], { cwd: folder, env: { PATH: toolPath } });
  assert.equal(packed.status, 0, packed.stdout + packed.stderr);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  assert.ok(tarball !== undefined, packed.stdout);
  return join(folder, tarball);
}

async function install(t: TestContext, folder: string, tarball: string): Promise<Ended> {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  const flags = [
    '--ignore-scripts',
    '--omit=optional',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
  ];
  return await run(t, ['npm', 'install', ...flags, tarball], {
    cwd: folder,
    env: { PATH: toolPath },
  });
}

test('the packed package', async (t) => {
  const folder = temporaryFolder(t);
  const tarball = await pack(t, join(folder, 'packed'));
  const empty = join(folder, 'empty');
  const installed = await install(t, empty, tarball);
  if (installed.status !== 0 && noNetwork.test(installed.stderr)) {
    return t.skip('the npm registry is out of reach and its cache does not have all dependencies');
  }
  assert.equal(installed.status, 0, installed.stderr);

  const inside = join(empty, 'node_modules/switchyard');
  await t.test('holds what it runs and nothing of the tests', () => {
    const files = readdirSync(inside, { recursive: true, encoding: 'utf8' });
    assert.ok(files.includes('dist/app/main.js') && files.includes('LICENSE'), files.join('\n'));
    assert.deepEqual(
      files.filter((file) => /\.(test|suite)\.|^(src|test|scripts)\b|testdata/.test(file)),
      [],
    );
  });

  const options = { cwd: empty, env: { ...emptyHome(join(folder, 'home')), PATH: toolPath } };
  mkdirSync(join(folder, 'home'));
  for (const name of ['switchyard', 'kubectl-switchyard']) {
    await t.test(`${name} --version`, async () => {
      const said = await run(t, [join(empty, 'node_modules/.bin', name), '--version'], options);
      assert.equal(said.status, 0, said.stderr);
      assert.match(said.stdout, /\b0\.1\.0\b/);
    });
  }

  const oldNode = findOldNode();
  const skip = oldNode === undefined && 'this host has no Node older than 26';
  await t.test(
    'says what it needs under an old Node without the bundled one',
    { skip },
    async (t) => {
      const said = await run(t, [oldNode ?? '', join(inside, 'bin/switchyard.mjs')], options);
      assert.equal(said.status, 3);
      assert.match(said.stderr, /^error: Cannot start Switchyard: it needs Node 26/);
    },
  );

  await t.test('spreads exactly', async () => {
    const switchyard = [join(empty, 'node_modules/.bin/switchyard')];
    const instance = await startDemo(t, switchyard, { ...options, name: 'pack' });
    const command = [...switchyard, 'spread', 'service', 'web', '-n', '30', '-o', 'json'];
    const spread = await run(t, command, options);
    assert.equal(spread.status, 0, spread.stderr);
    const seen: unknown = JSON.parse(spread.stdout);
    assert.partialDeepStrictEqual(seen, { requested: 30, connected: 30, failed: 0, exact: true });
    await instance.stop();
  });
});
