/** Debian's unbound with the same names as local-data, as a peer of the name server; absent where it is not installed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface Unbound {
  readonly pid: number;
  readonly port: number;
  stop(): void;
}

const program = '/usr/sbin/unbound';
const startMs = 30_000;
const portAttempts = 3;

export const hasUnbound = (): boolean => existsSync(program);

/** One thread, nothing but local data: the least it can be asked to do. `records` are `NAME A ADDRESS`. */
export async function startUnbound(records: readonly string[]): Promise<Unbound> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(records);
    } catch (thrown) {
      // The port was free a moment ago; somebody may have been faster.
      if (attempt === portAttempts) throw thrown;
    }
  }
}

async function startOnce(records: readonly string[]): Promise<Unbound> {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-unbound-'));
  const port = await freePort();
  const path = join(folder, 'unbound.conf');
  writeFileSync(path, configOf(port, records));
  const child = spawn(program, ['-d', '-c', path], { stdio: 'ignore' });
  const stop = (): void => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await answering(child, port);
  } catch (thrown) {
    stop();
    throw thrown;
  }
  return { pid: child.pid ?? 0, port, stop };
}

function configOf(port: number, records: readonly string[]): string {
  return [
    'server:',
    '  interface: 127.0.0.1',
    `  port: ${port}`,
    '  do-daemonize: no',
    '  num-threads: 1',
    '  username: ""',
    '  chroot: ""',
    '  pidfile: ""',
    '  use-syslog: no',
    '  verbosity: 0',
    '  module-config: "iterator"',
    '  local-zone: "cluster.local." static',
    ...records.map((record) => `  local-data: "${record}"`),
    'remote-control:',
    '  control-enable: no',
    '',
  ].join('\n');
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

/** A query for the root; any answer will do. */
const probe = Buffer.from([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1]);

async function answering(child: ChildProcess, port: number): Promise<void> {
  const socket = createSocket('udp4');
  const answered = once(socket, 'message');
  try {
    for (let waited = 0; waited < startMs; waited += 50) {
      if (child.exitCode !== null) throw new Error(`unbound ended with ${child.exitCode}`);
      socket.send(probe, port, '127.0.0.1');
      const heard = await Promise.race([answered.then(() => true), delay(50).then(() => false)]);
      if (heard) return;
    }
    throw new Error('unbound does not answer');
  } finally {
    socket.close();
  }
}

/** Processor time so far, in microseconds, and what is resident: of any process, by Linux' word. */
export function usageOfProcess(pid: number): { readonly cpuUs: number; readonly rssMiB: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  const rssKiB = Number(
    /^VmRSS:\s+([0-9]+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1],
  );
  // A tick is a hundredth of a second on every Linux that Node runs on.
  return { cpuUs: ticks * 10_000, rssMiB: rssKiB / 1_024 };
}
