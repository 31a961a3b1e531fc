/**
 * Processor time of one Service over TCP: a request on an open connection, a new connection, bulk. Both engines
 * of the userspace driver and, where it is installed, HAProxy, in alternating rounds; everything on one core, so
 * that each proxy finds the same batches waiting.
 */
import { pin } from './proxy-rig.ts';
import { spreadOf } from './spread.ts';
import { bulkLoad, connectionLoad, keepAliveLoad, startBackends } from './tcp-load.ts';
import { proxyNames, serve, startProxy, type Proxy } from './tcp-proxies.ts';

interface Load {
  readonly name: string;
  /** Units of one round; `unit` is what a figure is per. */
  readonly count: number;
  readonly unit: string;
  run(port: number, count: number): Promise<void>;
}

const mebi = 1024 * 1024;
const lanes = 64;
const loads: readonly Load[] = [
  {
    name: 'requests',
    count: 20_000,
    unit: 'us/request',
    run: (p, n) => keepAliveLoad(p, n, lanes),
  },
  {
    name: 'connections',
    count: 5_000,
    unit: 'us/connection',
    run: (p, n) => connectionLoad(p, n, lanes),
  },
  { name: 'bulk', count: 256, unit: 'us/MiB', run: (p, n) => bulkLoad(p, n * mebi) },
];

export async function run([first, ...rest]: readonly string[]): Promise<void> {
  if (first === 'proxy') return serve(rest);
  const rounds = Number(first ?? 7);
  pin();
  const names = proxyNames();
  if (!names.includes('haproxy')) console.log('HAProxy is not installed: measured without it');
  const backends = await startBackends(2);
  const proxies: Proxy[] = [];
  try {
    for (const name of names) proxies.push(await startProxy(name, backends.ports));
    const ratios: string[] = [];
    for (const load of loads) ratios.push(...(await compare(load, proxies, rounds)));
    console.log(`ratios: ${ratios.join(', ')}`);
  } finally {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    backends.close();
  }
}

/** Prints a row a proxy and returns the ratios to the last one: above 1 is cheaper than it. */
async function compare(
  load: Load,
  proxies: readonly Proxy[],
  rounds: number,
): Promise<readonly string[]> {
  const costs = new Map<string, number[]>(proxies.map(({ name }) => [name, []]));
  // Two rounds first that do not count: code is compiled and buffers grow.
  for (let round = -2; round < rounds; round++) {
    for (const proxy of proxies) {
      const before = proxy.cpuNs();
      await load.run(proxy.port, load.count);
      const us = (proxy.cpuNs() - before) / 1000 / load.count;
      if (round >= 0) costs.get(proxy.name)?.push(us);
    }
  }
  const base = costs.get(proxies.at(-1)?.name ?? '') ?? [];
  return proxies.map(({ name }) => {
    const own = costs.get(name) ?? [];
    const ratio = spreadOf(own.map((us, i) => (base[i] ?? 0) / us));
    const cost = spreadOf(own);
    console.log(
      `${load.name.padEnd(12)} ${name.padEnd(9)} ${cost.median.toFixed(1).padStart(7)} ${load.unit.padEnd(14)}` +
        ` (${cost.low.toFixed(1)}-${cost.high.toFixed(1)})  ratio ${ratio.median.toFixed(2)}` +
        ` (${ratio.low.toFixed(2)}-${ratio.high.toFixed(2)})`,
    );
    return `${load.name} ${name} ${ratio.median.toFixed(2)}`;
  });
}
