/** The scheduler states of this driver: one a ServicePort and pool, as long as the pool stays the same array. */
import {
  createSchedulerState,
  pick,
  type Clock,
  type Decision,
  type Endpoint,
  type Flow,
  type PoolName,
  type Random,
  type SchedulerName,
  type SchedulerState,
} from '../../model/index.ts';

export type Forward = Extract<Decision, { kind: 'forward' }>;

interface Turn {
  readonly candidates: readonly Endpoint[];
  readonly scheduler: SchedulerName;
  readonly state: SchedulerState;
}

export class Schedules {
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly turns = new Map<string, Partial<Record<PoolName, Turn>>>();

  constructor(clock: Clock, random: Random) {
    this.clock = clock;
    this.random = random;
  }

  /** The index of the candidate whose turn it is; -1 when none takes new connections. */
  next(decision: Forward, flow: Flow): number {
    const { candidates, scheduler } = decision;
    const { state } = this.turnOf(decision);
    return pick(scheduler, state, candidates, flow, this.clock.now(), this.random);
  }

  /** Forgets a ServicePort that is gone. */
  forget(id: string): void {
    this.turns.delete(id);
  }

  private turnOf({ server, pool, candidates, scheduler }: Forward): Turn {
    let turns = this.turns.get(server.id);
    if (turns === undefined) this.turns.set(server.id, (turns = {}));
    const found = turns[pool];
    if (found?.candidates === candidates && found.scheduler === scheduler) return found;
    const state = createSchedulerState(scheduler, candidates.length, this.random);
    return (turns[pool] = { candidates, scheduler, state });
  }
}
