/**
 * Processor time and p99 of a request through the gateway with cookie affinity, against nginx and HAProxy, in
 * alternating rounds on one core: bodies of 40 bytes and 64 KiB, 1, 64 and 512 connections; then HTTP/2 with 64
 * streams and HTTP/1.1 over TLS. `npm run bench -- http ROUNDS ROW,ROW`, a row as `40x64` or `h2c-40x64`; with `free`
 * behind it on whatever cores there are, which is what `epoll-2`, the gateway in two threads, is for.
 */
import type { Way } from './http-configs.ts';
import { cookieOf, httpLoad, startHttpBackends } from './http-load.ts';
import { httpProxyNames, serveHttp, startHttpProxy, type HttpProxy } from './http-proxies.ts';
import { pin } from './proxy-rig.ts';
import { formatSpread, spreadOf } from './spread.ts';

interface Load {
  readonly way: Way;
  readonly bodyBytes: number;
  readonly lanes: number;
  readonly count: number;
}

const loads: readonly Load[] = [
  { way: 'http', bodyBytes: 40, lanes: 64, count: 20_000 },
  { way: 'http', bodyBytes: 40, lanes: 1, count: 8000 },
  { way: 'http', bodyBytes: 40, lanes: 512, count: 20_000 },
  { way: 'http', bodyBytes: 65_536, lanes: 1, count: 1000 },
  { way: 'http', bodyBytes: 65_536, lanes: 64, count: 4000 },
  { way: 'http', bodyBytes: 65_536, lanes: 512, count: 4000 },
  { way: 'h2c', bodyBytes: 40, lanes: 64, count: 8000 },
  { way: 'h2c', bodyBytes: 65_536, lanes: 64, count: 2000 },
  { way: 'https', bodyBytes: 40, lanes: 64, count: 10_000 },
  { way: 'https', bodyBytes: 65_536, lanes: 64, count: 2000 },
];

export async function run([first, ...rest]: readonly string[]): Promise<void> {
  if (first === 'proxy') return serveHttp(rest);
  const rounds = Number(first ?? 7);
  const [only, cores] = rest;
  if (cores !== 'free') pin();
  const backends = await startHttpBackends(2);
  const proxies: HttpProxy[] = [];
  try {
    for (const name of httpProxyNames()) proxies.push(await startHttpProxy(name, backends.ports));
    const ratios: string[] = [];
    for (const load of loads) {
      if (only !== undefined && !only.split(',').includes(rowOf(load))) continue;
      ratios.push(...(await compare(load, proxies, rounds)));
    }
    console.log(`ratios: ${ratios.join(', ')}`);
  } finally {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    backends.close();
  }
}

/** Prints a row a proxy; returns the ratios of our epoll engine to each peer: above 1 is cheaper than it. */
async function compare(
  load: Load,
  proxies: readonly HttpProxy[],
  rounds: number,
): Promise<string[]> {
  const costs = new Map<string, number[]>(proxies.map(({ name }) => [name, []]));
  const tails = new Map<string, number[]>(proxies.map(({ name }) => [name, []]));
  const speeds = new Map<string, number[]>(proxies.map(({ name }) => [name, []]));
  const cookies = new Map<string, string>();
  for (const { name, ports } of proxies) cookies.set(name, await cookieOf(ports.http));
  for (let round = -2; round < rounds; round++) {
    for (const proxy of proxies) {
      const before = proxy.cpuNs();
      const cookie = cookies.get(proxy.name) ?? '';
      const since = performance.now();
      const times = await httpLoad(proxy.ports[load.way], { ...load, cookie });
      const tookMs = performance.now() - since;
      if (round < 0) continue;
      speeds.get(proxy.name)?.push(load.count / tookMs);
      costs.get(proxy.name)?.push((proxy.cpuNs() - before) / 1000 / load.count);
      tails.get(proxy.name)?.push(times.toSorted()[Math.floor(times.length * 0.99)] ?? 0);
    }
  }
  const title = rowOf(load);
  const ours = costs.get('epoll') ?? [];
  return proxies.flatMap(({ name }) => {
    const cost = costs.get(name) ?? [];
    const ratios = cost.map((us, i) => us / (ours[i] ?? 1));
    console.log(
      `${title.padEnd(14)} ${name.padEnd(9)} ${formatSpread(cost, 1)} us/request, p99 ${formatSpread(tails.get(name) ?? [], 2)} ms, ` +
        `${formatSpread(speeds.get(name) ?? [], 1)} requests/ms, cost / epoll's ${formatSpread(ratios, 2)}`,
    );
    return name === 'nginx' || name === 'haproxy'
      ? [`${title} epoll/${name} ${spreadOf(ratios).median.toFixed(2)}`]
      : [];
  });
}

function rowOf({ way, bodyBytes, lanes }: Load): string {
  return `${way === 'http' ? '' : `${way}-`}${bodyBytes}x${lanes}`;
}
