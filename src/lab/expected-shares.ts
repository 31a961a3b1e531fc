/** What a scheduler owes each endpoint: the yardstick a measured spread is held against. Pure. */
import { endpointKey, type Affinity, type Endpoint, type SchedulerName } from '../model/index.ts';

/** Connections counted at one endpoint. */
export interface CountedEndpoint {
  readonly endpoint: Endpoint;
  readonly connections: number;
}

export interface EndpointShare extends CountedEndpoint {
  /** With fractions where the scheduler owes them: a third of 100 is 33.33. */
  readonly expected: number;
}

export interface ExpectedSpread {
  readonly shares: readonly EndpointShare[];
  /** Every endpoint has its expected number rounded down or up. */
  readonly exact: boolean;
}

export interface Promises {
  readonly scheduler: SchedulerName;
  readonly affinity: Affinity;
  /** What the scheduler chooses from; also the order of the shares. */
  readonly candidates: readonly Endpoint[];
}

/** Endpoints that got connections without being candidates come last and are expected none. */
export function expectedSpread(
  promises: Promises,
  counted: readonly CountedEndpoint[],
): ExpectedSpread {
  const counts = new Map(counted.map((c) => [endpointKey(c.endpoint), c]));
  const total = counted.reduce((sum, c) => sum + c.connections, 0);
  const candidateKeys = new Set(promises.candidates.map(endpointKey));
  const strangers = counted.filter((c) => !candidateKeys.has(endpointKey(c.endpoint)));
  const expectedOf = expectation(promises, counts, total);
  const shares = [
    ...promises.candidates.map((endpoint) => ({
      endpoint,
      connections: counts.get(endpointKey(endpoint))?.connections ?? 0,
      expected: expectedOf(endpoint),
    })),
    ...strangers.map((stranger) => ({ ...stranger, expected: 0 })),
  ];
  const exact = shares.every(
    ({ connections, expected }) =>
      connections === Math.floor(expected) || connections === Math.ceil(expected),
  );
  return { shares, exact };
}

function expectation(
  { scheduler, affinity, candidates }: Promises,
  counts: ReadonlyMap<string, CountedEndpoint>,
  total: number,
): (endpoint: Endpoint) => number {
  if (affinity.kind === 'clientIP') {
    // One client, one endpoint; which one is the scheduler's choice, so the fullest is taken for it.
    const fullest = candidates.reduce<Endpoint | undefined>((best, endpoint) => {
      const count = counts.get(endpointKey(endpoint))?.connections ?? 0;
      const most = best === undefined ? -1 : (counts.get(endpointKey(best))?.connections ?? 0);
      return count > most ? endpoint : best;
    }, undefined);
    return (endpoint) => (endpoint === fullest ? total : 0);
  }
  switch (scheduler) {
    case 'rr': {
      const taking = candidates.filter((endpoint) => endpoint.weight > 0).length;
      return (endpoint) => (endpoint.weight > 0 ? total / taking : 0);
    }
  }
}
