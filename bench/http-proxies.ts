/** The proxies an HTTP benchmark compares: the gateway on either engine, nginx and HAProxy, each with one thread. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createGateway,
  defaultBounds,
  defaultPolicy,
  type Forwarded,
  type RequestRouter,
} from '../src/gateway/index.ts';
import { silentLogger } from '../src/obs/index.ts';
import { systemClock } from '../src/sys/index.ts';
import { createEngine } from '../src/sys/net/index.ts';
import { cpuNs, freePort, host, untilListening, type Proxy } from './tcp-proxies.ts';

const haproxyPath = '/usr/sbin/haproxy';
const nginxPath = '/usr/sbin/nginx';

/** What can run here. */
export function httpProxyNames(): readonly string[] {
  return [
    'portable',
    'epoll',
    ...(existsSync(nginxPath) ? ['nginx'] : []),
    ...(existsSync(haproxyPath) ? ['haproxy'] : []),
  ];
}

export async function startHttpProxy(name: string, backends: readonly number[]): Promise<Proxy> {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-bench-'));
  const asked = await freePort();
  const { child, port } = await spawnProxy({ name, folder, port: asked, backends });
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

interface Start {
  readonly name: string;
  readonly folder: string;
  readonly port: number;
  readonly backends: readonly number[];
}

async function spawnProxy(start: Start): Promise<{ child: ChildProcess; port: number }> {
  const { name, folder, port } = start;
  if (name === 'haproxy') {
    const file = join(folder, 'haproxy.cfg');
    writeFileSync(file, haproxyConfig(start));
    const child = spawn(haproxyPath, ['-db', '-f', file], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return { child, port };
  }
  if (name === 'nginx') {
    const file = join(folder, 'nginx.conf');
    writeFileSync(file, nginxConfig(start));
    const child = spawn(nginxPath, ['-c', file, '-e', 'stderr'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return { child, port };
  }
  const script = join(import.meta.dirname, 'run.ts');
  const args = [script, 'http', 'proxy', name, ...start.backends.map(String)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [said]: unknown[] = await once(child.stdout, 'data');
  return { child, port: Number(String(said)) };
}

function haproxyConfig({ port, backends }: Start): string {
  return [
    'global',
    '  nbthread 1',
    '  maxconn 8192',
    'defaults',
    '  mode http',
    '  timeout connect 5s',
    '  timeout client 1h',
    '  timeout server 1h',
    '  option forwardfor',
    '  http-reuse always',
    'listen bench',
    `  bind ${host}:${port}`,
    '  balance roundrobin',
    '  cookie SRV insert indirect nocache',
    ...backends.map((backend, i) => `  server s${i} ${host}:${backend} cookie s${i}`),
    '',
  ].join('\n');
}

/** It has no cookie affinity of its own: what it does less is to its favour. */
function nginxConfig({ folder, port, backends }: Start): string {
  return `
daemon off; master_process off; worker_processes 1; pid ${folder}/pid; error_log stderr error;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
  uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  keepalive_requests 100000000;
  upstream bench { ${backends.map((backend) => `server ${host}:${backend};`).join(' ')} keepalive 1024; keepalive_requests 100000000; }
  server {
    listen ${host}:${port} backlog=4096;
    location / {
      proxy_pass http://bench; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_buffers 16 16k; proxy_buffer_size 16k; proxy_max_temp_file_size 0;
    }
  }
}
`;
}

/** The child process of a benchmark: one port with cookie affinity, until its parent goes. */
export async function serveHttp([name, ...backends]: readonly string[]): Promise<void> {
  const { engine } = await createEngine({ prefer: name === 'epoll' ? 'epoll' : 'portable' });
  const gateway = createGateway({
    engine,
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    address: host,
    accessLogShare: 0,
    maxEndpointConnections: 4096,
    maxWaiting: 4096,
  });
  const address = await gateway.serve({
    id: 'default/bench:http/TCP/IPv4',
    router: stickyRouter(backends.map(Number)),
    tls: undefined,
    http2: true,
    bounds: defaultBounds,
    acceptProxyProtocol: false,
    trustedProxies: [],
  });
  process.stdout.write(`${address.port}\n`);
  process.stdin.once('close', () => process.exit(0)).resume();
}

/** A cookie names the server, as HAProxy's does; without one they are taken in turn. */
function stickyRouter(ports: readonly number[]): RequestRouter {
  const ended = (): void => undefined;
  const forwards: readonly Forwarded[] = ports.map((port) => ({
    kind: 'forward',
    endpoint: {
      key: `${host}:${port}`,
      address: host,
      port,
      protocol: 'http/1.1',
      proxyProtocol: 'none',
    },
    addToResponse: [],
    policy: defaultPolicy,
    ended,
  }));
  const byCookie = new Map(forwards.map((forward, i) => [`s${i}`, forward]));
  let turn = 0;
  return {
    route: (request) => {
      const cookie = /(?:^|; )SRV=([^;]*)/.exec(request.header('cookie') ?? '')?.[1];
      const known = cookie === undefined ? undefined : byCookie.get(cookie);
      if (known !== undefined) return known;
      const i = turn++ % forwards.length;
      const next = forwards[i];
      if (next === undefined)
        return { kind: 'refuse', status: 503, reason: 'there is no endpoint' };
      return { ...next, addToResponse: [['Set-Cookie', `SRV=s${i}; path=/`]] };
    },
  };
}
