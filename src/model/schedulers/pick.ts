/**
 * How one endpoint is picked from a pool. Pure over a state the driver owns: `pick` reads and writes only
 * that state, so the same calls with the same state give the same endpoints.
 *
 * Weight 0 takes no new connection under any scheduler. Between equals the turn goes round, so that nobody is
 * first by the accident of its address.
 */
import type { Random } from '../clock.ts';
import type { Flow } from '../flow.ts';
import type { Endpoint } from '../service-port.ts';
import { endpointKey } from '../service-port.ts';
import { hashAddress } from './hash-address.ts';
import type { Loads } from './loads.ts';
import { buildMaglev } from './maglev.ts';
import type { PickableScheduler } from './names.ts';
import { buildRing } from './ring.ts';

/** What a scheduler remembers of one pool between picks; made anew with each rendering of the pool. */
export interface SchedulerState {
  /** `rr`, `wrr`: the ring's next slot. Load-based ones: where the search for the least starts. */
  readonly cursor: Uint32Array;
  /** Slot -> candidate: turns for `rr` and `wrr`, shares for `random`, `sh`, `dh`, `mh`; else who takes connections. */
  readonly ring: Uint32Array;
  /** Candidate -> its place in `loads`. */
  readonly slots: Uint32Array;
  readonly loads: Loads;
}

/** A state for one pool. Starts at a random place, so that churn favours nobody. */
export function createSchedulerState(
  scheduler: PickableScheduler,
  candidates: readonly Endpoint[],
  loads: Loads,
  random: Random,
): SchedulerState {
  const ring = ringFor(scheduler, candidates);
  return {
    cursor: Uint32Array.of(Math.floor(random() * ring.length)),
    ring,
    slots: needsLoads(scheduler)
      ? Uint32Array.from(candidates, (candidate) => loads.slotOf(candidate))
      : new Uint32Array(0),
    loads,
  };
}

function needsLoads(scheduler: PickableScheduler): boolean {
  switch (scheduler) {
    case 'rr':
    case 'wrr':
    case 'random':
    case 'sh':
    case 'dh':
    case 'mh':
      return false;
    case 'lc':
    case 'wlc':
    case 'sed':
    case 'nq':
    case 'p2c':
    case 'p2c-latency':
      return true;
  }
}

function ringFor(scheduler: PickableScheduler, candidates: readonly Endpoint[]): Uint32Array {
  const weights = Uint32Array.from(candidates, (candidate) => candidate.weight);
  switch (scheduler) {
    case 'wrr':
    case 'random':
    case 'sh':
    case 'dh':
      return buildRing(weights);
    case 'mh':
      return buildMaglev(candidates.map(endpointKey), weights);
    case 'rr':
    case 'lc':
    case 'wlc':
    case 'sed':
    case 'nq':
    case 'p2c':
    case 'p2c-latency':
      return buildRing(weights.map((weight) => Math.min(1, weight)));
  }
}

/**
 * The index of the chosen candidate, or -1 when none takes new connections (all have weight 0, or there
 * are none). `candidates` is the array the state was made for.
 */
export function pick(
  scheduler: PickableScheduler,
  state: SchedulerState,
  candidates: readonly Endpoint[],
  flow: Pick<Flow, 'source' | 'destination'>,
  nowMs: number,
  random: Random,
): number {
  const size = state.ring.length;
  if (size === 0) return -1;
  switch (scheduler) {
    case 'rr':
    case 'wrr':
      return nextTurn(state);
    case 'random':
      return state.ring[Math.floor(random() * size)]!;
    case 'sh':
    case 'mh':
      return state.ring[hashAddress(flow.source, size)]!;
    case 'dh':
      return state.ring[hashAddress(flow.destination, size)]!;
    case 'lc':
      return least(state, (slot) => state.loads.open(slot));
    case 'wlc':
      return least(state, (slot, i) => state.loads.open(slot) / candidates[i]!.weight);
    case 'sed':
      return least(state, (slot, i) => (state.loads.open(slot) + 1) / candidates[i]!.weight);
    case 'nq':
      return least(state, (slot, i) =>
        state.loads.open(slot) === 0 ? 0 : (state.loads.open(slot) + 1) / candidates[i]!.weight,
      );
    case 'p2c':
      return betterOfTwo(
        state,
        random,
        (slot, i) => state.loads.open(slot) / candidates[i]!.weight,
      );
    case 'p2c-latency':
      return betterOfTwo(state, random, latencyCost(state, candidates, nowMs));
  }
}

function nextTurn(state: SchedulerState): number {
  const at = state.cursor[0]!;
  state.cursor[0] = at + 1 === state.ring.length ? 0 : at + 1;
  return state.ring[at]!;
}

/** Lower is better; gets the candidate's place in the loads, and its index. */
type Cost = (slot: number, candidate: number) => number;

/** The cheapest, searched from behind the last choice on, so that the first of several equals changes. */
function least(state: SchedulerState, cost: Cost): number {
  const { ring, slots, cursor } = state;
  const size = ring.length;
  const start = cursor[0]!;
  let best = -1;
  let bestAt = 0;
  let bestCost = Number.POSITIVE_INFINITY;
  for (let step = 0; step < size; step++) {
    const at = start + step < size ? start + step : start + step - size;
    const candidate = ring[at]!;
    const own = cost(slots[candidate]!, candidate);
    if (own < bestCost) {
      best = candidate;
      bestAt = at;
      bestCost = own;
    }
  }
  cursor[0] = bestAt + 1 === size ? 0 : bestAt + 1;
  return best;
}

/** Two different candidates drawn evenly; the first stays when they are equal. */
function betterOfTwo(state: SchedulerState, random: Random, cost: Cost): number {
  const { ring, slots } = state;
  const size = ring.length;
  const firstAt = Math.floor(random() * size);
  const first = ring[firstAt]!;
  if (size === 1) return first;
  const drawn = Math.floor(random() * (size - 1));
  const second = ring[drawn >= firstAt ? drawn + 1 : drawn]!;
  return cost(slots[second]!, second) < cost(slots[first]!, first) ? second : first;
}

/** Latency times the queue in front of a new connection; whoever has never answered counts as the mean of the others. */
function latencyCost(state: SchedulerState, candidates: readonly Endpoint[], nowMs: number): Cost {
  const { loads, slots } = state;
  let mean: number | undefined;
  const meanLatency = (): number => {
    let sum = 0;
    let known = 0;
    for (const slot of slots) {
      const latency = loads.latency(slot, nowMs);
      if (latency === undefined) continue;
      sum += latency;
      known++;
    }
    return known === 0 ? 1 : sum / known;
  };
  return (slot, candidate) =>
    ((loads.latency(slot, nowMs) ?? (mean ??= meanLatency())) * (loads.open(slot) + 1)) /
    candidates[candidate]!.weight;
}
