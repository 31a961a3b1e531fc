/** Whose time a change takes: the kernel's within its calls, ours, or of whoever else had the processor meanwhile. */
import { PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import type { NetlinkCalls } from '../src/sys/ffi/index.ts';
import { loadKoffi } from '../src/sys/ffi/koffi.ts';

export interface Change {
  readonly ms: number;
  /** Within calls of the kernel, and how long of that this thread was on no processor: the kernel waited, or others ran. */
  readonly kernelMs: number;
  readonly kernelWaitMs: number;
  /** The rest, and how long of that this thread was on no processor: others ran, also those of the collector. */
  readonly ownMs: number;
  readonly ownWaitMs: number;
  /** Of the rest, while the collector was at work. */
  readonly collectorMs: number;
}

interface Span {
  ms: number;
  cpuMs: number;
}

/** Measures one change after another, and within them the calls it is laid around. */
export class Stopwatch {
  private readonly changes: (Omit<Change, 'collectorMs'> & { readonly from: number })[] = [];
  private readonly collections: PerformanceEntry[] = [];
  private readonly observer = new PerformanceObserver((list) => {
    this.collections.push(...list.getEntries());
  });
  private kernel: Span = { ms: 0, cpuMs: 0 };

  constructor() {
    this.observer.observe({ entryTypes: ['gc'] });
  }

  around(calls: NetlinkCalls): NetlinkCalls {
    const timed =
      <Args extends readonly unknown[]>(call: (...args: Args) => number) =>
      (...args: Args): number => {
        const { result, span } = spanOf(() => call(...args));
        this.kernel.ms += span.ms;
        this.kernel.cpuMs += span.cpuMs;
        return result;
      };
    return {
      ...calls,
      send: timed((fd, bytes) => calls.send(fd, bytes)),
      receive: timed((fd, into) => calls.receive(fd, into)),
    };
  }

  async change(work: () => Promise<unknown>): Promise<void> {
    this.kernel = { ms: 0, cpuMs: 0 };
    const from = performance.now();
    const cpu = threadCpuMs();
    await work();
    const ms = performance.now() - from;
    const cpuMs = threadCpuMs() - cpu;
    const { kernel } = this;
    const ownMs = ms - kernel.ms;
    this.changes.push({
      from,
      ms,
      kernelMs: kernel.ms,
      kernelWaitMs: Math.max(0, kernel.ms - kernel.cpuMs),
      ownMs,
      ownWaitMs: Math.max(0, ownMs - (cpuMs - kernel.cpuMs)),
    });
  }

  /** All so far; the collector says only later when it ran. */
  async told(): Promise<readonly Change[]> {
    await setTimeout(50);
    this.observer.disconnect();
    return this.changes.map(({ from, ...change }) => ({
      ...change,
      collectorMs: this.collections
        .filter(({ startTime }) => startTime >= from && startTime < from + change.ms)
        .reduce((sum, { duration }) => sum + duration, 0),
    }));
  }
}

/** Lines for people: the kernel's and ours apart, then the slow ones. */
export function describeChanges(all: readonly Change[]): readonly string[] {
  const of = (share: number, value: (change: Change) => number): string =>
    percentile(all, share, value).toFixed(2);
  const row = (what: string, value: (change: Change) => number): string =>
    `${what} p50 ${of(0.5, value)} p99 ${of(0.99, value)}`;
  const slow = all.toSorted((a, b) => b.ms - a.ms).slice(0, Math.ceil(all.length / 100));
  const mean = (value: (change: Change) => number): string =>
    (slow.reduce((sum, change) => sum + value(change), 0) / slow.length).toFixed(2);
  return [
    `one change, ms: ${[
      row('all', ({ ms }) => ms),
      row("the kernel's", ({ kernelMs }) => kernelMs),
      row('ours', ({ ownMs }) => ownMs),
      row('ours on the processor', ({ ownMs, ownWaitMs }) => ownMs - ownWaitMs),
    ].join('; ')}`,
    `the slowest ${slow.length}, ms: ${mean(({ ms }) => ms)}, of them in the kernel ` +
      `${mean(({ kernelMs }) => kernelMs)} (off the processor ${mean(({ kernelWaitMs }) => kernelWaitMs)}), ours ` +
      `${mean(({ ownMs }) => ownMs)} (off the processor ${mean(({ ownWaitMs }) => ownWaitMs)}, ` +
      `collecting ${mean(({ collectorMs }) => collectorMs)})`,
  ];
}

export function percentile(
  all: readonly Change[],
  share: number,
  value: (change: Change) => number,
): number {
  const sorted = all.map(value).toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)] ?? 0;
}

const library = (await loadKoffi()).load(null);
const clockGetTime: (clock: number, into: BigInt64Array) => number = library.func(
  'int clock_gettime(int clock, void *into)',
);
const threadClock = 3;
const time = new BigInt64Array(2);

function spanOf<T>(work: () => T): { readonly result: T; readonly span: Span } {
  const from = performance.now();
  const cpu = threadCpuMs();
  const result = work();
  const cpuMs = threadCpuMs() - cpu;
  return { result, span: { ms: performance.now() - from, cpuMs } };
}

function threadCpuMs(): number {
  // What Node tells of a thread is as old as the last tick of the kernel.
  clockGetTime(threadClock, time);
  const [seconds = 0n, nanoseconds = 0n] = time;
  return Number(seconds) * 1_000 + Number(nanoseconds) / 1e6;
}
