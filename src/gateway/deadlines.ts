/**
 * Time limits of many connections without a timer each: those that have one are looked through now and then, so a
 * limit is kept to within a sweep.
 */
import type { Clock } from '../model/index.ts';

const sweepMs = 250;

export interface Limited {
  /** On the monotonic clock; Infinity: none. */
  readonly deadline: number;
  onDeadline(): void;
}

export class Deadlines {
  private readonly limited = new Set<Limited>();
  private readonly clock: Clock;
  private readonly stopping = new AbortController();
  private sweptAt: number;

  constructor(clock: Clock) {
    this.clock = clock;
    this.sweptAt = clock.monotonic();
  }

  /** The deadline of what may take so long: never before it, and without asking for the time. */
  in(ms: number): number {
    return this.sweptAt + sweepMs + ms;
  }

  add(limited: Limited): void {
    this.limited.add(limited);
  }

  remove(limited: Limited): void {
    this.limited.delete(limited);
  }

  /** Looks until `stop`. */
  async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.clock.sleep(sweepMs, signal);
      const now = this.clock.monotonic();
      this.sweptAt = now;
      for (const each of this.limited) if (each.deadline <= now) each.onDeadline();
    }
  }

  stop(): void {
    this.stopping.abort();
  }
}
