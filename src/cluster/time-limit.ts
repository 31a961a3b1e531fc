/** Ends a request that makes no progress for too long; each piece that comes gives it the whole time again. */
import type { Clock } from '../model/index.ts';

export interface TimeLimit {
  /** Aborts with the parent, or when the time is over. */
  readonly signal: AbortSignal;
  readonly isOver: boolean;
  /** From now on nothing may come for this long. */
  allow(ms: number): void;
  progress(): void;
  /** To be called when the request has ended. */
  end(): void;
}

export function createTimeLimit(clock: Clock, ms: number, parent: AbortSignal): TimeLimit {
  const ending = new AbortController();
  const abort = (): void => ending.abort();
  parent.addEventListener('abort', abort, { once: true });
  if (parent.aborted) abort();
  let allowedMs = ms;
  let lastAt = clock.monotonic();
  let isOver = false;
  const watch = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const leftMs = lastAt + allowedMs - clock.monotonic();
      if (leftMs <= 0) {
        isOver = true;
        abort();
      } else await clock.sleep(leftMs, ending.signal);
    }
  };
  void watch();
  return {
    signal: ending.signal,
    get isOver() {
      return isOver;
    },
    allow: (nextMs) => {
      lastAt = clock.monotonic();
      allowedMs = nextMs;
    },
    progress: () => {
      lastAt = clock.monotonic();
    },
    end: () => {
      parent.removeEventListener('abort', abort);
      abort();
    },
  };
}
