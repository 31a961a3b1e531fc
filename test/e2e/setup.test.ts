/** Set-up on a fresh checkout: once, alone, visibly; and an honest end where it cannot. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { findOldNode } from '../support/old-node.ts';
import {
  run,
  start,
  temporaryFolder,
  type Ended,
  type Program,
  type ProgramOptions,
} from '../support/program.ts';
import { root } from '../support/tree.ts';

const fakeNpm = join(root, 'test/support/fake-npm.mjs');

class Checkout {
  readonly folder: string;
  readonly log: string;
  readonly word: string;
  readonly #t: TestContext;

  constructor(t: TestContext) {
    this.#t = t;
    const outer = temporaryFolder(t);
    chmodSync(outer, 0o755);
    this.folder = join(outer, 'checkout');
    this.log = join(outer, 'npm.log');
    this.word = join(outer, 'go');
    mkdirSync(join(this.folder, 'scripts'), { recursive: true });
    for (const file of ['package.json', 'package-lock.json', '.npmrc', 'scripts/setup.mjs']) {
      copyFileSync(join(root, file), join(this.folder, file));
    }
    writeFileSync(this.log, '');
  }

  start(env: ProgramOptions['env'] = {}, node = process.execPath): Program {
    return start(this.#t, [node, 'scripts/setup.mjs'], this.#options(env));
  }

  async setUp(env: ProgramOptions['env'] = {}, uid?: number): Promise<Ended> {
    const command = [process.execPath, 'scripts/setup.mjs'];
    return await run(this.#t, command, { ...this.#options(env), uid });
  }

  /** How often npm was run. */
  get installs(): number {
    return readFileSync(this.log, 'utf8').split('\n').length - 1;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  #options(env: ProgramOptions['env']): ProgramOptions {
    return {
      cwd: this.folder,
      env: {
        CI: undefined,
        SWITCHYARD_SETUP: undefined,
        npm_execpath: fakeNpm,
        FAKE_NPM_LOG: this.log,
        ...env,
      },
    };
  }
}

test('installs once, says so, and then says nothing', async (t) => {
  const checkout = new Checkout(t);
  const first = await checkout.setUp();
  assert.equal(first.status, 0, first.stderr);
  assert.match(first.stderr, /^Setting up Switchyard: npm ci installs its dependencies and Node/);
  assert.match(first.stderr, /\nSet up in \d+ s\n$/);
  assert.match(readFileSync(checkout.log, 'utf8'), /^ci --ignore-scripts/);
  const second = await checkout.setUp();
  assert.deepEqual([second.status, second.stdout, second.stderr], [0, '', '']);
  assert.equal(checkout.installs, 1);
});

test('installs again when the lockfile changes', async (t) => {
  const checkout = new Checkout(t);
  await checkout.setUp();
  writeFileSync(checkout.path('package-lock.json'), '{}');
  assert.equal((await checkout.setUp()).status, 0);
  assert.equal(checkout.installs, 2);
});

test('the second of two at once waits, says for whom, and has nothing left to do', async (t) => {
  const checkout = new Checkout(t);
  const first = checkout.start({ FAKE_NPM_WAIT: checkout.word });
  await first.printed('Setting up');
  const second = checkout.start({ FAKE_NPM_WAIT: checkout.word });
  await second.printed(`Waiting for another set-up (process ${first.pid})`);
  writeFileSync(checkout.word, '');
  assert.deepEqual([(await first.ended).status, (await second.ended).status], [0, 0]);
  assert.equal(checkout.installs, 1);
  assert.equal(existsSync(checkout.path('.cache/setup.lock')), false);
});

test('of many that find a dead process’s lock, one takes it over', async (t) => {
  const checkout = new Checkout(t);
  mkdirSync(checkout.path('.cache'));
  writeFileSync(checkout.path('.cache/setup.lock'), String(spawnSync('true').pid));
  const all = await Promise.all(Array.from({ length: 4 }, () => checkout.setUp()));
  assert.deepEqual(
    all.map((ended) => ended.status),
    [0, 0, 0, 0],
  );
  assert.equal(checkout.installs, 1);
});

test('a lock that its process does not keep fresh is taken over', async (t) => {
  const checkout = new Checkout(t);
  const lock = checkout.path('.cache/setup.lock');
  mkdirSync(checkout.path('.cache'));
  // The id of a process that lives but does not set up: ours.
  writeFileSync(lock, String(process.pid));
  const past = new Date(Date.now() - 60_000);
  utimesSync(lock, past, past);
  assert.equal((await checkout.setUp()).status, 0);
});

test('a set-up that was killed is not believed', async (t) => {
  const checkout = new Checkout(t);
  const first = checkout.start({ FAKE_NPM_WAIT: checkout.word });
  await first.printed('Setting up');
  first.kill('SIGKILL');
  // Its npm lives on, waits for the word, and holds its output open.
  writeFileSync(checkout.word, '');
  await first.ended;
  const second = await checkout.setUp();
  assert.equal(second.status, 0, second.stderr);
  assert.match(second.stderr, /^Setting up/);
});

test('what npm says is shown when it fails', async (t) => {
  const checkout = new Checkout(t);
  const ended = await checkout.setUp({ FAKE_NPM_FAIL: 'npm error code ENOSPC' });
  assert.equal(ended.status, 3);
  assert.match(
    ended.stderr,
    /\n {2}npm error code ENOSPC\nerror: Cannot set up Switchyard: npm ci/,
  );
  assert.match(ended.stderr, /\n {2}try: Free some disk space/);
  assert.equal(existsSync(checkout.path('node_modules/.switchyard-setup')), false);
  assert.equal((await checkout.setUp()).status, 0);
});

test('without network: the real npm fails, exit 3, what to do', async (t) => {
  const checkout = new Checkout(t);
  const ended = await checkout.setUp({
    npm_execpath: undefined,
    // Port 1 of this host answers nobody.
    npm_config_registry: 'http://127.0.0.1:1/',
    npm_config_cache: checkout.path('empty'),
    npm_config_fetch_retries: '0',
  });
  assert.equal(ended.status, 3);
  assert.match(ended.stderr, /ECONNREFUSED/);
  assert.match(ended.stderr, /\n {2}try: Check that this host reaches the npm registry/);
});

test('a checkout that this user may not write', async (t) => {
  const checkout = new Checkout(t);
  // Root may write everywhere, so root becomes nobody for this; the others lock themselves out.
  const nobody = process.getuid?.() === 0 ? 65534 : undefined;
  if (nobody === undefined) chmodSync(checkout.folder, 0o555);
  const ended = await checkout.setUp({}, nobody);
  if (nobody === undefined) chmodSync(checkout.folder, 0o755);
  assert.equal(ended.status, 3);
  assert.match(ended.stderr, /^error: Cannot set up Switchyard: \S+ may not be written by \S+\n/);
  assert.match(ended.stderr, /\n {2}try: Run it once as the owner/);
  assert.equal(checkout.installs, 0);
});

test('a Node that does not run here is put away when ours is new enough', async (t) => {
  const checkout = new Checkout(t);
  const ended = await checkout.setUp({ FAKE_NPM_NODE: '/bin/false' });
  assert.equal(ended.status, 0, ended.stderr);
  assert.equal(existsSync(checkout.path('node_modules/.bin/node')), false);
});

test('Debian packages are installed only where that is asked for, and may fail', async (t) => {
  const checkout = new Checkout(t);
  const bin = temporaryFolder(t);
  const asked = join(bin, 'asked');
  writeFileSync(join(bin, 'apt-get'), `#!/bin/sh\necho "$*" >> '${asked}'\nexit 1\n`, {
    mode: 0o755,
  });
  assert.equal((await checkout.setUp({ PATH: bin })).status, 0);
  assert.equal(existsSync(asked), false);
  const ended = await checkout.setUp({ PATH: bin, CI: 'true' });
  assert.equal(ended.status, 0);
  const said = /^Installing (curl .*) with apt-get: tests use it\n/;
  const [, packages = ''] = said.exec(ended.stderr) ?? assert.fail(ended.stderr);
  const install = (names: string): string => `-qq install -y --no-install-recommends ${names}\n`;
  const each = packages.split(' ').map(install).join('');
  const all = install(packages);
  assert.equal(readFileSync(asked, 'utf8'), `${all}-qq update\n${all}${each}`);
  assert.match(ended.stderr, /\n {2}apt-get failed for curl; tests that need it are skipped\n/);
});

const oldNode = findOldNode();

test(
  'a Node that does not run here is told when ours is too old',
  { skip: oldNode === undefined && 'this host has no Node older than 26' },
  async (t) => {
    const checkout = new Checkout(t);
    const program = checkout.start({ FAKE_NPM_NODE: '/bin/false' }, oldNode);
    const ended = await program.ended;
    assert.equal(ended.status, 3);
    assert.match(ended.stderr, /error: Cannot set up Switchyard: Node 26\S* does not come for/);
    assert.match(ended.stderr, /\n {2}try: Install Node 26 or newer/);
  },
);
