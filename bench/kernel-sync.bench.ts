/**
 * From a Plan to the kernel with the nftables driver, in a namespace of its own: the first sync from the start of
 * the process to the last rule, then one changed endpoint at a time, and the peak memory of the process. Each size
 * has a process of its own. What a change takes is told apart: the kernel's, within its calls, and ours; and of the
 * slow ones, who made them slow. `npm run bench -- kernel-sync [SERVICES...]`; 1000, 10000 and 50000 when none is given.
 */
import { execFileSync } from 'node:child_process';
import { testEndpoint, testNode, testServer } from '../src/drivers/conformance/builders.ts';
import { createNftablesDriver } from '../src/drivers/nftables/index.ts';
import { emptyPlan, nextPlan, type VirtualServer } from '../src/model/index.ts';
import { silentLogger } from '../src/obs/index.ts';
import { systemClock } from '../src/sys/index.ts';
import { loadNetlink } from '../src/sys/netlink/index.ts';
import { describeChanges, percentile, Stopwatch, type Change } from './kernel-share.ts';

const endpointsEach = 10;
const changes = 200;

interface Measured {
  readonly services: number;
  readonly firstMs: number;
  readonly applyMs: number;
  readonly changes: readonly Change[];
  readonly peakMb: number;
}

export async function run(args: readonly string[]): Promise<void> {
  if (args[0] === 'child') {
    console.log(JSON.stringify(await measure(Number(args[1]))));
    return;
  }
  const sizes = args.length === 0 ? [1_000, 10_000, 50_000] : args.map(Number);
  const results = sizes.map((size) => {
    const runner = new URL('run.ts', import.meta.url).pathname;
    const command = [runner, 'kernel-sync', 'child', String(size)];
    const measured: Measured = JSON.parse(
      execFileSync(process.execPath, command, { encoding: 'utf8' }),
    );
    const { firstMs, applyMs, changes: all, peakMb } = measured;
    console.log(
      `${size.toLocaleString('en').padStart(8)} Services x ${endpointsEach}: first sync ` +
        `${firstMs.toFixed(0)} ms from process start (apply ${applyMs.toFixed(0)} ms), ` +
        `peak ${peakMb.toFixed(0)} MB`,
    );
    for (const line of describeChanges(all)) console.log(`${' '.repeat(9)}${line}`);
    return measured;
  });
  const [small, large] = [results[0], results.at(-1)];
  if (small === undefined || large === undefined) return;
  console.log(
    `ratios: first apply ${(large.applyMs / small.applyMs).toFixed(1)} and one change ` +
      `${(medianOf(large) / medianOf(small)).toFixed(1)} for ${large.services / small.services} times the Services`,
  );
}

function medianOf(measured: Measured): number {
  return percentile(measured.changes, 0.5, ({ ms }) => ms);
}

async function measure(services: number): Promise<Measured> {
  const name = `sybench${process.pid}`;
  const stopwatch = new Stopwatch();
  execFileSync('ip', ['netns', 'add', name]);
  try {
    const node = { ...testNode(), serviceRanges: [] };
    const set = Array.from({ length: services }, (_, i) => server(i, 0));
    let plan = nextPlan(emptyPlan(node), { set, remove: [] })?.plan ?? emptyPlan(node);
    const driver = createNftablesDriver({
      clock: systemClock,
      random: Math.random,
      log: silentLogger,
      namespace: `/run/netns/${name}`,
      atStop: 'leave',
      openNetlink: await loadNetlink((calls) => stopwatch.around(calls)),
    });
    const { signal } = new AbortController();
    const from = performance.now();
    await driver.apply(plan, undefined, signal);
    const applyMs = performance.now() - from;
    const firstMs = process.uptime() * 1_000;
    for (let n = 1; n <= changes; n++) {
      const next = nextPlan(plan, { set: [server((n * 7_919) % services, n)], remove: [] });
      if (next === undefined) throw new Error('the change changes nothing');
      await stopwatch.change(() => driver.apply(next.plan, next.delta, signal));
      ({ plan } = next);
    }
    await driver.stop(signal);
    const peakMb = process.resourceUsage().maxRSS / 1_024;
    return { services, firstMs, applyMs, changes: await stopwatch.told(), peakMb };
  } finally {
    execFileSync('ip', ['netns', 'del', name]);
  }
}

function server(i: number, version: number): VirtualServer {
  const endpoints = Array.from({ length: endpointsEach }, (_, e) =>
    testEndpoint(
      {
        address: `10.${128 + (i >> 12)}.${(i >> 4) & 255}.${1 + ((i & 15) * 10 + e)}`,
        port: e === 0 ? 8_000 + (version % 1_000) : 8_080,
      },
      { local: false, node: 'node-b' },
    ),
  );
  const address = `10.${96 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
  return testServer([{ kind: 'clusterIP', address, port: 80 }], { name: `web-${i}`, endpoints });
}
