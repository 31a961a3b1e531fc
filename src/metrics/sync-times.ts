/** Counts how often and how long a driver applies Plans, beside it: drivers know nothing of metrics. */
import type { Clock, Driver } from '../model/index.ts';

/** Upper bounds in seconds: kube-proxy's, 1 ms doubled fourteen times. */
export const syncBounds: readonly number[] = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);

export interface SyncCount {
  /** One more than there are bounds. */
  readonly buckets: readonly number[];
  readonly sumSeconds: number;
}

type Kind = 'full' | 'partial';

export class SyncTimes {
  failures = 0;
  /** Unix seconds; 0 before the first. */
  lastSeconds = 0;
  private readonly clock: Clock;
  private readonly counts: Record<Kind, { buckets: number[]; sumSeconds: number }> = {
    full: { buckets: [...syncBounds, 0].fill(0), sumSeconds: 0 },
    partial: { buckets: [...syncBounds, 0].fill(0), sumSeconds: 0 },
  };

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** The same driver, timed. */
  timed(driver: Driver): Driver {
    return {
      name: driver.name,
      capabilities: driver.capabilities,
      probe: () => driver.probe(),
      observe: () => driver.observe(),
      drained: (places, signal) => driver.drained(places, signal),
      locate: (flow) => driver.locate(flow),
      stop: (signal) => driver.stop(signal),
      audit: driver.audit?.bind(driver),
      apply: async (plan, delta, signal) => {
        const startedMs = this.clock.monotonic();
        try {
          const report = await driver.apply(plan, delta, signal);
          this.applied(delta === undefined ? 'full' : 'partial', startedMs);
          return report;
        } catch (thrown) {
          this.failures++;
          throw thrown;
        }
      },
    };
  }

  read(kind: Kind): SyncCount {
    return this.counts[kind];
  }

  private applied(kind: Kind, startedMs: number): void {
    const seconds = (this.clock.monotonic() - startedMs) / 1000;
    const count = this.counts[kind];
    const found = syncBounds.findIndex((bound) => seconds <= bound);
    const bucket = found < 0 ? syncBounds.length : found;
    count.buckets[bucket] = (count.buckets[bucket] ?? 0) + 1;
    count.sumSeconds += seconds;
    this.lastSeconds = this.clock.now() / 1000;
  }
}
