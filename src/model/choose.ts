/**
 * From a verdict to an endpoint: affinity first, else the scheduler. What it remembers belongs to one ServicePort
 * of one driver.
 */
import { AffinityTable } from './affinity-table.ts';
import type { Random } from './clock.ts';
import type { Decision, Flow } from './flow.ts';
import { EndpointLoads, type LoadMemory } from './schedulers/loads.ts';
import type { PickableScheduler } from './schedulers/names.ts';
import { createSchedulerState, pick, type SchedulerState } from './schedulers/pick.ts';
import { endpointKey, type Endpoint, type PoolName } from './service-port.ts';

type Forward = Extract<Decision, { kind: 'forward' }>;

interface PoolState {
  readonly candidates: readonly Endpoint[];
  readonly scheduler: PickableScheduler;
  readonly state: SchedulerState;
}

/** The turn of one pool, as plain data: where its cursor stands, and for which candidates that holds. */
interface TurnMemory {
  readonly pool: PoolName;
  readonly scheduler: PickableScheduler;
  /** Keys and weights of the candidates, in order. */
  readonly candidates: readonly string[];
  readonly cursor: number;
}

/** What a ChoiceState knows that cannot be found out again, as plain data. */
export interface ChoiceMemory {
  readonly affinity: readonly (readonly [client: string, endpoint: string, expiresAtMs: number])[];
  readonly turns: readonly TurnMemory[];
  readonly loads: readonly LoadMemory[];
}

/** What choosing for one ServicePort remembers from Plan to Plan. */
export class ChoiceState {
  readonly loads = new EndpointLoads();
  readonly affinity: AffinityTable;
  private readonly pools = new Map<PoolName, PoolState>();
  /** Remembered and not yet taken up: pools are made at the first connection. */
  private turns: readonly TurnMemory[] = [];

  constructor(maxAffinityClients?: number) {
    this.affinity = new AffinityTable(maxAffinityClients);
  }

  memory(): ChoiceMemory {
    const current = [...this.pools].map(([pool, { candidates, scheduler, state }]) => ({
      pool,
      scheduler,
      candidates: candidates.map(turnKey),
      cursor: state.cursor[0] ?? 0,
    }));
    const taken = new Set(current.map(({ pool }) => pool));
    const untaken = this.turns.filter(({ pool }) => !taken.has(pool));
    return {
      affinity: [...this.affinity.list()],
      turns: [...current, ...untaken],
      loads: this.loads.memory(),
    };
  }

  /**
   * Goes on where another state stood; to be called before anything was chosen here. The loads are for whoever knows
   * how long what is open elsewhere counts.
   */
  remember({ affinity, turns }: ChoiceMemory): void {
    this.turns = turns;
    for (const [client, endpoint, expiresAtMs] of affinity) {
      this.affinity.set(client, { endpoint, expiresAtMs, nowMs: 0 });
    }
  }

  /** The scheduler's state for a pool, made anew when the pool or the scheduler is another. */
  stateOf(
    pool: PoolName,
    candidates: readonly Endpoint[],
    scheduler: PickableScheduler,
    random: Random,
  ): SchedulerState {
    const known = this.pools.get(pool);
    if (known?.candidates === candidates && known.scheduler === scheduler) return known.state;
    const state = createSchedulerState(scheduler, candidates, this.loads, random);
    const turn = this.turns.find((each) => each.pool === pool && each.scheduler === scheduler);
    if (turn !== undefined) {
      this.turns = this.turns.filter((each) => each !== turn);
      const same = turn.candidates.join() === candidates.map(turnKey).join();
      if (same && turn.cursor < state.ring.length) state.cursor[0] = turn.cursor;
    }
    this.pools.set(pool, { candidates, scheduler, state });
    return state;
  }
}

function turnKey(endpoint: Endpoint): string {
  return `${endpointKey(endpoint)}*${endpoint.weight}`;
}

export interface ChooseOptions {
  readonly nowMs: number;
  readonly random: Random;
  /** What stands in when the driver cannot do the decision's own scheduler. */
  readonly scheduler: PickableScheduler;
  /** Endpoint keys this connection has tried in vain; they are passed over while others are left. */
  readonly tried?: ReadonlySet<string>;
}

/**
 * The endpoint for a connection, or undefined when none takes it. A client with affinity gets its endpoint as
 * long as that is a candidate, also at weight 0; otherwise it gets a new one and keeps that.
 */
export function choose(
  choices: ChoiceState,
  decision: Forward,
  flow: Flow,
  options: ChooseOptions,
): Endpoint | undefined {
  const { affinity, candidates } = decision;
  if (affinity.kind === 'none') return pickUntried(choices, decision, flow, options);
  const { nowMs, tried } = options;
  const held = choices.affinity.get(flow.source, nowMs);
  const kept =
    held === undefined || tried?.has(held) === true
      ? undefined
      : candidates.find((candidate) => endpointKey(candidate) === held);
  const chosen = kept ?? pickUntried(choices, decision, flow, options);
  if (chosen !== undefined) {
    const expiresAtMs = nowMs + affinity.timeoutSeconds * 1_000;
    choices.affinity.set(flow.source, { endpoint: endpointKey(chosen), expiresAtMs, nowMs });
  }
  return chosen;
}

/** By the scheduler alone, none of those that were tried while others are left. */
export function pickUntried(
  choices: Pick<ChoiceState, 'stateOf'>,
  { pool, candidates }: Pick<Forward, 'pool' | 'candidates'>,
  flow: Pick<Flow, 'source' | 'destination'>,
  { nowMs, random, scheduler, tried }: ChooseOptions,
): Endpoint | undefined {
  const state = choices.stateOf(pool, candidates, scheduler, random);
  const first = candidates[pick(scheduler, state, candidates, flow, nowMs, random)];
  if (first === undefined || tried === undefined || !tried.has(endpointKey(first))) return first;
  // A hash or a least load would name the same endpoint again: go on to the next that was not tried.
  const start = candidates.indexOf(first);
  for (let step = 1; step < candidates.length; step++) {
    const next = candidates[(start + step) % candidates.length];
    if (next !== undefined && next.weight > 0 && !tried.has(endpointKey(next))) return next;
  }
  return undefined;
}
