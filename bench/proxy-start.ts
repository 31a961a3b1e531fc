/** The node of `proxy-start.bench.ts`, in a process of its own so that its memory is its own: says when it forwards what. */
import { readFileSync } from 'node:fs';
import { keepYoungHeapSmall } from '../src/sys/index.ts';
import { accessTo, createTestProxy, forwarded } from '../src/cluster/testing.ts';

keepYoungHeapSmall();
const [server = '', watched = ''] = process.argv.slice(2);

const now = (): number => performance.timeOrigin + performance.now();
let last = '';
const proxy = createTestProxy({
  access: accessTo(server),
  applied: (plan) => {
    const server = plan.servers.get(watched);
    const state =
      server === undefined ? '' : server.pools.cluster.map(({ address }) => address).join();
    if (state === last) return;
    last = state;
    process.stdout.write(
      `${JSON.stringify({ applied: now(), servers: plan.servers.size, state })}\n`,
    );
  },
});
await proxy.start();
const peakKb = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0);
const first = Object.keys(forwarded(proxy.planner.applied().plan)).length;
process.stdout.write(
  `${JSON.stringify({ ready: now(), services: first, peakMb: peakKb / 1024 })}\n`,
);
