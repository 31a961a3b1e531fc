/**
 * Processor time and p99 of a request through the gateway with cookie affinity, against nginx and HAProxy, in
 * alternating rounds on one core: bodies of 40 bytes and 64 KiB, 1, 64 and 512 connections.
 */
import { execFileSync } from 'node:child_process';
import { httpLoad, startHttpBackends } from './http-load.ts';
import { httpProxyNames, serveHttp, startHttpProxy } from './http-proxies.ts';
import type { Proxy } from './tcp-proxies.ts';

interface Load {
  readonly bodyBytes: number;
  readonly lanes: number;
  readonly count: number;
}

const loads: readonly Load[] = [
  { bodyBytes: 40, lanes: 64, count: 20_000 },
  { bodyBytes: 40, lanes: 1, count: 8000 },
  { bodyBytes: 40, lanes: 512, count: 20_000 },
  { bodyBytes: 65_536, lanes: 1, count: 1000 },
  { bodyBytes: 65_536, lanes: 64, count: 4000 },
  { bodyBytes: 65_536, lanes: 512, count: 4000 },
];

export async function run([first, ...rest]: readonly string[]): Promise<void> {
  if (first === 'proxy') return serveHttp(rest);
  const rounds = Number(first ?? 7);
  const only = rest[0];
  pin();
  const backends = await startHttpBackends(2);
  const proxies: Proxy[] = [];
  try {
    for (const name of httpProxyNames()) proxies.push(await startHttpProxy(name, backends.ports));
    const ratios: string[] = [];
    for (const load of loads) {
      if (only !== undefined && !only.split(',').includes(`${load.bodyBytes}x${load.lanes}`))
        continue;
      ratios.push(...(await compare(load, proxies, rounds)));
    }
    console.log(`ratios: ${ratios.join(', ')}`);
  } finally {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    backends.close();
  }
}

/** Prints a row a proxy; returns the ratios of our epoll engine to each peer: above 1 is cheaper than it. */
async function compare(load: Load, proxies: readonly Proxy[], rounds: number): Promise<string[]> {
  const costs = new Map<string, number[]>(proxies.map(({ name }) => [name, []]));
  const tails = new Map<string, number[]>(proxies.map(({ name }) => [name, []]));
  for (let round = -2; round < rounds; round++) {
    for (const proxy of proxies) {
      const before = proxy.cpuNs();
      const times = await httpLoad(proxy.port, load);
      if (round < 0) continue;
      costs.get(proxy.name)?.push((proxy.cpuNs() - before) / 1000 / load.count);
      tails.get(proxy.name)?.push(times.toSorted()[Math.floor(times.length * 0.99)] ?? 0);
    }
  }
  const title = `${load.bodyBytes} B x ${load.lanes}`;
  const ours = costs.get('epoll') ?? [];
  return proxies.flatMap(({ name }) => {
    const cost = costs.get(name) ?? [];
    const ratios = cost.map((us, i) => us / (ours[i] ?? 1));
    console.log(
      `${title.padEnd(14)} ${name.padEnd(9)} ${shown(cost, 1)} us/request, p99 ${shown(tails.get(name) ?? [], 2)} ms, ` +
        `cost / epoll's ${shown(ratios, 2)}`,
    );
    return name === 'nginx' || name === 'haproxy'
      ? [`${title} epoll/${name} ${median(ratios).toFixed(2)}`]
      : [];
  });
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.round((sorted.length - 1) * share)] ?? 0;
}

function shown(values: readonly number[], digits: number): string {
  const at = (share: number): string => quantile(values, share).toFixed(digits);
  return `${at(0.5).padStart(6)} (${at(0.25)}-${at(0.75)})`;
}

/** Children inherit it. */
function pin(): void {
  try {
    execFileSync('taskset', ['-a', '-c', '-p', '0', String(process.pid)], { stdio: 'ignore' });
  } catch {
    console.log('taskset is missing: not everything is on one core, batches differ');
  }
}
