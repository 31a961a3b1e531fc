/** The whole command line against golden files: arguments in; stdout, stderr and exit code out. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import {
  controlErrors,
  createControlServer,
  instanceFolder,
  ControlError,
  type ControlSource,
} from '../control/index.ts';
import { CodedError } from '../model/index.ts';
import { silentLogger } from '../obs/index.ts';
import { createFakeClock } from '../sys/index.ts';
import type { CliDeps, CliEnv, UpOptions } from './io.ts';
import { runCli } from './run-cli.ts';
import { fakeDoctor } from './testdata/fake-doctor.ts';
import { fakeSource } from './testdata/fake-source.ts';

const testdata = join(import.meta.dirname, 'testdata');
const root = mkdtempSync(join(tmpdir(), 'sy-cli-'));
const stops: (() => Promise<void>)[] = [];

/** Folders with no, one, one busy and two running instances. */
const folders = {
  none: join(root, 'none'),
  one: join(root, 'one'),
  busy: join(root, 'busy'),
  two: join(root, 'two'),
} as const;

async function startInstance(home: string, instance: string, source: ControlSource): Promise<void> {
  const folder = instanceFolder({ home, xdgRuntimeDir: undefined }, instance);
  const server = createControlServer({ folder, instance, source, log: silentLogger });
  await server.start(new AbortController().signal);
  stops.push(() => server.stop());
}

before(async () => {
  await startInstance(folders.one, 'default', fakeSource());
  await startInstance(folders.busy, 'default', fakeSource(true));
  await startInstance(folders.two, 'default', fakeSource());
  await startInstance(folders.two, 'shop', fakeSource());
});
after(async () => {
  for (const stop of stops) await stop();
  rmSync(root, { recursive: true, force: true });
});

interface Run {
  readonly argv: readonly string[];
  readonly home?: keyof typeof folders;
  readonly env?: Partial<CliEnv>;
  readonly tty?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  readonly up?: (options: UpOptions) => Promise<number>;
}

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

async function run({
  argv,
  home = 'one',
  env = {},
  up,
  tty = false,
  columns,
  rows,
}: Run): Promise<Ran> {
  const written = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof written) => ({
    write: (text: string) => {
      written[name] += text;
    },
    isTTY: tty,
    columns,
    rows,
  });
  const deps: CliDeps = {
    version: '0.1.0',
    clock: { ...createFakeClock(), sleep: async () => undefined },
    interrupted: () => new AbortController().signal,
    up: up ?? (async () => assert.fail('up was not asked for')),
    restore: () => Promise.reject(new Error('not asked for')),
    cleanup: async ({ dryRun }) =>
      dryRun ? { wouldRemove: fakeRemoved } : { removed: fakeRemoved },
    dns: async () => assert.fail('dns was not asked for'),
    proxy: async () => assert.fail('proxy was not asked for'),
    gateway: async () => assert.fail('gateway was not asked for'),
    doctor: fakeDoctor,
    errorTables: async () => [controlErrors, { user: { MANIFEST_NOT_FOUND: '' }, ours: {} }],
  };
  const exitCode = await runCli(
    argv,
    {
      stdout: stream('stdout'),
      stderr: stream('stderr'),
      env: {
        home: folders[home],
        xdgRuntimeDir: undefined,
        instance: undefined,
        noColor: false,
        ...env,
      },
    },
    deps,
  );
  return { ...written, exitCode };
}

const escape = '\u001B';

const manifests = join(import.meta.dirname, '..', 'lint', 'testdata');
const manifest = (name: string): string => join(manifests, `${name}.yaml`);

const failUp = (error: Error) => async (): Promise<number> => {
  throw error;
};

const missingFile = new CodedError(
  'MANIFEST_NOT_FOUND',
  'Cannot load shop.yaml: it does not exist',
  {
    remedy: 'Check the path given with -f',
    cause: Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' }),
  },
);

const fakeRemoved = ['table ip switchyard', 'the route to 10.96.0.0/16'];

/** By golden file. */
const golden: Record<string, Run> = {
  'top.text': { argv: ['top', '-n', '2', '-N', 'default'], home: 'busy' },
  'top-services.text': { argv: ['top', 'services', '--rounds=1'], home: 'busy' },
  'top.json': {
    argv: ['top', 'endpoints', '-n', '1', '-N', 'default', '-o', 'json'],
    home: 'busy',
  },
  'top-tty': { argv: ['top', '-n', '2'], home: 'busy', tty: true, columns: 120, rows: 6 },
  'top-wrong.text': { argv: ['top', 'pods'] },
  'help-top.text': { argv: ['top', '--help'] },
  'get-metrics.text': { argv: ['get', 'metrics'] },
  'get-metrics.json': { argv: ['get', 'metrics', '-o', 'json'] },
  'up-metrics.text': { argv: ['up', '--metrics', 'localhost'] },
  'get-services.text': { argv: ['get', 'services'] },
  'get-services-all.text': { argv: ['get', 'services', '-A'] },
  'get-services-named.text': { argv: ['get', 'svc', 'web', '-N', 'default'] },
  'get-services.json': { argv: ['get', 'services', 'web', '-o', 'json'] },
  'get-services-tty': { argv: ['get', 'services'], tty: true, columns: 80 },
  'get-services-unknown.text': { argv: ['get', 'services', 'shop/wbe'] },
  'get-services-unknown.json': { argv: ['get', 'services', 'wbe', '--output=json'] },
  'get-services-none.text': { argv: ['get', 'services', '-N', 'empty'] },
  'get-endpoints.text': { argv: ['get', 'endpoints'] },
  'get-endpoints-all.text': { argv: ['get', 'ep', '-A'] },
  'get-endpoints.json': { argv: ['get', 'ep', 'web', '-o', 'json'] },
  'explain-service.text': { argv: ['explain', 'service', 'web'] },
  'explain-service.json': { argv: ['explain', 'service', 'default/web', '-o', 'json'] },
  'explain-service-tty': { argv: ['explain', 'service', 'web'], tty: true, columns: 80 },
  'explain-flow.text': { argv: ['explain', 'flow', '127.0.0.1', '127.83.4.9:80'] },
  'error-explain-flow.text': { argv: ['explain', 'flow', '127.0.0.1', '127.83.4.9'] },
  'explain-name.text': { argv: ['explain', 'name', 'web.default.svc.cluster.local'] },
  'explain-name-no.text': { argv: ['explain', 'name', 'peers', '-N', 'shop', '--type', 'aaaa'] },
  'explain-name.json': { argv: ['explain', 'name', 'peers', '-o', 'json'] },
  'error-explain-name.text': { argv: ['explain', 'name', 'web', '--type', 'AXFR'] },
  'help-explain-name.text': { argv: ['explain', 'name', '--help'] },
  'explain-request.text': { argv: ['explain', 'request', 'http://web.default/cart'] },
  'explain-request-held.text': {
    argv: ['explain', 'request', 'http://web/', '-H', 'Cookie: sid=1', '-X', 'POST'],
  },
  'explain-request-real.text': { argv: ['explain', 'request', 'http://web/', '--real'] },
  'explain-request.json': {
    argv: ['explain', 'request', 'http://web/', '--real', '-o', 'json'],
  },
  'explain-request-refused.text': { argv: ['explain', 'request', 'http://nix/'] },
  'error-explain-request.text': { argv: ['explain', 'request', 'web.default'] },
  'error-explain-request-header.text': {
    argv: ['explain', 'request', 'http://web/', '-H', 'no colon'],
  },
  'help-explain-request.text': { argv: ['explain', 'request', '--help'] },
  'get-names.text': { argv: ['get', 'names'] },
  'get-names.json': { argv: ['get', 'names', '-o', 'json'] },
  'doctor.text': { argv: ['doctor'] },
  'doctor.json': { argv: ['doctor', '-o', 'json'] },
  'doctor-none.text': { argv: ['doctor'], home: 'none' },
  'help-explain.text': { argv: ['explain', '--help'] },
  'help-explain-service.text': { argv: ['explain', 'service', '--help'] },
  'help-explain-flow.text': { argv: ['explain', 'flow', '--help'] },
  'audit.text': { argv: ['audit'] },
  'audit.json': { argv: ['audit', '-o', 'json'] },
  'cleanup.text': { argv: ['cleanup'] },
  'cleanup.json': { argv: ['cleanup', '-o', 'json'] },
  'cleanup-dry-run.text': { argv: ['cleanup', '--dry-run'] },
  'cleanup-dry-run.json': { argv: ['cleanup', '--dry-run', '-o', 'json'] },
  'help-audit.text': { argv: ['audit', '--help'] },
  'help-cleanup.text': { argv: ['cleanup', '--help'] },
  'get-plan.text': { argv: ['get', 'plan'] },
  'get-plan.json': { argv: ['-o', 'json', 'get', 'plan'] },
  'spread.text': { argv: ['spread', 'service', 'web', '-n', '300'] },
  'spread-narrow.text': { argv: ['spread', 'service', 'web', '-n', '300'], columns: 60 },
  'spread-tty': { argv: ['spread', 'service', 'web', '-n', '300'], tty: true, columns: 100 },
  'spread.json': { argv: ['spread', 'service', 'web', '-n', '300', '-o', 'json'] },
  'spread-remainder.text': { argv: ['spread', 'service', 'default/remainder', '-c', '1'] },
  'spread-random.text': { argv: ['spread', 'service', 'random'] },
  'spread-skewed.text': { argv: ['spread', 'service', 'skewed'] },
  'spread-busy.text': { argv: ['spread', 'service', 'busy'] },
  'spread-not-exact.text': { argv: ['spread', 'service', 'crowded'] },
  'spread-failed.text': { argv: ['spread', 'service', 'failing'] },
  'spread-sticky.text': { argv: ['spread', 'service', 'sticky'] },
  'spread-drained.text': { argv: ['spread', 'service', 'drained'] },
  'spread-unknown.text': { argv: ['spread', 'service', 'wbe'] },
  'spread-ports.text': { argv: ['spread', 'service', 'ports'] },
  'error-unknown-command.text': { argv: ['gett', 'services'] },
  'error-unknown-command.json': { argv: ['gett', 'services', '-o', 'json'] },
  'error-unknown-kind.text': { argv: ['get', 'pods'] },
  'error-unknown-option.text': { argv: ['get', 'services', '--namespce', 'x'] },
  'error-no-kind.text': { argv: ['get'] },
  'error-missing-argument.text': { argv: ['spread', 'service'] },
  'error-too-many.text': { argv: ['get', 'services', 'a', 'b'] },
  'error-bad-number.text': { argv: ['spread', 'service', 'web', '-n', 'many'] },
  'error-bad-choice.text': { argv: ['up', '--mode', 'ipvs'] },
  'error-missing-value.text': { argv: ['up', '-f'] },
  'error-bad-name.text': { argv: ['get', 'services', 'a/b/c'] },
  'error-two-namespaces.text': { argv: ['get', 'services', 'shop/web', '-N', 'default'] },
  'error-none-running.text': { argv: ['get', 'services'], home: 'none' },
  'error-none-running.json': { argv: ['get', 'services', '-ojson'], home: 'none' },
  'error-several-running.text': { argv: ['get', 'services'], home: 'two' },
  'error-several-running.json': { argv: ['get', 'services', '-o', 'json'], home: 'two' },
  'error-not-running.text': { argv: ['get', 'plan', '--instance', 'blog'], home: 'two' },
  'error-bad-instance.text': { argv: ['get', 'plan', '--instance', 'No!'] },
  'error-no-home.text': { argv: ['get', 'plan'], env: { home: undefined } },
  'error-missing-file.text': { argv: ['up', '-f', 'shop.yaml'], up: failUp(missingFile) },
  'error-missing-file-debug.text': {
    argv: ['up', '-f', 'shop.yaml', '--log-level', 'debug'],
    up: failUp(missingFile),
  },
  'error-missing-file.json': {
    argv: ['up', '-f', 'shop.yaml', '-o', 'json', '--log-level=debug'],
    up: failUp(missingFile),
  },
  'error-tty': { argv: ['up', '-f', 'shop.yaml'], up: failUp(missingFile), tty: true },
  'error-taken.text': {
    argv: ['up', '--instance', 'shop'],
    up: failUp(
      new ControlError('CONTROL_INSTANCE_TAKEN', 'Cannot start instance shop: it is running', {
        remedy: 'Stop it, or give this one another name with --instance',
      }),
    ),
  },
  'error-unforeseen.text': { argv: ['up'], up: failUp(new TypeError('x is not a function')) },
  'lint.text': { argv: ['lint', manifest('selector-matches-nothing')] },
  'lint.json': { argv: ['lint', manifest('broken'), '-o', 'json'] },
  'lint-fine.text': { argv: ['lint', manifest('fine')] },
  'lint-warnings.text': { argv: ['lint', manifest('internal-local')] },
  'lint-strict.text': { argv: ['lint', '--strict', manifest('internal-local')] },
  'lint-tty': { argv: ['lint', manifest('nothing-behind')], tty: true },
  'lint-nowhere.text': { argv: ['lint', manifest('nowhere')] },
  'lint-nothing.text': { argv: ['lint'] },
  'help-lint.text': { argv: ['lint', '--help'] },
  'help.text': { argv: ['--help'] },
  'help-none.text': { argv: [] },
  'help-up.text': { argv: ['up', '--help'] },
  'help-get.text': { argv: ['get', '-h'] },
  'help-get-services.text': { argv: ['get', 'services', '--help'] },
  'help-get-endpoints.text': { argv: ['get', 'endpoints', '--help'] },
  'help-get-plan.text': { argv: ['get', 'plan', '--help'] },
  'help-spread.text': { argv: ['spread', '--help'] },
  'help-spread-service.text': { argv: ['help', 'spread', 'service'] },
  'help-narrow.text': { argv: ['up', '--help'], columns: 50 },
  'help-unknown.text': { argv: ['help', 'nothing'] },
  'help-json.text': { argv: ['--help', '-o', 'json'] },
  'run.text': { argv: ['run', 'web', '-r', '3', '-p', '8080', '--', 'node', 'server.js', '-v'] },
  'run.json': { argv: ['run', 'web', '-o', 'json', '--', 'sleep', '1'] },
  'run-taken.text': { argv: ['run', 'taken', '--', 'sleep', '1'] },
  'run-without-command.text': { argv: ['run', 'web'] },
  'scale.text': { argv: ['scale', 'deploy/web', '--replicas', '1'] },
  'scale-unknown.text': { argv: ['scale', 'deployment/wbe', '--replicas', '1'] },
  'scale-kind.text': { argv: ['scale', 'service/web', '--replicas', '1'] },
  'scale-number.text': { argv: ['scale', 'web', '--replicas', 'many'] },
  'bind.text': { argv: ['bind', 'sts/web', '--command', 'node server.js'] },
  'bind-pod.json': { argv: ['bind', 'pod/web-0', '--address', '127.0.0.1:3000', '-o', 'json'] },
  'bind-neither.text': { argv: ['bind', 'web'] },
  'logs.text': { argv: ['logs', 'web-0'] },
  'logs-follow.lines': { argv: ['logs', 'pod/web-0', '-f', '-o', 'json'] },
  'logs-unknown.text': { argv: ['logs', 'web-9'] },
  'version.text': { argv: ['--version'] },
};

const show = ({ argv }: Run, { stdout, stderr, exitCode }: Ran): string =>
  `$ switchyard ${argv.join(' ')}\n--- stdout\n${stdout}--- stderr\n${stderr}--- exit ${exitCode}\n`
    // Where this checkout is.
    .replaceAll(manifests, 'shop');

for (const [name, c] of Object.entries(golden)) {
  test(`golden ${name}`, async (t: TestContext) => {
    t.assert.fileSnapshot(show(c, await run(c)), join(testdata, `${name}.txt`), {
      serializers: [(text) => String(text)],
    });
  });
}

test('every golden file has its case', () => {
  const files = readdirSync(testdata).filter((name) => name.endsWith('.txt'));
  assert.deepEqual(
    files.toSorted(),
    Object.keys(golden)
      .map((name) => `${name}.txt`)
      .toSorted(),
  );
});

test('JSON answers are JSON, on stdout, and errors are JSON, on stderr', async () => {
  for (const [name, c] of Object.entries(golden)) {
    if (!name.endsWith('.json')) continue;
    const { stdout, stderr, exitCode } = await run(c);
    if (exitCode <= 1) {
      assert.doesNotThrow(() => JSON.parse(stdout), name);
    } else {
      assert.equal(stdout, '', name);
      const error: unknown = JSON.parse(stderr);
      assert.ok(typeof error === 'object' && error !== null && 'error' in error, name);
    }
  }
});

test('up gets its options, and its exit code is the answer', async () => {
  const asked: UpOptions[] = [];
  const up = async (options: UpOptions): Promise<number> => {
    asked.push(options);
    return 7;
  };
  const argv = ['up', '-f', 'a.yaml', '--filename', 'b', '--demo', '--instance', 'shop'];
  const { exitCode, stdout, stderr } = await run({
    argv: [
      ...argv,
      '--engine=portable',
      '--workers=2',
      '--browser-port=8999',
      '--access-log=25',
      '--metrics=none',
      '--log-level=warn',
      '--log-format=json',
    ],
    up,
  });
  assert.equal(exitCode, 7);
  assert.equal(stdout + stderr, '');
  await run({ argv: ['up', '-o', 'json'], up, env: { instance: 'from-env' } });
  assert.deepEqual(asked, [
    {
      files: ['a.yaml', 'b'],
      demo: true,
      mode: 'userspace',
      podNetwork: 'auto',
      engine: 'portable',
      workers: 2,
      replace: false,
      asBefore: false,
      drainSeconds: undefined,
      dnsUpstreams: [],
      metrics: undefined,
      browserPort: 8_999,
      accessLogShare: 0.25,
      instance: 'shop',
      logLevel: 'warn',
      logFormat: 'json',
      output: 'text',
      authorization: 'always-allow',
      objects: { kind: 'memory' },
    },
    {
      files: [],
      demo: false,
      mode: 'userspace',
      podNetwork: 'auto',
      engine: 'auto',
      workers: 1,
      dnsUpstreams: [],
      metrics: { address: '127.0.0.1', port: 0 },
      replace: false,
      asBefore: false,
      drainSeconds: undefined,
      browserPort: undefined,
      accessLogShare: 0,
      instance: 'from-env',
      logLevel: 'info',
      logFormat: 'text',
      output: 'json',
      authorization: 'always-allow',
      objects: { kind: 'default' },
    },
  ]);
});

test('what the limits of the driver refused is said beside its endpoints', async () => {
  const { stdout, stderr } = await run({ argv: ['get', 'endpoints'], home: 'busy' });
  assert.match(stdout, /^SERVICE /);
  assert.equal(stderr, 'Limits: 12 connections were reset because too many were open\n');
});

test('the environment names the instance, the option overrides it', async () => {
  const argv = ['get', 'plan', '-o', 'json'];
  const named = await run({ argv, home: 'two', env: { instance: 'shop' } });
  assert.equal(named.exitCode, 0);
  const overridden = await run({
    argv: [...argv, '--instance', 'nope'],
    home: 'two',
    env: { instance: 'shop' },
  });
  assert.equal(overridden.exitCode, 2);
});

test('NO_COLOR and a pipe take every colour away, on every stream', async () => {
  for (const argv of [
    ['get', 'services'],
    ['spread', 'service', 'web'],
    ['get', 'x'],
    ['--help'],
  ]) {
    const coloured = await run({ argv, tty: true });
    assert.ok((coloured.stdout + coloured.stderr).includes(escape), argv.join(' '));
    for (const change of [{ tty: true, env: { noColor: true } }, { tty: false }]) {
      const { stdout, stderr } = await run({ argv, ...change });
      assert.ok(!(stdout + stderr).includes(escape), argv.join(' '));
    }
  }
});

test('progress is shown on a terminal after a second, and taken away', async (t) => {
  const clock = createFakeClock();
  const home = mkdtempSync(join(tmpdir(), 'sy-progress-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const source = fakeSource();
  await startInstance(home, 'default', {
    ...source,
    spread: async (request, options) => {
      options.onProgress({ done: 10, total: 300 });
      await clock.advance(1_500);
      options.onProgress({ done: 120, total: 300 });
      return await source.spread(request, options);
    },
  });
  const stderrOf = async (isTTY: boolean): Promise<string> => {
    let text = '';
    await runCli(
      ['spread', 'service', 'web'],
      {
        stdout: { write: () => undefined },
        stderr: {
          write: (more) => {
            text += more;
          },
          isTTY,
          columns: 80,
        },
        env: { home, xdgRuntimeDir: undefined, instance: undefined, noColor: false },
      },
      {
        version: '0.1.0',
        clock,
        up: async () => assert.fail('up was not asked for'),
        restore: () => Promise.reject(new Error('not asked for')),
        cleanup: () => Promise.reject(new Error('not asked for')),
        dns: async () => assert.fail('dns was not asked for'),
        proxy: async () => assert.fail('proxy was not asked for'),
        gateway: async () => assert.fail('gateway was not asked for'),
        doctor: fakeDoctor,
        interrupted: () => new AbortController().signal,
        errorTables: async () => [],
      },
    );
    return text;
  };
  const shown = await stderrOf(true);
  assert.ok(shown.endsWith(`\r${escape}[K120 of 300 connections\r${escape}[K`), shown);
  assert.equal(await stderrOf(false), '');
});

test('run starts an instance where none runs', async () => {
  const asked: UpOptions[] = [];
  const up = async (options: UpOptions): Promise<number> => {
    asked.push(options);
    return 0;
  };
  const argv = ['run', 'web', '-p', '8080', '--', 'node', 'server.js'];
  const { exitCode, stderr } = await run({ argv, home: 'none', up });
  assert.deepEqual([exitCode, stderr], [0, '']);
  assert.deepEqual(asked[0]?.run, {
    namespace: 'default',
    name: 'web',
    replicas: 1,
    port: 8080,
    command: ['node', 'server.js'],
    folder: undefined,
  });
});
