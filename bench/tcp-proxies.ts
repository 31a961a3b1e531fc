/** The proxies a TCP benchmark compares: the userspace driver on either engine, in one thread or two, and HAProxy. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createUserspaceDriver } from '../src/drivers/userspace/index.ts';
import { emptyPlan, nextPlan } from '../src/model/index.ts';
import { testEndpoint, testNode, testServer } from '../src/model/testing.ts';
import { silentLogger } from '../src/obs/index.ts';
import { systemClock } from '../src/sys/index.ts';
import { createEngine, createPortableUdp } from '../src/sys/net/index.ts';
import { cpuNs, freePort, haproxyPath, host, untilListening } from './proxy-rig.ts';

export interface Proxy {
  readonly name: string;
  readonly port: number;
  /** Nanoseconds of processor time its process has used so far. */
  cpuNs(): number;
  stop(): Promise<void>;
}

/** What can run here; HAProxy last, when it is installed. */
export function proxyNames(): readonly string[] {
  const ours = ['portable', 'epoll', 'epoll-2'];
  return existsSync(haproxyPath) ? [...ours, 'haproxy'] : ours;
}

export async function startProxy(name: string, backends: readonly number[]): Promise<Proxy> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-bench-'));
  const child =
    name === 'haproxy' ? spawnHaproxy(folder, port, backends) : spawnOurs(name, port, backends);
  await untilListening(child, port);
  return {
    name,
    port,
    cpuNs: () => cpuNs(child.pid ?? 0),
    stop: async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      rmSync(folder, { recursive: true });
    },
  };
}

function spawnOurs(name: string, port: number, backends: readonly number[]): ChildProcess {
  const script = join(import.meta.dirname, 'run.ts');
  const args = [script, 'tcp', 'proxy', name, String(port), ...backends.map(String)];
  return spawn(process.execPath, args, { stdio: ['pipe', 'inherit', 'inherit'] });
}

function spawnHaproxy(folder: string, port: number, backends: readonly number[]): ChildProcess {
  const config = [
    'global',
    '  nbthread 1',
    '  maxconn 4096',
    'defaults',
    '  mode tcp',
    '  timeout connect 5s',
    '  timeout client 1h',
    '  timeout server 1h',
    'listen bench',
    `  bind ${host}:${port}`,
    '  balance roundrobin',
    ...backends.map((backend, i) => `  server s${i} ${host}:${backend}`),
    '',
  ];
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(file, config.join('\n'));
  return spawn(haproxyPath, ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** The child process of a benchmark: one Service through the driver, until its parent goes. */
export async function serve([name, port, ...backends]: readonly string[]): Promise<void> {
  const { engine } = await createEngine({
    prefer: name === 'portable' ? 'portable' : 'epoll',
    workers: name === 'epoll-2' ? 2 : 1,
  });
  const driver = createUserspaceDriver({
    engine,
    udp: createPortableUdp(),
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
  });
  const server = testServer({
    endpoints: backends.map((each) => testEndpoint({ address: host, port: Number(each) })),
    frontends: [{ kind: 'clusterIP', address: host, port: Number(port) }],
  });
  const next = nextPlan(emptyPlan(testNode), { set: [server], remove: [] });
  if (next === undefined) throw new Error('a Plan with a Service differs from one without');
  const report = await driver.apply(next.plan, undefined, new AbortController().signal);
  if (report.failures.length > 0) throw new Error(report.failures[0]?.message);
  process.stdin.once('close', () => process.exit(0)).resume();
}
