/** Counts how long connects took, in the model's few buckets: one addition each on the way of every connection. */
import { connectLatencyBoundsMs, type ConnectLatency } from '../../model/index.ts';

export class LatencyCount {
  private count = 0;
  private sumMs = 0;
  private readonly buckets = connectLatencyBoundsMs.map(() => 0);
  private slower = 0;

  add(tookMs: number): void {
    this.count++;
    this.sumMs += tookMs;
    const bucket = connectLatencyBoundsMs.findIndex((bound) => tookMs <= bound);
    if (bucket < 0) this.slower++;
    else this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1;
  }

  read(): ConnectLatency {
    return { count: this.count, sumMs: this.sumMs, buckets: [...this.buckets, this.slower] };
  }
}
