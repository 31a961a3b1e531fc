/**
 * A node against an API that holds 10,000 Services with 10 endpoints each: from the start of its process to its first
 * whole Plan, its peak memory, and from a write to the Plan that has it. The driver does nothing; the API is a simple
 * one in this process, over HTTP without TLS, so its own time is in the figures.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { labels, endpointSliceKind, nodeKind, serviceKind } from '../src/kube/index.ts';
import { testService, testSlice } from '../src/cluster/testing.ts';
import { ScriptedApi } from '../test/support/scripted-api.ts';

const services = 10_000;
const endpointsEach = 10;
const starts = 3;
const changes = 200;

export async function run(): Promise<void> {
  for (const streams of [false, true]) await measure(streams);
}

async function measure(streams: boolean): Promise<void> {
  const api = new ScriptedApi({ history: 5_000, streams });
  await api.start();
  api.set(nodeKind, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-a' } });
  for (let i = 0; i < services; i++) {
    api.set(serviceKind, testService(i));
    api.set(endpointSliceKind, testSlice(i, labels.serviceName, numbers(i, 0)));
  }
  const startMs: number[] = [];
  const peakMb: number[] = [];
  const changeMs: number[] = [];
  try {
    for (let n = 0; n < starts; n++) {
      const measured = await startOnce(api, changeMs);
      startMs.push(measured.startMs);
      peakMb.push(measured.peakMb);
    }
  } finally {
    api.stop();
  }
  changeMs.sort((a, b) => a - b);
  const at = (share: number): number => changeMs[Math.floor(changeMs.length * share)] ?? 0;
  console.log(
    `${services.toLocaleString('en')} Services x ${endpointsEach}, lists ${streams ? 'streamed' : 'by pages'}: process start to whole Plan ` +
      `${median(startMs).toFixed(0)} ms, peak ${median(peakMb).toFixed(0)} MB`,
  );
  console.log(`write to Plan: p50 ${at(0.5).toFixed(2)} ms, p99 ${at(0.99).toFixed(2)} ms`);
  console.log(
    `ratios: start / must of 4 s ${(median(startMs) / 4_000).toFixed(2)}, ` +
      `memory / must of 300 MB ${(median(peakMb) / 300).toFixed(2)}`,
  );
}

function numbers(i: number, round: number): readonly number[] {
  return Array.from({ length: endpointsEach }, (_, k) => i * endpointsEach + k + round * 7);
}

async function startOnce(
  api: ScriptedApi,
  changeMs: number[],
): Promise<{ readonly startMs: number; readonly peakMb: number }> {
  const watched = 7;
  const id = 'default/s7:http/TCP/IPv4';
  const startedAt = now();
  const child = spawn(process.execPath, ['bench/proxy-start.ts', api.url, id], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Record<string, number>> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error('the node ended');
    return JSON.parse(String(value)) as Record<string, number>;
  };
  try {
    let line = await next();
    while (line['ready'] === undefined) line = await next();
    if (line['services'] !== services) throw new Error(`it forwards ${line['services']} Services`);
    for (let n = 1; n <= changes; n++) {
      const from = now();
      api.set(endpointSliceKind, testSlice(watched, labels.serviceName, numbers(watched, n)));
      changeMs.push(((await next())['applied'] ?? 0) - from);
    }
    return { startMs: line['ready'] - startedAt, peakMb: line['peakMb'] ?? 0 };
  } finally {
    child.kill('SIGKILL');
  }
}

const now = (): number => performance.timeOrigin + performance.now();

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
