/** `up --mode nftables` in a network of the test's own: real packets, what a killed one leaves, what cleanup takes away. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openCell, whyNoCell, type Cell } from '../support/cell.ts';
import { emptyHome, run, start, temporaryFolder, type Program } from '../support/program.ts';
import { root } from '../support/tree.ts';

function whyNot(): string | false {
  const without = whyNoCell();
  if (without !== undefined) return without;
  for (const program of ['nft', 'curl', 'setpriv']) {
    if (spawnSync(program, ['--version']).status !== 0) return `${program} is not on this host`;
  }
  return false;
}

const skip = whyNot();
const server =
  "require('http').createServer((q, s) => s.end(process.argv[1])).listen(process.env.PORT, process.env.HOST)";

const plain = { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] };

interface Own {
  readonly annotations?: object;
  readonly spec?: object;
}

function manifest(ofEach: object = {}): string {
  const service = (name: string, clusterIP: string, own: Own = {}): object => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, annotations: own.annotations },
    spec: { ...plain, clusterIP, ...own.spec },
  });
  const pod = (name: string): object => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      labels: { app: 'web' },
      annotations: { 'switchyard.dev/command': JSON.stringify(['node', '-e', server, name]) },
    },
    spec: { containers: [{ name: 'web', image: 'none', ports: [{ containerPort: 8080 }] }] },
  });
  const annotations = { 'switchyard.dev/balance': 'request' };
  const each = service('each', '10.96.0.21', { annotations, spec: ofEach });
  const objects = [service('web', '10.96.0.20'), each, ...['a', 'b', 'c'].map(pod)];
  return objects.map((object) => JSON.stringify(object)).join('\n---\n');
}

interface Host {
  readonly cell: Cell;
  readonly home: string;
  /** What the running instance reads, and reads again. */
  readonly file: string;
  /** Runs to its end inside, without complaint. */
  readonly sh: (line: string) => string;
  readonly up: (...flags: readonly string[]) => Program;
  readonly switchyard: (...args: readonly string[]) => ReturnType<typeof run>;
}

async function openHost(t: TestContext): Promise<Host> {
  const cell = await openCell(t);
  const home = temporaryFolder(t);
  const file = join(home, 'web.yaml');
  writeFileSync(file, manifest());
  const options = { cwd: root, env: emptyHome(home) };
  const own = join(root, 'switchyard');
  return {
    cell,
    home,
    file,
    sh: (line) => {
      const [program = '', ...args] = cell.enter(['sh', '-ec', line]);
      return execFileSync(program, args, { encoding: 'utf8' });
    },
    up: (...flags) =>
      start(t, cell.enter([own, 'up', '--mode', 'nftables', '-f', file, ...flags]), options),
    switchyard: (...args) => run(t, cell.enter([own, ...args]), options),
  };
}

const curl = (address: string): string => `curl -sS -m 5 http://${address}`;
const sixAnswers = (address: string): string => `for i in 1 2 3 4 5 6; do ${curl(address)}; done`;
/** Of one connection, from a port that is asked for by number: also where none is free. */
const sixOnOne = (address: string): string =>
  `curl -sS -m 5 --local-port 30000-30999 ${Array(6).fill(`http://${address}`).join(' ')}`;
const traces = 'nft list tables; ip route; ip -6 route; ip addr; ip route show table local';

const sorted = (text: string): string => text.split('').toSorted().join('');

test(
  'a Service is forwarded in the kernel, and nothing is left afterwards',
  { skip },
  async (t) => {
    const { sh, up, switchyard } = await openHost(t);
    const before = sh(traces);
    const instance = up('--ephemeral');
    await instance.printed('Ready.');
    // Round robin is exact, by connection and by request.
    assert.equal(sorted(sh(sixAnswers('10.96.0.20'))), 'aabbcc');
    assert.equal(sorted(sh(sixOnOne('10.96.0.21'))), 'aabbcc');
    const audit = await switchyard('audit');
    assert.deepEqual([audit.stdout, audit.stderr, audit.status], ['', '', 0]);
    const flow = await switchyard('explain', 'flow', '10.97.255.254', 'web:80');
    assert.match(flow.stdout, /forwarded/);
    sh('nft delete element ip switchyard services { 10.96.0.20 . tcp . 80 }');
    const damaged = await switchyard('audit');
    assert.equal(damaged.status, 1);
    assert.match(
      damaged.stdout,
      /^default\/web.*element 10\.96\.0\.20 \. tcp \. 80\n {2}is +not there/,
    );
    const refused = await switchyard('cleanup');
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /Cannot clean up: instance default forwards in the kernel/);
    const second = await switchyard(
      'up',
      '--mode',
      'nftables',
      '--instance',
      'second',
      '--ephemeral',
    );
    assert.equal(second.status, 2);
    assert.match(second.stderr, /another instance of Switchyard does so/);
    instance.kill('SIGTERM');
    assert.equal((await instance.ended).status, 0);
    assert.equal(sh(traces), before);
  },
);

test(
  'a gateway that loses its port is led to no more, and again once it has one',
  { skip },
  async (t) => {
    const { sh, up, switchyard, file, home } = await openHost(t);
    const instance = up('--ephemeral');
    await instance.printed('Ready.');
    const onOne = sixOnOne('10.96.0.21');
    const explained = async (what: (text: string) => boolean): Promise<void> => {
      const deadline = Date.now() + 30_000;
      for (;;) {
        const { stdout } = await switchyard('explain', 'service', 'each');
        if (what(stdout)) return;
        assert.ok(Date.now() < deadline, stdout);
      }
    };
    assert.equal(sorted(sh(onOne)), 'aabbcc', 'by request');
    const reserved = '/proc/sys/net/ipv4/ip_local_reserved_ports';
    sh(`echo 1024-65535 > ${reserved}`);
    // A Local policy takes a port more, which the gateway cannot have.
    writeFileSync(join(home, 'next'), manifest({ internalTrafficPolicy: 'Local' }));
    renameSync(join(home, 'next'), file);
    await explained((text) => /gateway cannot listen for it/.test(text));
    assert.match(sh(onOne), /^(a{6}|b{6}|c{6})$/, 'by connection, past the gateway');
    assert.deepEqual((await switchyard('audit')).status, 0);
    sh(`echo > ${reserved}`);
    await explained((text) => !/gateway/.test(text));
    assert.equal(sorted(sh(onOne)), 'aabbcc', 'by request again');
    instance.kill('SIGTERM');
    assert.equal((await instance.ended).status, 0);
  },
);

test(
  'what a killed instance leaves, the next one goes on with, and cleanup takes away',
  { skip },
  async (t) => {
    const { sh, up, switchyard } = await openHost(t);
    const before = sh(traces);
    const first = up();
    await first.printed('Ready.');
    first.kill('SIGKILL');
    await first.ended;
    const next = up();
    await next.printed('Ready.');
    assert.equal(sorted(sh(sixAnswers('10.96.0.20'))), 'aabbcc');
    next.kill('SIGKILL');
    await next.ended;
    const foreign = await switchyard('up', '--mode', 'userspace');
    assert.equal(foreign.status, 2);
    assert.match(
      foreign.stderr,
      /addresses of 10\.96\.0\.0\/16.*\n {2}try: Start it with --mode nftables/,
    );
    const cleaned = await switchyard('cleanup');
    assert.equal(cleaned.status, 0);
    assert.match(cleaned.stdout, /Removed table ip switchyard\n/);
    assert.match(cleaned.stdout, /Removed the route to 10\.96\.0\.0\/16\n/);
    assert.equal(sh(traces), before);
    assert.equal((await switchyard('cleanup')).stdout, 'Nothing of Switchyard is in the kernel\n');
  },
);

test('CAP_NET_ADMIN is enough, and without it nothing is touched', { skip }, async (t) => {
  const { cell, sh, home } = await openHost(t);
  chmodSync(home, 0o777);
  const before = sh(traces);
  const own = [join(root, 'switchyard'), 'up', '--mode', 'nftables', '--ephemeral'];
  const nobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];
  const withOnly = (capability: string): readonly string[] => [
    'setpriv',
    ...nobody,
    ...['inh-caps', 'ambient-caps', 'bounding-set'].map((set) => `--${set}=-all${capability}`),
  ];
  const options = { cwd: root, env: emptyHome(home) };
  const without = await run(t, cell.enter([...withOnly(''), ...own]), options);
  assert.equal(without.status, 2);
  assert.match(without.stderr, /lacks CAP_NET_ADMIN/);
  assert.equal(sh(traces), before);
  const file = join(home, 'web.yaml');
  const enough = start(t, cell.enter([...withOnly(',+net_admin'), ...own, '-f', file]), options);
  await enough.printed('Ready.');
  assert.equal(sorted(sh(sixAnswers('10.96.0.20'))), 'aabbcc');
  enough.kill('SIGTERM');
  await enough.ended;
  assert.equal(sh(traces), before);
});

test('what others have is left as it is, and named', { skip }, async (t) => {
  const { sh, switchyard } = await openHost(t);
  const up = async (): Promise<string> => {
    const { status, stderr } = await switchyard('up', '--mode', 'nftables', '--ephemeral');
    assert.notEqual(status, 0);
    return stderr;
  };
  sh('ip route add 10.96.0.0/16 dev lo');
  const routed = sh(traces);
  assert.match(await up(), /Cannot have the addresses 10\.96\.0\.0\/16: this host has a route/);
  assert.equal(sh(traces), routed);
  sh('ip route del 10.96.0.0/16; nft add table ip switchyard');
  const tabled = sh(traces);
  assert.match(await up(), /lacks a table of its own .*the table ip switchyard/);
  assert.match((await switchyard('cleanup')).stderr, /there is one that Switchyard did not make/);
  assert.equal(sh(traces), tabled);
});
