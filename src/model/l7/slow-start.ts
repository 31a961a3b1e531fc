/**
 * Lets an endpoint that is new take more and more requests until it has its whole share. Endpoints that were there
 * when the ServicePort came are not new: there is nobody to spare them for.
 */
import type { Random } from '../clock.ts';
import { endpointKey, type Endpoint, type VirtualServer } from '../service-port.ts';

/** What an endpoint takes from its first moment, of its share. */
const firstShare = 0.1;

export interface Newcomer {
  readonly key: string;
  readonly sinceMs: number;
  readonly untilMs: number;
}

export class SlowStart {
  private known: ReadonlySet<string> | undefined;
  private readonly newcomers = new Map<string, Newcomer>();

  follow({ endpoints, perRequest }: VirtualServer, nowMs: number): void {
    const durationMs = perRequest?.slowStartMs ?? 0;
    const taking = new Set(endpoints.filter(({ ready }) => ready).map(endpointKey));
    for (const [key, { untilMs }] of this.newcomers) {
      if (!taking.has(key) || untilMs <= nowMs || durationMs === 0) this.newcomers.delete(key);
    }
    if (this.known !== undefined && this.known.size > 0 && durationMs > 0) {
      for (const key of taking) {
        if (this.known.has(key)) continue;
        this.newcomers.set(key, { key, sinceMs: nowMs, untilMs: nowMs + durationMs });
      }
    }
    this.known = taking;
  }

  /** Those that are spared now, for whoever is to spare them as well. */
  list(): readonly Newcomer[] {
    return [...this.newcomers.values()];
  }

  /** Spares these, as another thread found them. */
  learn(newcomers: readonly Newcomer[]): void {
    this.newcomers.clear();
    for (const newcomer of newcomers) this.newcomers.set(newcomer.key, newcomer);
  }

  /** Whether an endpoint that was chosen is to be spared this time. */
  holdsBack(endpoint: Endpoint, nowMs: number, random: Random): boolean {
    if (this.newcomers.size === 0) return false;
    const newcomer = this.newcomers.get(endpointKey(endpoint));
    if (newcomer === undefined || nowMs >= newcomer.untilMs) return false;
    const grown = (nowMs - newcomer.sinceMs) / (newcomer.untilMs - newcomer.sinceMs);
    return random() >= Math.max(firstShare, grown);
  }
}
