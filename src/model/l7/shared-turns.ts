/**
 * The scheduler's state of each pool of a ServicePort that several threads choose for: what follows from the candidates each
 * works out, where the turn stands all of them see, so that together they choose as one.
 */
import type { Random } from '../clock.ts';
import type { Loads } from '../schedulers/loads.ts';
import type { PickableScheduler } from '../schedulers/names.ts';
import { createSchedulerState, type SchedulerState } from '../schedulers/pick.ts';
import type { Endpoint, PoolName } from '../service-port.ts';

export interface SharedChoice {
  readonly loads: Loads;
  /** Where the turn of a pool stands: one word, whoever was the last to choose. */
  turnOf(pool: PoolName): Uint32Array;
}

interface PoolState {
  readonly candidates: readonly Endpoint[];
  readonly scheduler: PickableScheduler;
  readonly state: SchedulerState;
}

export class SharedTurns {
  private readonly shared: SharedChoice;
  private readonly pools = new Map<PoolName, PoolState>();

  constructor(shared: SharedChoice) {
    this.shared = shared;
  }

  /** As `ChoiceState` has it. */
  stateOf(
    pool: PoolName,
    candidates: readonly Endpoint[],
    scheduler: PickableScheduler,
    random: Random,
  ): SchedulerState {
    const known = this.pools.get(pool);
    const isSame = known?.candidates === candidates && known.scheduler === scheduler;
    const state = isSame ? known.state : this.newState(pool, candidates, scheduler, random);
    if (!isSame) this.pools.set(pool, { candidates, scheduler, state });
    // Another thread may have chosen among more.
    const { cursor, ring } = state;
    const at = cursor[0] ?? 0;
    if (at >= ring.length && ring.length > 0) cursor[0] = at % ring.length;
    return state;
  }

  private newState(
    pool: PoolName,
    candidates: readonly Endpoint[],
    scheduler: PickableScheduler,
    random: Random,
  ): SchedulerState {
    const { loads } = this.shared;
    const made = createSchedulerState(scheduler, candidates, loads, random);
    return { ...made, cursor: this.shared.turnOf(pool) };
  }
}
