/** The proxies an HTTP benchmark compares: the gateway on either engine, nginx and HAProxy, each with one thread, ours also with two. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCertificates } from '../src/apiserver/certificate.ts';
import {
  createGateway,
  createGatewayThreads,
  defaultBounds,
  type TlsIdentity,
} from '../src/gateway/index.ts';
import type { SocketAddress } from '../src/model/index.ts';
import { silentLogger } from '../src/obs/index.ts';
import { systemClock } from '../src/sys/index.ts';
import { createEngine } from '../src/sys/net/index.ts';
import {
  haproxyConfig,
  nginxConfig,
  ways,
  type ProxyConfig,
  type WayPorts,
} from './http-configs.ts';
import { stickyRouter } from './http-router.ts';
import { cpuNs, freePort, haproxyPath, host, untilListening } from './proxy-rig.ts';

const nginxPath = '/usr/sbin/nginx';

export interface HttpProxy {
  readonly name: string;
  readonly ports: WayPorts;
  /** Nanoseconds of processor time its process has used so far. */
  cpuNs(): number;
  stop(): Promise<void>;
}

/** What can run here. */
export function httpProxyNames(): readonly string[] {
  return [
    'portable',
    'epoll',
    'epoll-2',
    ...(existsSync(nginxPath) ? ['nginx'] : []),
    ...(existsSync(haproxyPath) ? ['haproxy'] : []),
  ];
}

export async function startHttpProxy(
  name: string,
  backends: readonly number[],
): Promise<HttpProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-bench-'));
  const { leaf } = createCertificates({ hosts: [host], nowMs: systemClock.now() });
  const pem = join(folder, 'pem');
  writeFileSync(pem, `${leaf.key}${leaf.cert}`, { mode: 0o600 });
  const free = { http: await freePort(), h2c: await freePort(), https: await freePort() };
  const { child, ports } = await spawnProxy(name, { folder, ports: free, backends, pem });
  for (const way of ways) await untilListening(child, ports[way]);
  return {
    name,
    ports,
    cpuNs: () => cpuNs(child.pid ?? 0),
    stop: async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      rmSync(folder, { recursive: true });
    },
  };
}

async function spawnProxy(
  name: string,
  config: ProxyConfig,
): Promise<{ child: ChildProcess; ports: WayPorts }> {
  const { folder, ports } = config;
  const quiet: SpawnOptions = { stdio: ['ignore', 'ignore', 'inherit'] };
  if (name === 'haproxy') {
    const file = join(folder, 'haproxy.cfg');
    writeFileSync(file, haproxyConfig(config));
    return { child: spawn(haproxyPath, ['-db', '-f', file], quiet), ports };
  }
  if (name === 'nginx') {
    const file = join(folder, 'nginx.conf');
    writeFileSync(file, nginxConfig(config));
    return { child: spawn(nginxPath, ['-c', file, '-e', 'stderr'], quiet), ports };
  }
  const script = join(import.meta.dirname, 'run.ts');
  const args = [script, 'http', 'proxy', name, config.pem, ...config.backends.map(String)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [said]: unknown[] = await once(child.stdout, 'data');
  const [clear = 0, https = 0] = String(said).trim().split(' ').map(Number);
  return { child, ports: { http: clear, h2c: clear, https } };
}

/** The child process of a benchmark: a Service with cookie affinity, in clear and with TLS, until its parent goes. */
export async function serveHttp([name, pem = '', ...backends]: readonly string[]): Promise<void> {
  const prefer = name === 'portable' ? 'portable' : 'epoll';
  const { engine } = await createEngine({ prefer, workers: name === 'epoll-2' ? 2 : 1 });
  const common = {
    random: Math.random,
    log: silentLogger,
    accessLogShare: 0,
    maxEndpointConnections: 4096,
    maxWaiting: 4096,
  };
  const threads = createGatewayThreads(engine, common);
  const gateway = createGateway({ ...common, engine, clock: systemClock, threads, address: host });
  const identity = readFileSync(pem, 'utf8');
  const { id: server, router } = stickyRouter(backends.map(Number), threads);
  const plain = { acceptProxyProtocol: false, trustedProxies: [] };
  const serve = async (id: string, own: TlsIdentity | undefined): Promise<SocketAddress> => {
    const serves = { server, pool: 'cluster' } as const;
    const tls = own && { identities: () => [own] };
    const order = { ...plain, id, serves, tls: own && { secret: id } };
    threads?.certify(id, own);
    const elsewhere = { order, stays: () => false };
    return await gateway.serve({
      ...plain,
      id,
      router,
      tls,
      elsewhere,
      http2: true,
      bounds: defaultBounds,
    });
  };
  const clear = await serve('default/bench:http/TCP/IPv4', undefined);
  const https = await serve('default/bench:https/TCP/IPv4', {
    names: [],
    certificate: identity,
    key: identity,
  });
  process.stdout.write(`${clear.port} ${https.port}\n`);
  process.stdin.once('close', () => process.exit(0)).resume();
}
