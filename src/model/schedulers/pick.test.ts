import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/properties.ts';
import type { Flow } from '../flow.ts';
import type { Endpoint } from '../service-port.ts';
import { testEndpoint, testFlow, testRandom } from '../testing.ts';
import { EndpointLoads } from './loads.ts';
import { schedulerFacts, type PickableScheduler, type SchedulerName } from './names.ts';
import { createSchedulerState, pick } from './pick.ts';

const pickable = (Object.keys(schedulerFacts) as SchedulerName[]).filter(
  (name): name is PickableScheduler => !schedulerFacts[name].ipvsOnly,
);

/** A pool under one scheduler, with its loads at hand. */
class Pool {
  readonly candidates: readonly Endpoint[];
  readonly loads = new EndpointLoads();
  private readonly scheduler: PickableScheduler;
  private readonly random: () => number;
  private readonly state;

  constructor(scheduler: PickableScheduler, weights: readonly number[], random = testRandom(1)) {
    this.candidates = weights.map((weight, i) =>
      testEndpoint({ address: `10.1.${i >> 8}.${i & 255}`, weight }),
    );
    this.scheduler = scheduler;
    this.random = random;
    this.state = createSchedulerState(scheduler, this.candidates, this.loads, random);
  }

  pick(flow: Partial<Flow> = {}, nowMs = 0): number {
    return pick(this.scheduler, this.state, this.candidates, testFlow(flow), nowMs, this.random);
  }

  open(i: number, connections = 1): void {
    const slot = this.loads.slotOf(this.candidates[i]!);
    for (let n = 0; n < connections; n++) this.loads.opened(slot);
  }

  /** Picks, and leaves the connection open. */
  take(flow: Partial<Flow> = {}): number {
    const i = this.pick(flow);
    if (i >= 0) this.open(i);
    return i;
  }

  openAt(i: number): number {
    return this.loads.open(this.loads.slotOf(this.candidates[i]!));
  }

  counts(picks: number): number[] {
    const counts = Array.from({ length: this.candidates.length }, () => 0);
    for (let n = 0; n < picks; n++) {
      const i = this.pick({ source: `192.0.${(n >> 8) & 255}.${n & 255}` });
      counts[i] = counts[i]! + 1;
    }
    return counts;
  }
}

const zero = (): number => 0;

test('rr goes around in order, from where the random number says', () => {
  const first = new Pool('rr', [1, 1, 1], zero);
  assert.deepEqual(
    Array.from({ length: 7 }, () => first.pick()),
    [0, 1, 2, 0, 1, 2, 0],
  );
  const last = new Pool('rr', [1, 1, 1], () => 0.99);
  assert.deepEqual(
    Array.from({ length: 4 }, () => last.pick()),
    [2, 0, 1, 2],
  );
});

test('rr heeds no weight but 0', () => {
  assert.deepEqual(new Pool('rr', [5, 0, 1, 0], zero).counts(10), [5, 0, 5, 0]);
});

test('any whole number of rounds is exactly equal, wherever it starts', () => {
  for (let n = 1; n <= 40; n++) {
    const pool = new Pool(
      'rr',
      Array.from({ length: n }, () => 1),
      testRandom(n),
    );
    assert.deepEqual(
      pool.counts(5 * n),
      Array.from({ length: n }, () => 5),
    );
  }
});

test('wrr is exact over a cycle and mixes evenly', () => {
  assert.deepEqual(new Pool('wrr', [8, 1, 1], zero).counts(100), [80, 10, 10]);
  const pool = new Pool('wrr', [5, 1, 1], zero);
  assert.deepEqual(
    Array.from({ length: 7 }, () => pool.pick()),
    [0, 0, 1, 0, 2, 0, 0],
  );
});

test('random follows the weights', () => {
  const counts = new Pool('random', [3, 1, 0]).counts(40_000);
  assert.equal(counts[2], 0);
  // Four standard deviations of a binomial with p = 1/4.
  assert.ok(Math.abs(counts[1]! - 10_000) < 4 * Math.sqrt(40_000 * 0.25 * 0.75));
});

test('lc takes the fewest open connections and ignores weights', () => {
  const pool = new Pool('lc', [1, 9, 1]);
  pool.open(0, 2);
  pool.open(1, 1);
  pool.open(2, 3);
  assert.equal(pool.pick(), 1);
});

test('lc goes round among equals', () => {
  const pool = new Pool('lc', [1, 1, 1], zero);
  assert.deepEqual(
    Array.from({ length: 6 }, () => pool.take()),
    [0, 1, 2, 0, 1, 2],
  );
  const idle = new Pool('lc', [1, 1, 1], zero);
  assert.deepEqual(
    Array.from({ length: 4 }, () => idle.pick()),
    [0, 1, 2, 0],
  );
});

test('wlc shares open connections by weight', () => {
  const pool = new Pool('wlc', [3, 1]);
  for (let n = 0; n < 40; n++) pool.take();
  assert.deepEqual([pool.openAt(0), pool.openAt(1)], [30, 10]);
});

test('sed counts the connection to come: the heavy one takes the first ones', () => {
  const pool = new Pool('sed', [3, 1], zero);
  assert.deepEqual(
    Array.from({ length: 4 }, () => pool.take()).toSorted((a, b) => a - b),
    [0, 0, 0, 1],
  );
  const fresh = new Pool('sed', [3, 1], zero);
  assert.deepEqual([fresh.take(), fresh.take()], [0, 0]);
});

test('nq gives an idle endpoint the connection, however light it is', () => {
  const pool = new Pool('nq', [9, 1], zero);
  assert.equal(pool.take(), 0);
  assert.equal(pool.take(), 1);
  assert.equal(pool.take(), 0);
});

test('sh: a source keeps its endpoint, whatever its port; sources are spread by weight', () => {
  const pool = new Pool('sh', [1, 1, 2]);
  const own = pool.pick({ source: '192.0.2.9' });
  for (let port = 1; port < 50; port++) {
    assert.equal(pool.pick({ source: '192.0.2.9', sourcePort: port }), own);
  }
  const counts = new Pool('sh', [1, 1, 2]).counts(20_000);
  for (const [i, share] of [0.25, 0.25, 0.5].entries()) {
    assert.ok(Math.abs(counts[i]! / 20_000 - share) < 0.03, `${counts.join(' ')}`);
  }
});

test('dh: a destination keeps its endpoint, whoever asks', () => {
  const pool = new Pool('dh', [1, 1, 1]);
  const own = pool.pick({ destination: '10.96.0.77' });
  for (let n = 0; n < 50; n++) {
    assert.equal(pool.pick({ destination: '10.96.0.77', source: `192.0.2.${n}` }), own);
  }
});

test('mh: sources are spread by weight, and one endpoint less moves few of them', () => {
  const sources = Array.from({ length: 5_000 }, (_, n) => `192.0.${n >> 8}.${n & 255}`);
  const before = new Pool('mh', [1, 1, 1, 1, 1]);
  const after = new Pool('mh', [1, 1, 0, 1, 1]);
  let moved = 0;
  for (const source of sources) {
    const was = before.pick({ source });
    if (was !== 2 && was !== after.pick({ source })) moved++;
  }
  assert.ok(moved / sources.length < 0.05, `${moved} moved`);
});

test('p2c takes the less busy of two, for its weight', () => {
  const pool = new Pool('p2c', [1, 1]);
  pool.open(0, 5);
  for (let n = 0; n < 50; n++) assert.equal(pool.pick(), 1);
  const weighted = new Pool('p2c', [10, 1]);
  weighted.open(0, 5);
  weighted.open(1, 1);
  for (let n = 0; n < 50; n++) assert.equal(weighted.pick(), 0);
});

test('p2c-latency takes the one that answers sooner, and a newcomer counts as the mean', () => {
  const pool = new Pool('p2c-latency', [1, 1, 1]);
  pool.loads.answered(pool.loads.slotOf(pool.candidates[0]!), 100, 0);
  pool.loads.answered(pool.loads.slotOf(pool.candidates[1]!), 2, 0);
  const counts = Array.from({ length: 3 }, () => 0);
  for (let n = 0; n < 3_000; n++) {
    const i = pool.pick();
    counts[i] = counts[i]! + 1;
  }
  // Of three pairs the slow one wins none, the newcomer (51 ms) wins against it, the quick one wins both.
  assert.equal(counts[0], 0);
  assert.ok(counts[1]! > 1_800 && counts[2]! > 800);
});

test('p2c-latency minds the queue as well', () => {
  const pool = new Pool('p2c-latency', [1, 1]);
  for (const i of [0, 1]) pool.loads.answered(pool.loads.slotOf(pool.candidates[i]!), 10, 0);
  pool.open(0, 3);
  for (let n = 0; n < 30; n++) assert.equal(pool.pick(), 1);
});

for (const scheduler of pickable) {
  test(`${scheduler}: weight 0 takes nothing, and a pool of nothing else answers -1`, () => {
    const pool = new Pool(scheduler, [0, 1, 0, 2]);
    for (let n = 0; n < 200; n++) {
      const i = pool.take({ source: `192.0.2.${n}` });
      assert.ok(i === 1 || i === 3);
    }
    assert.equal(new Pool(scheduler, [0, 0]).pick(), -1);
    assert.equal(new Pool(scheduler, []).pick(), -1);
  });

  test(`${scheduler}: any pool, any flow: a candidate that takes connections, or -1, and never an error`, () => {
    const weights = fc.array(fc.constantFrom(0, 1, 2, 7, 65_535), { maxLength: 8 });
    const source = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string());
    fc.assert(
      fc.property(
        weights,
        fc.array(source, { maxLength: 20 }),
        fc.integer(),
        (all, sources, seed) => {
          const pool = new Pool(scheduler, all, testRandom(seed));
          for (const from of sources) {
            const i = pool.take({ source: from });
            if (i === -1) assert.ok(all.every((weight) => weight === 0));
            else assert.ok(all[i]! > 0);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
}

test('lc and p2c never prefer the busier of two equals', () => {
  const loads = fc.array(fc.nat(9), { minLength: 2, maxLength: 8 });
  fc.assert(
    fc.property(
      loads,
      fc.constantFrom('lc', 'wlc', 'sed', 'nq'),
      fc.integer(),
      (open, scheduler, seed) => {
        const pool = new Pool(
          scheduler as PickableScheduler,
          open.map(() => 1),
          testRandom(seed),
        );
        for (const [i, count] of open.entries()) pool.open(i, count);
        assert.equal(open[pool.pick()], Math.min(...open));
      },
    ),
  );
  fc.assert(
    fc.property(
      fc.tuple(fc.nat(9), fc.nat(9)),
      fc.constantFrom('p2c', 'p2c-latency'),
      fc.integer(),
      (open, scheduler, seed) => {
        const pool = new Pool(scheduler as PickableScheduler, [1, 1], testRandom(seed));
        for (const [i, count] of open.entries()) pool.open(i, count);
        assert.equal(open[pool.pick()], Math.min(...open));
      },
    ),
  );
});
