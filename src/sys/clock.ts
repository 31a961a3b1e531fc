/** The real clock, and a fake one that a test moves by hand. */
import { performance } from 'node:perf_hooks';
import { hrtime } from 'node:process';
import type { Clock } from '../model/index.ts';

/** A thread's own clock begins with the thread; all threads of a process are to tell the same time. */
const beganMs = Number(hrtime.bigint()) / 1e6 - performance.now();

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => beganMs + performance.now(),
  // An aborted sleep ends early, and is no error: making one for each loop that is woken costs more than the wake.
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done);
    }),
};

export interface FakeClock extends Clock {
  /** Moves time on and lets every sleeper that is due run, in order of its time. */
  advance(ms: number): Promise<void>;
  /** How many sleep now. */
  readonly sleepers: number;
}

interface Sleeper {
  readonly at: number;
  wake(): void;
}

export function createFakeClock(startMs = 0): FakeClock {
  let now = startMs;
  let sleepers: Sleeper[] = [];
  const settle = async (): Promise<void> => {
    // Whoever was woken may go through several awaits before it sleeps again.
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };
  return {
    now: () => now,
    monotonic: () => now,
    get sleepers() {
      return sleepers.length;
    },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        const sleeper: Sleeper = { at: now + ms, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers = sleepers.filter((s) => s !== sleeper);
          resolve();
        });
      }),
    advance: async (ms) => {
      const end = now + ms;
      for (;;) {
        await settle();
        const due = sleepers.filter((s) => s.at <= end).toSorted((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        now = Math.max(now, due.at);
        sleepers = sleepers.filter((s) => s !== due);
        due.wake();
      }
      now = end;
      await settle();
    },
  };
}
