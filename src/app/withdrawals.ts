/**
 * Tells the node when a Pod that is to end is out of use: the Plan in force knows that it ends, and what was open
 * or being opened to it has come to its end or had its time. Asks about that Pod's endpoints only.
 */
import {
  endpointKey,
  type Clock,
  type Driver,
  type EndpointPlace,
  type Plan,
} from '../model/index.ts';
import type { Planner } from '../plan/index.ts';

export interface WithdrawalsOptions {
  readonly clock: Clock;
  readonly driver: Pick<Driver, 'drained'>;
  /** The Plan the driver has applied. */
  readonly plan: () => Plan;
  /** Ids of the VirtualServers that have a Pod among their endpoints. */
  readonly serversOf: (namespace: string, pod: string) => readonly string[];
}

/** Of an instance's planner, which may still be in the making: it is told of withdrawals itself. */
export function createWithdrawals({
  clock,
  driver,
  planner,
}: Pick<WithdrawalsOptions, 'clock' | 'driver'> & {
  readonly planner: () => Planner;
}): Withdrawals {
  return new Withdrawals({
    clock,
    driver,
    plan: () => planner().applied().plan,
    serversOf: (namespace, pod) => planner().serversOf(namespace, pod),
  });
}

export interface WithdrawalLimit {
  readonly atMostMs: number;
  readonly signal: AbortSignal;
}

/** Connections kept alive would hold a Pod for ever: its process hears of its end and may end them itself. */
const maxDrainMs = 10_000;
/** A Pod that no Plan names may be on its way into one: so long is waited to see. */
const unseenMs = 100;

export class Withdrawals {
  private readonly options: WithdrawalsOptions;
  private waiting: (() => void)[] = [];

  constructor(options: WithdrawalsOptions) {
    this.options = options;
  }

  /** The driver has applied a Plan. */
  applied(): void {
    for (const wake of this.waiting.splice(0)) wake();
  }

  /** Resolves when nobody is at the Pod `NAMESPACE/NAME` any more; at the limit at the latest. */
  async withdrawn(pod: string, { atMostMs, signal }: WithdrawalLimit): Promise<void> {
    const { clock, driver } = this.options;
    const begun = clock.monotonic();
    const seen = new Map<string, EndpointPlace>();
    await this.within(Math.min(atMostMs, maxDrainMs), signal, (limit) =>
      this.untilOut(pod, seen, limit),
    );
    const leftMs = Math.max(0, atMostMs - (clock.monotonic() - begun));
    await this.within(Math.min(leftMs, maxDrainMs), signal, (limit) =>
      driver.drained([...seen.values()], limit),
    );
  }

  /** Until the Plan in force knows that all of the Pod's endpoints end; `seen` gets every one that it named. */
  private async untilOut(
    pod: string,
    seen: Map<string, EndpointPlace>,
    limit: AbortSignal,
  ): Promise<void> {
    while (!limit.aborted) {
      const places = this.placesOf(pod);
      for (const place of places) seen.set(`${place.server} ${endpointKey(place.endpoint)}`, place);
      if (places.every(({ endpoint }) => endpoint.terminating)) {
        if (seen.size > 0) return;
        await this.within(unseenMs, limit, async (end) => {
          while (!end.aborted && this.placesOf(pod).length === 0) await this.nextPlan(end);
        });
        if (this.placesOf(pod).length === 0) return;
      } else {
        await this.nextPlan(limit);
      }
    }
  }

  private placesOf(pod: string): readonly EndpointPlace[] {
    const { plan, serversOf } = this.options;
    const [namespace = '', name = ''] = pod.split('/');
    const { servers } = plan();
    return serversOf(namespace, name).flatMap((server) =>
      (servers.get(server)?.endpoints ?? []).flatMap((endpoint) =>
        endpoint.pod === pod ? [{ server, endpoint }] : [],
      ),
    );
  }

  private async nextPlan(limit: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.waiting.push(wake);
    limit.addEventListener('abort', wake, { once: true });
    if (limit.aborted) wake();
    await promise;
    limit.removeEventListener('abort', wake);
    this.waiting = this.waiting.filter((each) => each !== wake);
  }

  /** Does work that ends when its signal aborts, and aborts it after a time or when `signal` does. */
  private async within(
    ms: number,
    signal: AbortSignal,
    work: (limit: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const limit = new AbortController();
    const done = new AbortController();
    const slept = this.options.clock
      .sleep(ms, AbortSignal.any([signal, done.signal]))
      .then(() => limit.abort());
    await work(limit.signal);
    done.abort();
    await slept;
  }
}
