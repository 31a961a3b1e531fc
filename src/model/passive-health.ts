/**
 * Passive health: an endpoint that refused, or was silent too long, is set aside for a while, longer each time it
 * fails again, and is as good as any other after one success. Never so many at once that the rest could not bear
 * it: what looks like many sick endpoints is usually something else.
 */
import type { Random } from './clock.ts';
import { endpointKey, type Endpoint, type VirtualServer } from './service-port.ts';

const firstAsideMs = 1_000;
const longestAsideMs = 30_000;
/** Up to a quarter longer, so that endpoints that failed together do not come back together. */
const jitter = 0.25;

export interface Trouble {
  readonly failures: number;
  readonly untilMs: number;
}

/** The endpoints of one ServicePort that have failed since their last success, by key; a Map is one. */
export interface Troubles {
  readonly size: number;
  get(key: string): Trouble | undefined;
  set(key: string, trouble: Trouble): void;
  delete(key: string): boolean;
  keys(): Iterable<string>;
}

interface InUse {
  /** The endpoints set aside, as text. */
  readonly aside: string;
  readonly endpoints: readonly Endpoint[];
}

/** The endpoints of a ServicePort that failed, as plain data: how often, and how much longer they are set aside. */
export type HealthMemory = readonly (readonly [
  server: string,
  troubles: readonly (readonly [endpoint: string, failures: number, leftMs: number])[],
])[];

/** Times are milliseconds of a clock that never goes back. */
export class PassiveHealth {
  private readonly random: Random;
  /** By ServicePort id, then by endpoint key: those that have failed since their last success. */
  private readonly troubles = new Map<string, Map<string, Trouble>>();
  /** Of every ServicePort, where there is but one and several threads know of it. */
  private readonly shared: Troubles | undefined;
  /** The last answer for a pool: schedulers start anew with a new array, so an equal one must be the same. */
  private readonly answers = new WeakMap<readonly Endpoint[], InUse>();

  constructor(random: Random, shared?: Troubles) {
    this.random = random;
    this.shared = shared;
  }

  failed(server: string, endpoint: Endpoint, nowMs: number): void {
    const key = endpointKey(endpoint);
    const ofServer = this.of(server) ?? this.begin(server);
    const before = ofServer.get(key);
    // Many connections may fail at one moment: that is one failure of the endpoint.
    if (before !== undefined && before.untilMs > nowMs) return;
    const failures = (before?.failures ?? 0) + 1;
    const asideMs = Math.min(longestAsideMs, firstAsideMs * 2 ** (failures - 1));
    ofServer.set(key, { failures, untilMs: nowMs + asideMs * (1 + jitter * this.random()) });
  }

  succeeded(server: string, endpoint: Endpoint): void {
    const ofServer = this.of(server);
    if (ofServer === undefined || ofServer.size === 0) return;
    if (ofServer.delete(endpointKey(endpoint)) && ofServer.size === 0) this.troubles.delete(server);
  }

  /**
   * The candidates that are not set aside: the same array when that is all of them, and never fewer than half of
   * those that take connections.
   */
  inUse(server: string, candidates: readonly Endpoint[], nowMs: number): readonly Endpoint[] {
    const ofServer = this.of(server);
    if (ofServer === undefined || ofServer.size === 0) return candidates;
    const aside = this.aside(ofServer, candidates, nowMs);
    if (aside.size === 0) return candidates;
    const text = [...aside].toSorted().join(' ');
    const known = this.answers.get(candidates);
    if (known?.aside === text) return known.endpoints;
    const endpoints = candidates.filter((candidate) => !aside.has(endpointKey(candidate)));
    this.answers.set(candidates, { aside: text, endpoints });
    return endpoints;
  }

  /** Left is from now on: two processes may have clocks that begin elsewhere. */
  memory(nowMs: number): HealthMemory {
    return [...this.troubles].map(([server, ofServer]) => [
      server,
      [...ofServer].map(
        ([key, { failures, untilMs }]) => [key, failures, untilMs - nowMs] as const,
      ),
    ]);
  }

  remember(memory: HealthMemory, nowMs: number): void {
    for (const [server, troubles] of memory) {
      const entries = troubles.map(
        ([key, failures, leftMs]) => [key, { failures, untilMs: nowMs + leftMs }] as const,
      );
      this.troubles.set(server, new Map(entries));
    }
  }

  /** Takes note of a ServicePort's endpoints as they are now; undefined: it is gone. */
  follow(id: string, server: VirtualServer | undefined): void {
    const ofServer = this.of(id);
    if (ofServer === undefined || ofServer.size === 0) return;
    const named = new Set(server?.endpoints.map(endpointKey));
    for (const key of ofServer.keys()) if (!named.has(key)) ofServer.delete(key);
    if (ofServer.size === 0) this.troubles.delete(id);
  }

  private begin(server: string): Troubles {
    const ofServer = new Map<string, Trouble>();
    this.troubles.set(server, ofServer);
    return ofServer;
  }

  private of(server: string): Troubles | undefined {
    return this.shared ?? this.troubles.get(server);
  }

  /** Of those in trouble, the ones that failed most; the others stay in use although they failed. */
  private aside(
    ofServer: Troubles,
    candidates: readonly Endpoint[],
    nowMs: number,
  ): ReadonlySet<string> {
    const takers = candidates.filter((candidate) => candidate.weight > 0).map(endpointKey);
    const most = takers.length - Math.max(1, Math.ceil(takers.length / 2));
    const troubled = takers.flatMap((key) => {
      const trouble = ofServer.get(key);
      return trouble !== undefined && trouble.untilMs > nowMs ? [{ key, ...trouble }] : [];
    });
    const worst = troubled.toSorted((a, b) => b.failures - a.failures || b.untilMs - a.untilMs);
    return new Set(worst.slice(0, Math.max(0, most)).map(({ key }) => key));
  }
}
