/**
 * Runs one piece of work again and again, never twice at once: soon after a trigger, but not sooner than
 * `minIntervalMs` after the last run ended; `retryMs` after a run that failed or asked for it; and at least every
 * `maxIntervalMs`. Any number of triggers while it waits or works become one run.
 */
import type { Clock } from '../model/index.ts';

export interface SyncLoopOptions {
  readonly clock: Clock;
  readonly minIntervalMs: number;
  readonly retryMs: number;
  readonly maxIntervalMs: number;
  /** Gets what a run threw; the loop goes on. */
  readonly onFailure: (thrown: unknown) => void;
}

/** Whether the work wants to run again after `retryMs` although nothing triggered it. */
export type RunResult = 'done' | 'retry';

export interface SyncLoop {
  /** Asks for a run. */
  trigger(): void;
  /** Runs until `signal` aborts; resolves when the last run has ended. */
  run(signal: AbortSignal): Promise<void>;
}

export function createSyncLoop(
  work: (signal: AbortSignal) => Promise<RunResult>,
  options: SyncLoopOptions,
): SyncLoop {
  const { clock, minIntervalMs, retryMs, maxIntervalMs, onFailure } = options;
  let triggered = false;
  let wake: (() => void) | undefined;

  const waitForTrigger = async (ms: number, signal: AbortSignal): Promise<void> => {
    if (triggered) return;
    const woken = new AbortController();
    wake = () => woken.abort();
    const stop = (): void => woken.abort();
    signal.addEventListener('abort', stop, { once: true });
    if (!signal.aborted) await clock.sleep(ms, woken.signal);
    signal.removeEventListener('abort', stop);
    wake = undefined;
  };

  return {
    trigger: () => {
      triggered = true;
      wake?.();
    },
    run: async (signal) => {
      let idleMs = maxIntervalMs;
      while (!signal.aborted) {
        await waitForTrigger(idleMs, signal);
        if (signal.aborted) break;
        triggered = false;
        let result: RunResult;
        try {
          result = await work(signal);
        } catch (thrown) {
          onFailure(thrown);
          result = 'retry';
        }
        idleMs = (result === 'retry' ? retryMs : maxIntervalMs) - minIntervalMs;
        await clock.sleep(minIntervalMs, signal);
      }
    },
  };
}
