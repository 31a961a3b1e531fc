import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Affinity, Endpoint, SchedulerName } from '../model/index.ts';
import { expectedSpread, type ExpectedSpread } from './expected-shares.ts';

const endpoint = (name: string, weight = 1): Endpoint => ({
  address: name,
  port: 80,
  ready: true,
  serving: true,
  terminating: false,
  local: true,
  node: undefined,
  zone: undefined,
  zoneHints: [],
  nodeHints: [],
  weight,
  pod: undefined,
});

const none: Affinity = { kind: 'none' };
const sticky: Affinity = { kind: 'clientIP', timeoutSeconds: 10_800 };

interface Case {
  readonly weights: readonly number[];
  readonly counts: readonly number[];
  readonly affinity?: Affinity;
  readonly expected: readonly number[];
  readonly exact: boolean;
}

const cases: Record<string, Case> = {
  'round robin owes equal shares': {
    weights: [1, 1, 1],
    counts: [100, 100, 100],
    expected: [100, 100, 100],
    exact: true,
  },
  'one off is not exact': {
    weights: [1, 1, 1],
    counts: [101, 99, 100],
    expected: [100, 100, 100],
    exact: false,
  },
  'a remainder may go to any': {
    weights: [1, 1, 1, 1],
    counts: [2, 3, 3, 2],
    expected: [2.5, 2.5, 2.5, 2.5],
    exact: true,
  },
  'two more than the floor is not a remainder': {
    weights: [1, 1, 1, 1],
    counts: [4, 2, 2, 2],
    expected: [2.5, 2.5, 2.5, 2.5],
    exact: false,
  },
  'weight 0 is owed nothing, other weights do not count for round robin': {
    weights: [0, 1, 7],
    counts: [0, 5, 5],
    expected: [0, 5, 5],
    exact: true,
  },
  'a drained endpoint that got one shows': {
    weights: [0, 1],
    counts: [1, 9],
    expected: [0, 10],
    exact: false,
  },
  'affinity keeps one client at one endpoint': {
    weights: [1, 1],
    counts: [0, 30],
    affinity: sticky,
    expected: [0, 30],
    exact: true,
  },
  'affinity that leaks is not exact': {
    weights: [1, 1],
    counts: [1, 29],
    affinity: sticky,
    expected: [0, 30],
    exact: false,
  },
  'nothing connected, nothing expected': {
    weights: [1, 1],
    counts: [0, 0],
    expected: [0, 0],
    exact: true,
  },
};

for (const [name, c] of Object.entries(cases)) {
  test(name, () => {
    const candidates = c.weights.map((weight, i) => endpoint(`10.0.0.${i}`, weight));
    const counted = candidates.map((e, i) => ({ endpoint: e, connections: c.counts[i] ?? 0 }));
    const got = expectedSpread(
      { scheduler: 'rr', affinity: c.affinity ?? none, candidates },
      counted.filter((x) => x.connections > 0),
    );
    assert.deepEqual(
      got.shares.map((s) => s.expected),
      c.expected,
    );
    assert.deepEqual(
      got.shares.map((s) => s.connections),
      c.counts,
    );
    assert.equal(got.exact, c.exact);
  });
}

const kinds: Record<
  string,
  { scheduler: SchedulerName; weights: number[]; counts: number[]; want: Partial<ExpectedSpread> }
> = {
  'wrr owes whole cycles to the connection': {
    scheduler: 'wrr',
    weights: [8, 1, 1],
    counts: [80, 10, 10],
    want: { promise: 'turns', exact: true, kept: true },
  },
  'wrr in the middle of a cycle: any window of it': {
    scheduler: 'wrr',
    weights: [5, 1, 1],
    counts: [0, 2, 1],
    want: { promise: 'turns', exact: false },
  },
  'wrr in the middle of a cycle: two of the heavy one meet where cycles meet': {
    scheduler: 'wrr',
    weights: [5, 1, 1],
    counts: [4, 0, 0],
    want: { promise: 'turns', exact: true },
  },
  'random is kept when chance explains it': {
    scheduler: 'random',
    weights: [1, 1],
    counts: [520, 480],
    want: { promise: 'shares', exact: false, kept: true },
  },
  'random is not kept when chance does not': {
    scheduler: 'random',
    weights: [1, 1],
    counts: [700, 300],
    want: { promise: 'shares', kept: false },
  },
  'random follows weights': {
    scheduler: 'random',
    weights: [3, 1],
    counts: [760, 240],
    want: { promise: 'shares', kept: true },
  },
  'a hash gives one client one endpoint': {
    scheduler: 'mh',
    weights: [1, 1],
    counts: [0, 100],
    want: { promise: 'one-endpoint', exact: true, kept: true },
  },
  'a hash that gives one client two endpoints is not exact': {
    scheduler: 'sh',
    weights: [1, 1],
    counts: [1, 99],
    want: { promise: 'one-endpoint', exact: false, kept: false },
  },
  'load-based schedulers owe no share': {
    scheduler: 'lc',
    weights: [1, 1],
    counts: [90, 10],
    want: { promise: 'load', exact: false, kept: true },
  },
};

for (const [name, { scheduler, weights, counts, want }] of Object.entries(kinds)) {
  test(name, () => {
    const candidates = weights.map((weight, i) => endpoint(`10.0.0.${i}`, weight));
    const counted = candidates.map((e, i) => ({ endpoint: e, connections: counts[i]! }));
    const got = expectedSpread({ scheduler, affinity: none, candidates }, counted);
    for (const [key, value] of Object.entries(want)) {
      assert.equal(got[key as keyof ExpectedSpread], value, key);
    }
  });
}

test('an endpoint that is no candidate comes last and spoils exactness', () => {
  const candidate = endpoint('10.0.0.1');
  const stranger = endpoint('10.0.0.9');
  const got = expectedSpread({ scheduler: 'rr', affinity: none, candidates: [candidate] }, [
    { endpoint: stranger, connections: 1 },
    { endpoint: candidate, connections: 1 },
  ]);
  assert.deepEqual(
    got.shares.map((s) => [s.endpoint.address, s.connections, s.expected]),
    [
      ['10.0.0.1', 1, 2],
      ['10.0.0.9', 1, 0],
    ],
  );
  assert.equal(got.exact, false);
});
