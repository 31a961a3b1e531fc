/**
 * The embedded API through TLS: Service and EndpointSlice pairs a second from 24 writers, with validation, ownership of
 * fields, controllers and a journal on disk, what that costs in processor time and holds in memory, how long a change
 * takes to 1, 100 and 1,000 watchers, and how long a start over 20,000 objects. The server is a process of its own, as it
 * is in life, on the same processors as its clients: what they take is said apart.
 * `npm run bench -- api PAIRS ephemeral` for another number, and for a server that keeps objects in memory only.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { measureWatches, measureWrites, type Served } from './api-clients.ts';
import { cpuMs, serve, type Usage } from './api-server.ts';
import { measureStart, type Start } from './api-start.ts';

const defaultPairs = 5_000;
const startPairs = 10_000;
/** What kube-apiserver with etcd takes of the same objects on a machine like the one it was measured on. */
const peer = { pairsPerSecond: 94, megabytes: 650 };

export async function run([mode, kept]: readonly string[]): Promise<void> {
  const isEphemeral = kept === 'ephemeral';
  if (mode === 'serve') return await serve(isEphemeral);
  const pairs = Number(mode ?? defaultPairs);
  const child = spawn(process.execPath, ['bench/run.ts', 'api', 'serve', kept ?? ''], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface(child.stdout);
  const line = async (): Promise<unknown> => JSON.parse(String((await once(lines, 'line'))[0]));
  const usage = async (): Promise<Usage> => {
    child.stdin.write('usage\n');
    return (await line()) as Usage;
  };
  try {
    const served = (await line()) as Served;
    const rates: number[] = [];
    // The first round finds nothing compiled yet; a server that has run for a while is the second one.
    for (const from of [0, pairs]) rates.push(await writeRound(served, usage, { from, pairs }));
    const { megabytes } = await usage();
    const latencies: number[] = [];
    for (const watchers of [1, 100, 1_000]) {
      const { p50, p99 } = await measureWatches(served, watchers);
      latencies.push(p50);
      console.log(
        `${String(watchers).padStart(5)} watchers: a change is there after p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
      );
    }
    const start = await sayStart();
    const [rate = 0, warm = 0] = rates;
    const [one = 1, , thousand = 1] = latencies;
    console.log(
      `ratios: pairs/s ${(rate / peer.pairsPerSecond).toFixed(1)} of kube-apiserver's, warm ${(warm / peer.pairsPerSecond).toFixed(1)}, ` +
        `memory ${(megabytes / peer.megabytes).toFixed(2)}, 1,000 watchers ${(thousand / one).toFixed(1)} times one, ` +
        `start ${(start.ms / 4_000).toFixed(2)} of 4 s`,
    );
  } finally {
    child.stdin.end();
  }
}

async function writeRound(
  served: Served,
  usage: () => Promise<Usage>,
  { from, pairs }: { readonly from: number; readonly pairs: number },
): Promise<number> {
  const [before, ownBefore] = [await usage(), cpuMs()];
  const rate = await measureWrites(served, { from, count: pairs });
  const [after, ownAfter] = [await usage(), cpuMs()];
  const each = (ms: number): string => `${((ms / pairs) * 1_000).toFixed(0)} us`;
  console.log(
    `pairs ${from + 1} to ${from + pairs}: ${rate.toFixed(0)} pairs/s, ${after.megabytes.toFixed(0)} MB resident, ` +
      `processor a pair: server ${each(after.cpuMs - before.cpuMs)}, clients ${each(ownAfter - ownBefore)}`,
  );
  return rate;
}

async function sayStart(): Promise<Start> {
  const start = await measureStart(startPairs);
  console.log(
    `up over ${(2 * startPairs).toLocaleString('en')} objects and their IPAddresses: ready after ${start.ms.toFixed(0)} ms, ${start.megabytes.toFixed(0)} MB`,
  );
  return start;
}
