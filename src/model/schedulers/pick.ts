/**
 * How one endpoint is picked from a pool. Pure over a state the driver owns: `pick` reads and writes only
 * that state, so the same calls with the same state give the same endpoints.
 */
import type { Random } from '../clock.ts';
import type { Flow } from '../flow.ts';
import type { Endpoint } from '../service-port.ts';
import type { SchedulerName } from './names.ts';

/** What a scheduler remembers of one pool between picks; made anew with each rendering of the pool. */
export interface SchedulerState {
  /** `rr`: the index of the next candidate. */
  readonly cursor: Uint32Array;
}

/** A state for a pool of `size` candidates. Starts at a random place, so that churn favours nobody. */
export function createSchedulerState(
  _scheduler: SchedulerName,
  size: number,
  random: Random,
): SchedulerState {
  return { cursor: Uint32Array.of(size === 0 ? 0 : Math.floor(random() * size)) };
}

/**
 * The index of the chosen candidate, or -1 when none takes new connections (all have weight 0, or there
 * are none). `candidates` is the array the state was made for.
 */
export function pick(
  scheduler: SchedulerName,
  state: SchedulerState,
  candidates: readonly Endpoint[],
  _flow: Flow,
  _nowMs: number,
  _random: Random,
): number {
  switch (scheduler) {
    case 'rr':
      return pickRoundRobin(state, candidates);
  }
}

function pickRoundRobin(state: SchedulerState, candidates: readonly Endpoint[]): number {
  const size = candidates.length;
  let at = state.cursor[0]!;
  for (let tried = 0; tried < size; tried++) {
    if (at >= size) at = 0;
    const chosen = at;
    at++;
    if (candidates[chosen]!.weight > 0) {
      state.cursor[0] = at;
      return chosen;
    }
  }
  return -1;
}
