/** The servers that know the rest of the world: in which order they are asked, and who rests after failures. */
import {
  formatSocketAddress,
  type Clock,
  type Random,
  type SocketAddress,
} from '../../model/index.ts';
import type { Logger } from '../../obs/index.ts';

export type UpstreamPolicy = 'random' | 'round-robin' | 'sequential';

export interface Upstream {
  readonly address: SocketAddress;
  failures: number;
  /** Monotonic; it is asked again after this, or when nobody else is left. */
  restsUntilMs: number;
  /** Its answers come from ourselves. */
  loops: boolean;
}

export interface UpstreamOptions {
  readonly servers: readonly SocketAddress[];
  readonly policy: UpstreamPolicy;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** As CoreDNS: two failures in a row, and a server rests. */
const maxFailures = 2;
const firstRestMs = 500;
const maxRestMs = 10_000;

export class Upstreams {
  private readonly options: UpstreamOptions;
  private list: readonly Upstream[] = [];
  private turn = 0;

  constructor(options: UpstreamOptions) {
    this.options = options;
    this.replace(options.servers);
  }

  get all(): readonly Upstream[] {
    return this.list;
  }

  /** What is known of a server that stays is kept. */
  replace(servers: readonly SocketAddress[]): void {
    const known = new Map(this.list.map((up) => [formatSocketAddress(up.address), up]));
    this.list = servers.map(
      (address) =>
        known.get(formatSocketAddress(address)) ?? {
          address,
          failures: 0,
          restsUntilMs: 0,
          loops: false,
        },
    );
  }

  /** Whom to ask, one after another: the rested ones first, the others when all of those fail. */
  order(): readonly Upstream[] {
    const now = this.options.clock.monotonic();
    const usable = this.rotated(this.all.filter(({ loops }) => !loops));
    const isUp = (upstream: Upstream): boolean => upstream.restsUntilMs <= now;
    return [...usable.filter(isUp), ...usable.filter((upstream) => !isUp(upstream))];
  }

  succeeded(upstream: Upstream): void {
    if (upstream.failures >= maxFailures) this.say('info', 'An upstream server is back', upstream);
    upstream.failures = 0;
    upstream.restsUntilMs = 0;
  }

  failed(upstream: Upstream): void {
    upstream.failures++;
    if (upstream.failures < maxFailures) return;
    const restMs = Math.min(maxRestMs, firstRestMs * 2 ** (upstream.failures - maxFailures));
    upstream.restsUntilMs = this.options.clock.monotonic() + restMs;
    if (upstream.failures === maxFailures) {
      this.say('warn', 'An upstream server does not answer', upstream);
    }
  }

  looped(upstream: Upstream): void {
    if (upstream.loops) return;
    upstream.loops = true;
    this.say('warn', 'An upstream server sends our questions back to us; it is left out', upstream);
  }

  private say(level: 'info' | 'warn', message: string, { address }: Upstream): void {
    this.options.log[level](message, { server: formatSocketAddress(address) });
  }

  private rotated(list: readonly Upstream[]): readonly Upstream[] {
    const { policy, random } = this.options;
    if (policy === 'sequential' || list.length < 2) return list;
    const start = policy === 'random' ? Math.floor(random() * list.length) : this.turn++;
    const at = start % list.length;
    return [...list.slice(at), ...list.slice(0, at)];
  }
}
