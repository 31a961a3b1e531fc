/**
 * Tells the node when a Pod that is to end is out of use: the Plan in force sends nobody to it, and what was open
 * has come to its end or had its time.
 */
import { endpointKey, type Clock, type Driver, type Endpoint, type Plan } from '../model/index.ts';

export interface WithdrawalsOptions {
  readonly clock: Clock;
  readonly driver: Pick<Driver, 'observe'>;
  /** The Plan the driver has applied. */
  readonly plan: () => Plan;
}

export interface WithdrawalLimit {
  readonly atMostMs: number;
  readonly signal: AbortSignal;
}

const pollMs = 20;
const quietPollsNeeded = 25;
/** Connections kept alive would hold a Pod for ever: its process hears of its end and may end them itself. */
const maxDrainMs = 10_000;

export function createWithdrawals({
  clock,
  driver,
  plan,
}: WithdrawalsOptions): (pod: string, limit: WithdrawalLimit) => Promise<void> {
  const waitUntil = async (done: () => boolean, ms: number, signal: AbortSignal): Promise<void> => {
    const end = clock.monotonic() + ms;
    while (!signal.aborted && !done() && clock.monotonic() < end) await clock.sleep(pollMs, signal);
  };
  const endpointsOf = (pod: string): readonly (readonly [string, Endpoint])[] =>
    [...plan().servers.values()].flatMap((server) =>
      server.endpoints.flatMap((each) => (each.pod === pod ? [[server.id, each] as const] : [])),
    );
  return async (pod, { atMostMs, signal }) => {
    const isOut = (): boolean => endpointsOf(pod).every(([, endpoint]) => !endpoint.ready);
    const isIdle = (): boolean => {
      const { endpoints } = driver.observe();
      return endpointsOf(pod).every(
        ([id, endpoint]) => (endpoints.get(id)?.get(endpointKey(endpoint))?.open ?? 0) === 0,
      );
    };
    const begun = clock.monotonic();
    await waitUntil(isOut, Math.min(atMostMs, maxDrainMs), signal);
    const left = atMostMs - (clock.monotonic() - begun);
    // A connection that is being made is not open yet: quiet has to last before it counts.
    let quietPolls = 0;
    const isQuiet = (): boolean => (quietPolls = isIdle() ? quietPolls + 1 : 0) > quietPollsNeeded;
    await waitUntil(isQuiet, Math.min(left, maxDrainMs), signal);
  };
}
