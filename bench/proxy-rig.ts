/** What benchmarks of proxies share: backends in this process, processes that are waited for and whose time is read. */
import { execFileSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import process from 'node:process';
import { systemClock } from '../src/sys/index.ts';

export const host = '127.0.7.1';
export const haproxyPath = '/usr/sbin/haproxy';

export interface Backends {
  readonly ports: readonly number[];
  close(): void;
}

/** Servers that do the same with each connection. */
export async function startServers(
  count: number,
  serve: (socket: Socket) => void,
): Promise<Backends> {
  const servers: Server[] = [];
  const ports: number[] = [];
  for (let i = 0; i < count; i++) {
    const server = createServer({ noDelay: true }, (socket) => {
      socket.on('error', () => undefined);
      serve(socket);
    });
    server.listen({ port: 0, host, backlog: 4096 });
    await once(server, 'listening');
    const address = server.address();
    if (typeof address === 'object' && address !== null) ports.push(address.port);
    servers.push(server);
  }
  return { ports, close: () => servers.forEach((server) => server.close()) };
}

/** So many at a time, each of which works until it is done. */
export async function inLanes(
  count: number,
  lane: (index: number) => Promise<void>,
): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, i) => lane(i)));
}

/** Puts this process and its children on one core, so that each proxy finds the same batches waiting. */
export function pin(): void {
  try {
    execFileSync('taskset', ['-a', '-c', '-p', '0', String(process.pid)], { stdio: 'ignore' });
  } catch {
    console.log('taskset is missing: not everything is on one core, batches differ');
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

export async function untilListening(child: ChildProcess, port: number): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`a proxy ended with ${child.exitCode}`);
    const socket = connect(port, host);
    try {
      await once(socket, 'connect');
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await systemClock.sleep(50, new AbortController().signal);
    } finally {
      socket.destroy();
    }
  }
}

/** All threads of a process: Node's other threads work for it as well. */
export function cpuNs(pid: number): number {
  let total = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const text = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8');
    total += Number(text.split(' ')[0]);
  }
  return total;
}
