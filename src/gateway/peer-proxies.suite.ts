/** nginx and HAProxy in front of a backend, for tests that compare; undefined where they are not installed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { SocketAddress } from '../model/index.ts';

const host = '127.0.87.4';

export async function startNginx(
  t: TestContext,
  { address, port }: SocketAddress,
): Promise<SocketAddress | undefined> {
  const program = '/usr/sbin/nginx';
  if (!existsSync(program)) return undefined;
  return startPeer(t, program, (folder, at) => ({
    args: ['-c', join(folder, 'peer.cfg'), '-e', 'stderr'],
    config: `
daemon off; master_process off; worker_processes 1; pid ${folder}/pid; error_log stderr crit;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
  uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server {
    listen ${host}:${at};
    location / {
      proxy_pass http://${address}:${port}; proxy_http_version 1.1; proxy_ignore_client_abort on;
      proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_request_buffering off;
    }
  }
}
`,
  }));
}

export async function startHaproxy(
  t: TestContext,
  { address, port }: SocketAddress,
): Promise<SocketAddress | undefined> {
  const program = '/usr/sbin/haproxy';
  if (!existsSync(program)) return undefined;
  return startPeer(t, program, (folder, at) => ({
    args: ['-db', '-f', join(folder, 'peer.cfg')],
    config: [
      'global',
      '  nbthread 1',
      'defaults',
      '  mode http',
      '  timeout connect 5s',
      '  timeout client 5s',
      '  timeout server 5s',
      'listen peer',
      `  bind ${host}:${at}`,
      `  server s ${address}:${port}`,
      '',
    ].join('\n'),
  }));
}

interface Peer {
  readonly args: readonly string[];
  readonly config: string;
}

async function startPeer(
  t: TestContext,
  program: string,
  make: (folder: string, port: number) => Peer,
): Promise<SocketAddress> {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-peer-'));
  const port = await freePort();
  const { args, config } = make(folder, port);
  writeFileSync(join(folder, 'peer.cfg'), config);
  const child = spawn(program, args, { stdio: 'ignore' });
  t.after(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    rmSync(folder, { recursive: true });
  });
  await untilListening(port);
  return { address: host, port };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function untilListening(port: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const socket = connect(port, host);
    try {
      await once(socket, 'connect');
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(20);
    } finally {
      socket.destroy();
    }
  }
}
