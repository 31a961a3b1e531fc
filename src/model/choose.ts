/**
 * From a verdict to an endpoint: affinity first, else the scheduler. What it remembers belongs to one ServicePort
 * of one driver.
 */
import { AffinityTable } from './affinity-table.ts';
import type { Random } from './clock.ts';
import type { Decision, Flow } from './flow.ts';
import { EndpointLoads } from './schedulers/loads.ts';
import type { PickableScheduler } from './schedulers/names.ts';
import { createSchedulerState, pick, type SchedulerState } from './schedulers/pick.ts';
import { endpointKey, type Endpoint, type PoolName } from './service-port.ts';

type Forward = Extract<Decision, { kind: 'forward' }>;

interface PoolState {
  readonly candidates: readonly Endpoint[];
  readonly scheduler: PickableScheduler;
  readonly state: SchedulerState;
}

/** What choosing for one ServicePort remembers from Plan to Plan. */
export class ChoiceState {
  readonly loads = new EndpointLoads();
  readonly affinity: AffinityTable;
  private readonly pools = new Map<PoolName, PoolState>();

  constructor(maxAffinityClients?: number) {
    this.affinity = new AffinityTable(maxAffinityClients);
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
    this.pools.set(pool, { candidates, scheduler, state });
    return state;
  }
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
  choices: ChoiceState,
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
