/** What a scheduler promises each endpoint: the yardstick a measured spread is held against. Pure. */
import {
  buildRing,
  endpointKey,
  type Affinity,
  type Endpoint,
  type SchedulerName,
} from '../model/index.ts';
import { chanceOfDifference } from './chance.ts';

/** Connections counted at one endpoint. */
export interface CountedEndpoint {
  readonly endpoint: Endpoint;
  readonly connections: number;
}

export interface EndpointShare extends CountedEndpoint {
  /** With fractions where the scheduler owes them: a third of 100 is 33.33. */
  readonly expected: number;
}

/**
 * What the scheduler promises: turns counted to the connection, shares in the long run, one endpoint for one
 * client, or nothing about shares because it follows the load.
 */
export type SpreadPromise = 'turns' | 'shares' | 'one-endpoint' | 'load';

export interface ExpectedSpread {
  readonly promise: SpreadPromise;
  readonly shares: readonly EndpointShare[];
  /** Whether the promise is kept; for `shares` that the difference may be chance. */
  readonly kept: boolean;
  /** Every endpoint has its expected number, rounded down or up; never for `load`. */
  readonly exact: boolean;
  /** For `shares`: how likely chance alone differs as much or more, 0 to 1. */
  readonly chance: number | undefined;
}

export interface Promises {
  /** The one that really chooses: a stand-in where one stands in. */
  readonly scheduler: SchedulerName;
  readonly affinity: Affinity;
  /** What the scheduler chooses from; also the order of the shares. */
  readonly candidates: readonly Endpoint[];
}

/** Less likely than this is not called chance. */
const leastChance = 0.001;

/** Endpoints that got connections without being candidates come last and are expected none. */
export function expectedSpread(
  promises: Promises,
  counted: readonly CountedEndpoint[],
): ExpectedSpread {
  const { candidates } = promises;
  const counts = new Map(counted.map((c) => [endpointKey(c.endpoint), c.connections]));
  const known = new Set(candidates.map(endpointKey));
  const strangers = counted.filter((c) => !known.has(endpointKey(c.endpoint)));
  const seen = candidates.map((endpoint) => counts.get(endpointKey(endpoint)) ?? 0);
  const total = counted.reduce((sum, { connections }) => sum + connections, 0);
  const promise = promiseOf(promises);
  const weights = candidates.map(({ weight }) => weight);
  const turns = promises.scheduler === 'rr' || promise === 'load' ? weights.map(one) : weights;
  const expected = promise === 'one-endpoint' ? allAtFullest(seen, total) : inRatio(turns, total);
  const strays = strangers.some(({ connections }) => connections > 0);
  const exact =
    !strays && promise !== 'load' && keptToTheConnection(promise, { seen, expected, turns });
  const chance = promise === 'shares' ? chanceOfDifference(seen, expected) : undefined;
  return {
    promise,
    shares: [
      ...candidates.map((endpoint, i) => ({
        endpoint,
        connections: seen[i] ?? 0,
        expected: expected[i] ?? 0,
      })),
      ...strangers.map((stranger) => ({ ...stranger, expected: 0 })),
    ],
    exact,
    chance,
    kept: !strays && (promise === 'load' || exact || (chance ?? 0) >= leastChance),
  };
}

const one = (weight: number): number => Math.min(1, weight);

function promiseOf({ scheduler, affinity }: Promises): SpreadPromise {
  if (affinity.kind === 'clientIP') return 'one-endpoint';
  switch (scheduler) {
    case 'rr':
    case 'wrr':
      return 'turns';
    case 'random':
      return 'shares';
    // All connections of a measurement come from one client and go to one address.
    case 'sh':
    case 'dh':
    case 'mh':
      return 'one-endpoint';
    case 'lc':
    case 'wlc':
    case 'sed':
    case 'nq':
    case 'p2c':
    case 'p2c-latency':
    case 'lblc':
    case 'lblcr':
    case 'fo':
    case 'ovf':
    case 'twos':
      return 'load';
  }
}

/** Which endpoint is the scheduler's choice, so the fullest is taken for it. */
function allAtFullest(seen: readonly number[], total: number): readonly number[] {
  const fullest = seen.indexOf(Math.max(0, ...seen));
  return seen.map((_, i) => (i === fullest ? total : 0));
}

function inRatio(weights: readonly number[], total: number): readonly number[] {
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => (sum === 0 ? 0 : (total * weight) / sum));
}

interface Compared {
  readonly seen: readonly number[];
  readonly expected: readonly number[];
  readonly turns: readonly number[];
}

function keptToTheConnection(promise: SpreadPromise, { seen, expected, turns }: Compared): boolean {
  if (promise !== 'turns') {
    return seen.every(
      (n, i) => n === Math.floor(expected[i] ?? 0) || n === Math.ceil(expected[i] ?? 0),
    );
  }
  const ring = buildRing(turns);
  if (ring.length === 0) return seen.every((n) => n === 0);
  const total = seen.reduce((sum, n) => sum + n, 0);
  const rounds = Math.floor(total / ring.length);
  return seen.every((n, i) => {
    const slots = ring.reduce((sum, candidate) => sum + (candidate === i ? 1 : 0), 0);
    const [least, most] = turnsWithin(ring, total % ring.length, i);
    return n >= rounds * slots + least && n <= rounds * slots + most;
  });
}

/** The fewest and the most turns a candidate has in any `length` turns of the ring in a row. */
function turnsWithin(
  ring: Uint32Array,
  length: number,
  candidate: number,
): readonly [number, number] {
  const isTurn = (at: number): number => (ring[at % ring.length] === candidate ? 1 : 0);
  let turns = 0;
  for (let at = 0; at < length; at++) turns += isTurn(at);
  let [least, most] = [turns, turns];
  for (let start = 1; start < ring.length; start++) {
    turns += isTurn(start + length - 1) - isTurn(start - 1);
    least = Math.min(least, turns);
    most = Math.max(most, turns);
  }
  return [least, most];
}
