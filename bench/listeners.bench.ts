/**
 * 10,000 ServicePorts: from the start of the process until all of them listen, and the most memory it ever had.
 * The driver alone on either engine, the whole product reading a manifest (`up`), and HAProxy with as many
 * frontends, in alternating rounds of one run. `npm run bench -- listeners [COUNT]`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createUserspaceDriver } from '../src/drivers/userspace/index.ts';
import { emptyPlan, nextPlan } from '../src/model/index.ts';
import { testEndpoint, testNode, testServer } from '../src/model/testing.ts';
import { silentLogger } from '../src/obs/index.ts';
import { systemClock } from '../src/sys/index.ts';
import { createEngine, createPortableUdp } from '../src/sys/net/index.ts';

const rounds = 3;
const endpointsEach = 3;
const port = 8080;
const haproxyPath = '/usr/sbin/haproxy';
const root = join(import.meta.dirname, '..');

interface Measured {
  readonly seconds: number;
  readonly mebibytes: number;
}

/** Addresses of their own, none of them used elsewhere. */
function addressOf(block: number, i: number): string {
  return `127.${block}.${Math.floor(i / 250)}.${1 + (i % 250)}`;
}

export async function run([first = '10000', ...rest]: readonly string[]): Promise<void> {
  if (first === 'serve') return await serve(rest[0] ?? '', Number(rest[1]));
  const count = Number(first);
  const names = ['epoll', 'portable', 'up', ...(existsSync(haproxyPath) ? ['haproxy'] : [])];
  const results = new Map<string, Measured[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) results.get(name)?.push(await measure(name, count));
  }
  const medians = names.map((name) => {
    const all = results.get(name) ?? [];
    const seconds = median(all.map((each) => each.seconds));
    const mebibytes = median(all.map((each) => each.mebibytes));
    console.log(
      `${name.padEnd(10)} ${seconds.toFixed(2).padStart(6)} s   ${mebibytes.toFixed(0).padStart(4)} MiB at most`,
    );
    return { name, seconds, mebibytes };
  });
  const peer = medians.at(-1);
  if (peer?.name !== 'haproxy') return console.log('ratios: none, haproxy is not installed');
  const ratios = medians
    .slice(0, -1)
    .map(
      ({ name, seconds, mebibytes }) =>
        `${name} ${(peer.seconds / seconds).toFixed(2)} time ${(peer.mebibytes / mebibytes).toFixed(2)} memory`,
    );
  console.log(`ratios to haproxy, ${count} ServicePorts: ${ratios.join(', ')}`);
}

async function measure(name: string, count: number): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-bench-'));
  const startedMs = performance.now();
  const { child, ready } = start(name, count, folder);
  try {
    await Promise.race([ready, once(child, 'exit').then(() => ended(name))]);
    const seconds = (performance.now() - startedMs) / 1000;
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    const mebibytes = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
    return { seconds, mebibytes };
  } finally {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    rmSync(folder, { recursive: true });
  }
}

function ended(name: string): never {
  throw new Error(`${name} ended before it listened`);
}

interface Started {
  readonly child: ChildProcess;
  readonly ready: Promise<unknown>;
}

function start(name: string, count: number, folder: string): Started {
  if (name === 'haproxy') {
    const file = join(folder, 'haproxy.cfg');
    writeFileSync(file, haproxyConfig(count));
    const child = spawn(haproxyPath, ['-db', '-f', file], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return { child, ready: answers(addressOf(12, count - 1)) };
  }
  if (name === 'up') {
    const file = join(folder, 'services.json');
    writeFileSync(file, manifest(count));
    const main = join(root, 'src/app/main.ts');
    const child = spawn(process.execPath, [main, 'up', '-f', file, '-o', 'json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, HOME: folder, XDG_RUNTIME_DIR: '' },
    });
    return { child, ready: once(child.stdout, 'data').then(() => child.stdout.resume()) };
  }
  const args = [join(import.meta.dirname, 'run.ts'), 'listeners', 'serve', name, String(count)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  return { child, ready: once(child.stdout, 'data') };
}

/** The child process: the driver with so many Services, until its parent goes. */
async function serve(name: string, count: number): Promise<void> {
  const { engine } = await createEngine({ prefer: name === 'epoll' ? 'epoll' : 'portable' });
  const udp = createPortableUdp();
  const own = { clock: systemClock, random: Math.random, log: silentLogger };
  const driver = createUserspaceDriver({ engine, udp, ...own });
  const set = Array.from({ length: count }, (_, i) =>
    testServer({
      name: `s${i}`,
      endpoints: Array.from({ length: endpointsEach }, (_each, n) =>
        testEndpoint({ address: addressOf(20 + n, i), port }),
      ),
      frontends: [{ kind: 'clusterIP', address: addressOf(11, i), port }],
    }),
  );
  const next = nextPlan(emptyPlan(testNode), { set, remove: [] });
  if (next === undefined) throw new Error('a Plan with Services differs from one without');
  const report = await driver.apply(next.plan, undefined, new AbortController().signal);
  if (report.failures.length > 0) throw new Error(report.failures[0]?.message);
  process.stdout.write('listening\n');
  process.stdin.once('close', () => process.exit(0)).resume();
}

function manifest(count: number): string {
  const items = Array.from({ length: count }, (_, i) => [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: `s${i}` },
      spec: { ports: [{ port }] },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: `s${i}-1`, labels: { 'kubernetes.io/service-name': `s${i}` } },
      addressType: 'IPv4',
      ports: [{ port }],
      endpoints: Array.from({ length: endpointsEach }, (_each, n) => ({
        addresses: [addressOf(20 + n, i)],
      })),
    },
  ]);
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: items.flat() });
}

function haproxyConfig(count: number): string {
  const services = Array.from({ length: count }, (_, i) => [
    `listen s${i}`,
    `  bind ${addressOf(12, i)}:${port}`,
    '  balance roundrobin',
    ...Array.from(
      { length: endpointsEach },
      (_each, n) => `  server e${n} ${addressOf(20 + n, i)}:${port}`,
    ),
  ]);
  const timeouts = ['connect 5s', 'client 1h', 'server 1h'].map((each) => `  timeout ${each}`);
  return [
    'global',
    '  nbthread 1',
    '  maxconn 4096',
    'defaults',
    '  mode tcp',
    ...timeouts,
    ...services.flat(),
    '',
  ].join('\n');
}

/** HAProxy binds in the order of its file, so the last one says that all are there. */
async function answers(address: string): Promise<void> {
  for (;;) {
    const socket = connect(port, address);
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await systemClock.sleep(10, new AbortController().signal);
    } finally {
      socket.destroy();
    }
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
