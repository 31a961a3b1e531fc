/**
 * Installs what a fresh checkout lacks, so that `npm start` and `npm test` are the only commands to know.
 *
 * Plain JavaScript without dependencies: it runs on whatever Node 20+ the host has, before ours is there.
 * A stamp of the lockfile makes the second run a no-op. Exit codes: 0 all there, 3 could not.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
// Inside node_modules, so that it vanishes with what it vouches for when npm begins to replace that.
const stampFile = join(modules, '.switchyard-setup');
const cache = join(root, '.cache');
const lockFile = join(cache, 'setup.lock');
const pinnedNode = join(modules, '.bin', 'node');
const oldestNode = 26;
const sayEveryMs = 3000;
const heartbeatMs = 1000;
// A holder that did not touch its lock for so long is stopped, or its process id is somebody else's now.
const staleAfterMs = 30_000;

/** Debian packages that tests use; what is still missing afterwards is named by the tests that skip. */
const debianPackages = [
  { program: 'curl', package: 'curl' },
  { program: 'kdig', package: 'knot-dnsutils' },
  { program: 'dig', package: 'bind9-dnsutils' },
  { program: 'host', package: 'bind9-host' },
  { program: 'chromium', package: 'chromium' },
  { program: 'unbound', package: 'unbound' },
  { program: 'nginx', package: 'nginx-light' },
  { program: 'haproxy', package: 'haproxy' },
  { program: 'nft', package: 'nftables' },
  { program: 'ip', package: 'iproute2' },
  { program: 'conntrack', package: 'conntrack' },
];

class SetupError extends Error {
  constructor(message, remedy) {
    super(message);
    this.remedy = remedy;
  }
}

const say = (line) => process.stderr.write(`${line}\n`);

function wantedStamp() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  return createHash('sha256')
    .update(lock)
    .update(`${process.platform}-${process.arch}`)
    .digest('hex');
}

function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

const isSetUp = () => readIfThere(stampFile) === wantedStamp();

function mayWrite(path) {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function userName() {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? ''}`;
  }
}

function checkWritable() {
  for (const path of [root, cache, modules]) {
    if (!existsSync(path) || mayWrite(path)) continue;
    throw new SetupError(
      `Cannot set up Switchyard: ${path} may not be written by ${userName()}`,
      path === root
        ? 'Run it once as the owner of the checkout, or make a checkout of your own'
        : `Remove ${path} as its owner, or run this once as its owner`,
    );
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return cause.code === 'EPERM';
  }
}

/** The process that holds the lock, or undefined when nobody alive does. */
function lockHolder() {
  const pid = Number(readIfThere(lockFile));
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return undefined;
  const touched = statSync(lockFile, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return Date.now() - touched < staleAfterMs ? pid : undefined;
}

/** Makes a file that has its text from the first moment on; false when it exists. */
function createExclusively(path, text) {
  const scratch = `${path}.${process.pid}`;
  writeFileSync(scratch, text);
  try {
    linkSync(scratch, path);
    return true;
  } catch (cause) {
    if (cause.code === 'EEXIST') return false;
    throw cause;
  } finally {
    rmSync(scratch, { force: true });
  }
}

/** Removes a dead holder's lock. Guarded, or of two that find it dead the slower would remove the faster's. */
function removeStaleLock() {
  const guard = `${lockFile}.takeover`;
  const guardAge = Date.now() - (statSync(guard, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
  if (guardAge > staleAfterMs) rmSync(guard, { force: true });
  if (!createExclusively(guard, String(process.pid))) return;
  try {
    if (lockHolder() === undefined) rmSync(lockFile, { force: true });
  } finally {
    rmSync(guard, { force: true });
  }
}

/** Waits until this process is the only one that sets up; returns what gives that up again. */
async function takeLock() {
  mkdirSync(cache, { recursive: true });
  const started = Date.now();
  for (let saidMs = -Infinity; !createExclusively(lockFile, String(process.pid));) {
    const holder = lockHolder();
    if (holder === undefined) removeStaleLock();
    else if (Date.now() - saidMs >= sayEveryMs) {
      say(`Waiting for another set-up (process ${holder}) ... ${seconds(started)}`);
      saidMs = Date.now();
    }
    await delay(100);
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    try {
      utimesSync(lockFile, now, now);
    } catch {
      // Somebody removed .cache; the stamp is still written last, so nothing wrong is believed.
    }
  }, heartbeatMs);
  return () => {
    clearInterval(heartbeat);
    if (readIfThere(lockFile) === String(process.pid)) rmSync(lockFile, { force: true });
  };
}

const seconds = (since) => `${Math.round((Date.now() - since) / 1000)} s`;

/** npm as the program that started us, or else from PATH. */
function npmCommand() {
  const script = process.env['npm_execpath'];
  return script !== undefined && /\.[cm]?js$/.test(script) && existsSync(script)
    ? [process.execPath, script]
    : ['npm'];
}

function npmEnvironment() {
  const env = { ...process.env };
  // Without a home that can be written npm has no place for its cache.
  if (!mayWrite(homedir())) env['npm_config_cache'] = join(cache, 'npm');
  return env;
}

async function installDependencies() {
  const started = Date.now();
  say(
    'Setting up Switchyard: npm ci installs its dependencies and Node (first run or new versions)',
  );
  const progress = setInterval(() => say(`  npm ci ... ${seconds(started)}`), sayEveryMs);
  const [file, ...args] = npmCommand();
  const child = spawn(file, [...args, 'ci', '--ignore-scripts', '--no-progress'], {
    cwd: root,
    env: npmEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (output += text));
  }
  // An npm that outlived us would go on without the lock.
  const pass = (signal) => child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, pass);
  const code = await new Promise((resolve) => {
    child.once('error', (cause) => {
      output += cause.code === 'ENOENT' ? 'npm is not on PATH\n' : `${cause.message}\n`;
      resolve(undefined);
    });
    child.once('close', resolve);
  });
  clearInterval(progress);
  if (code === 0) return say(`Set up in ${seconds(started)}`);
  if (output.trim() !== '') say(indent(output));
  throw new SetupError(
    'Cannot set up Switchyard: npm ci failed (above is what it said)',
    remedyFor(output),
  );
}

const indent = (text) => text.trimEnd().replace(/^/gm, '  ');

function remedyFor(output) {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED/.test(output)) {
    return 'Check that this host reaches the npm registry (npm ping), and any proxy set for npm; then run it again';
  }
  if (/EACCES|EPERM|EROFS/.test(output)) return 'Check who owns the checkout and the npm cache';
  if (/ENOSPC/.test(output)) return 'Free some disk space (about 500 MB) and run it again';
  if (/npm is not on PATH/.test(output))
    return 'Install Node 20 or newer with npm, and run npm start';
  return 'Mend what npm names, and run it again';
}

/** Holds the installed Node against the version in package.json; without one, ours must be new enough. */
function checkNode() {
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const name = Object.keys(optionalDependencies).find((key) => key.startsWith('node-'));
  const pinned = optionalDependencies[name];
  if (existsSync(pinnedNode)) {
    const found = spawnSync(pinnedNode, ['--version'], { encoding: 'utf8' });
    if (found.stdout?.trim() === `v${pinned}`) return;
    // A build for another C library does not run here; npm scripts would still find it first on PATH.
    rmSync(pinnedNode);
  }
  if (Number.parseInt(process.versions.node, 10) >= oldestNode) return;
  throw new SetupError(
    `Cannot set up Switchyard: Node ${pinned} does not come for ${process.platform} ${process.arch} ` +
      `on this host, and the Node on PATH is ${process.version}`,
    `Install Node ${oldestNode} or newer and run it again`,
  );
}

const onPath = (program) =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));

/** Best effort, and only where asked for: what stays missing is named by the tests that skip. */
function installDebianPackages() {
  if (process.env['CI'] !== 'true' && process.env['SWITCHYARD_SETUP'] !== 'apt') return;
  const missing = debianPackages.filter((wanted) => !onPath(wanted.program));
  if (missing.length === 0 || !onPath('apt-get')) return;
  const names = missing.map((wanted) => wanted.package);
  say(`Installing ${names.join(' ')} with apt-get: tests use it`);
  // Debian starts the services it installs, but not in the runlevel for repairs: they would take our ports.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const apt = (...args) => spawnSync('apt-get', ['-qq', ...args], { env, encoding: 'utf8' });
  const install = (...wanted) => apt('install', '-y', '--no-install-recommends', ...wanted);
  if (install(...names).status === 0) return;
  apt('update');
  if (install(...names).status === 0) return;
  // One that cannot be had must not keep the others away.
  for (const name of names) {
    const { status, stderr } = install(name);
    if (status === 0) continue;
    say(`  apt-get failed for ${name}; tests that need it are skipped\n${indent(stderr)}`);
  }
}

async function main() {
  installDebianPackages();
  if (isSetUp()) return;
  checkWritable();
  const release = await takeLock();
  try {
    // Whoever held the lock before may have done it all.
    if (isSetUp()) return;
    await installDependencies();
    checkNode();
    writeFileSync(stampFile, wantedStamp());
  } finally {
    release();
  }
}

try {
  await main();
} catch (thrown) {
  say(`error: ${thrown.message}`);
  if (thrown instanceof SetupError) say(`  try: ${thrown.remedy}`);
  process.exitCode = 3;
}
