/**
 * What is going on at the endpoints of one ServicePort, for schedulers that choose by load: open connections and
 * a peak-sensitive moving average of latency. Shared by the pools of the ServicePort, owned by the driver.
 */
import type { Endpoint } from '../service-port.ts';
import { endpointKey } from '../service-port.ts';

/** After this long without a sample a latency has lost all but 37 % of its weight. */
const latencyDecayMs = 10_000;

/** What schedulers ask, and what they are told of an endpoint by its place. */
export interface Loads {
  /** The place of an endpoint; the same until `retain` lets it go. */
  slotOf(endpoint: Pick<Endpoint, 'address' | 'port'>): number;
  /** Forgets endpoints that are not named and have nothing open. */
  retain(endpoints: readonly Endpoint[]): void;
  open(slot: number): number;
  /** A connection was given to the endpoint. */
  opened(slot: number): void;
  closed(slot: number): void;
  answered(slot: number, latencyMs: number, nowMs: number): void;
  /** Expected milliseconds to an answer; undefined while the endpoint has never answered. */
  latency(slot: number, nowMs: number): number | undefined;
}

/** A latency after so long without a sample. */
export function decayedLatency(latencyMs: number, elapsedMs: number): number {
  return latencyMs * Math.exp(-Math.max(0, elapsedMs) / latencyDecayMs);
}

/** A latency after a sample: peaks count at once, improvements little by little (Finagle's peak EWMA). */
export function sampledLatency(decayedMs: number, latencyMs: number, elapsedMs: number): number {
  if (latencyMs > decayedMs) return latencyMs;
  return latencyMs * (1 - decayedLatency(1, elapsedMs)) + decayedMs;
}

/** What is going on at one endpoint, as plain data. */
export interface LoadMemory {
  readonly endpoint: string;
  readonly open: number;
  /** Undefined while it has never answered. */
  readonly answered: { readonly latencyMs: number; readonly atMs: number } | undefined;
}

export class EndpointLoads implements Loads {
  private readonly slots = new Map<string, number>();
  private readonly free: number[] = [];
  private openCounts = new Int32Array(8);
  private latencies = new Float64Array(8);
  private sampledAtMs = new Float64Array(8);
  private hasSample = new Uint8Array(8);

  slotOf(endpoint: Pick<Endpoint, 'address' | 'port'>): number {
    return this.slotOfKey(endpointKey(endpoint));
  }

  memory(): readonly LoadMemory[] {
    return [...this.slots].map(([endpoint, slot]) => ({
      endpoint,
      open: this.openCounts[slot]!,
      answered:
        this.hasSample[slot] === 1
          ? { latencyMs: this.latencies[slot]!, atMs: this.sampledAtMs[slot]! }
          : undefined,
    }));
  }

  /** Goes on where other loads stood; the slot, for what is open elsewhere to be closed. */
  remember({ endpoint, open, answered }: LoadMemory): number {
    const slot = this.slotOfKey(endpoint);
    this.openCounts[slot] = this.openCounts[slot]! + open;
    if (answered === undefined) return slot;
    this.latencies[slot] = answered.latencyMs;
    this.sampledAtMs[slot] = answered.atMs;
    this.hasSample[slot] = 1;
    return slot;
  }

  private slotOfKey(key: string): number {
    const known = this.slots.get(key);
    if (known !== undefined) return known;
    const slot = this.free.pop() ?? this.slots.size;
    if (slot >= this.openCounts.length) this.grow();
    this.openCounts[slot] = 0;
    this.hasSample[slot] = 0;
    this.slots.set(key, slot);
    return slot;
  }

  retain(endpoints: readonly Endpoint[]): void {
    const named = new Set(endpoints.map(endpointKey));
    for (const [key, slot] of this.slots) {
      if (named.has(key) || this.openCounts[slot]! > 0) continue;
      this.slots.delete(key);
      this.free.push(slot);
    }
  }

  open(slot: number): number {
    return this.openCounts[slot]!;
  }

  opened(slot: number): void {
    this.openCounts[slot] = this.openCounts[slot]! + 1;
  }

  closed(slot: number): void {
    this.openCounts[slot] = Math.max(0, this.openCounts[slot]! - 1);
  }

  answered(slot: number, latencyMs: number, nowMs: number): void {
    const before = this.hasSample[slot] === 1 ? this.decayed(slot, nowMs) : 0;
    const elapsedMs = nowMs - this.sampledAtMs[slot]!;
    this.latencies[slot] = sampledLatency(before, latencyMs, elapsedMs);
    this.sampledAtMs[slot] = nowMs;
    this.hasSample[slot] = 1;
  }

  latency(slot: number, nowMs: number): number | undefined {
    return this.hasSample[slot] === 1 ? this.decayed(slot, nowMs) : undefined;
  }

  private decayed(slot: number, nowMs: number): number {
    return decayedLatency(this.latencies[slot]!, nowMs - this.sampledAtMs[slot]!);
  }

  private grow(): void {
    const size = this.openCounts.length * 2;
    const widen = <A extends Int32Array | Float64Array | Uint8Array>(from: A, to: A): A => {
      to.set(from);
      return to;
    };
    this.openCounts = widen(this.openCounts, new Int32Array(size));
    this.latencies = widen(this.latencies, new Float64Array(size));
    this.sampledAtMs = widen(this.sampledAtMs, new Float64Array(size));
    this.hasSample = widen(this.hasSample, new Uint8Array(size));
  }
}
