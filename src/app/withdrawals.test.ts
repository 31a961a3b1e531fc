/** A Pod is out of use when the Plan in force knows that it ends and nobody is at it; not before, and no later. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyPlan, nextPlan, type EndpointPlace, type Plan } from '../model/index.ts';
import { testEndpoint, testNode, testServer } from '../model/testing.ts';
import { createFakeClock } from '../sys/index.ts';
import { Withdrawals } from './withdrawals.ts';

const never = new AbortController().signal;

interface World {
  readonly clock: ReturnType<typeof createFakeClock>;
  readonly withdrawals: Withdrawals;
  readonly asked: (readonly EndpointPlace[])[];
  readonly drain: () => void;
  /** Puts a Plan in force where the Pod `shop/web-0` ends, or does not; undefined: where it is nowhere. */
  readonly apply: (terminating: boolean | undefined) => void;
}

function world(): World {
  const clock = createFakeClock();
  const asked: (readonly EndpointPlace[])[] = [];
  const drained = Promise.withResolvers<void>();
  let plan: Plan = emptyPlan(testNode);
  const withdrawals: Withdrawals = new Withdrawals({
    clock,
    driver: {
      drained: async (places, signal) => {
        asked.push(places);
        const aborted = new Promise<void>((resolve) =>
          signal.addEventListener('abort', () => resolve()),
        );
        await Promise.race([drained.promise, aborted]);
      },
    },
    plan: () => plan,
    serversOf: () => [...plan.servers.values()].map(({ id }) => id),
  });
  const apply = (terminating: boolean | undefined): void => {
    const own =
      terminating === undefined
        ? []
        : [testEndpoint({ pod: 'shop/web-0', terminating, ready: !terminating })];
    const other = testEndpoint({ address: '10.1.0.9', pod: 'shop/web-1' });
    const set = [testServer({ endpoints: [...own, other] })];
    plan = nextPlan(plan, { set, remove: [] })?.plan ?? plan;
    withdrawals.applied();
  };
  return { clock, withdrawals, asked, drain: () => drained.resolve(), apply };
}

function watch(promise: Promise<void>): { done: boolean } {
  const state = { done: false };
  void promise.then(() => (state.done = true));
  return state;
}

test('it waits for the Plan, then asks about that Pod only, then for the last connection', async () => {
  const { clock, withdrawals, asked, drain, apply } = world();
  apply(false);
  const state = watch(withdrawals.withdrawn('shop/web-0', { atMostMs: 15_000, signal: never }));
  await clock.advance(5_000);
  assert.deepEqual([state.done, asked.length], [false, 0]);
  apply(true);
  await clock.advance(0);
  assert.deepEqual(
    asked.map((places) => places.map((place) => place.endpoint.pod)),
    [['shop/web-0']],
  );
  assert.equal(state.done, false);
  drain();
  await clock.advance(0);
  assert.equal(state.done, true);
  assert.equal(clock.sleepers, 0);
});

test('a Pod that is in no Plan waits a moment for one that is on its way', async () => {
  const { clock, withdrawals, asked, drain, apply } = world();
  const state = watch(withdrawals.withdrawn('shop/web-0', { atMostMs: 15_000, signal: never }));
  await clock.advance(50);
  apply(false);
  await clock.advance(500);
  assert.deepEqual([state.done, asked.length], [false, 0]);
  apply(undefined);
  await clock.advance(0);
  assert.equal(asked[0]?.length, 1, 'it was there, and may still be connected to');
  drain();
  await clock.advance(0);
  assert.equal(state.done, true);
});

test('a Pod that never comes is out of use after that moment', async () => {
  const { clock, withdrawals, drain, apply } = world();
  drain();
  apply(undefined);
  const state = watch(withdrawals.withdrawn('shop/web-0', { atMostMs: 15_000, signal: never }));
  await clock.advance(90);
  assert.equal(state.done, false);
  await clock.advance(20);
  assert.equal(state.done, true);
});

test('the limit ends either wait, and so does the end of the node', async () => {
  const { clock, withdrawals, asked, apply } = world();
  apply(true);
  const late = watch(withdrawals.withdrawn('shop/web-0', { atMostMs: 3_000, signal: never }));
  await clock.advance(2_999);
  assert.equal(late.done, false);
  await clock.advance(2);
  assert.equal(late.done, true);
  apply(false);
  const stop = new AbortController();
  const ended = watch(
    withdrawals.withdrawn('shop/web-0', { atMostMs: 3_000, signal: stop.signal }),
  );
  await clock.advance(1);
  stop.abort();
  await clock.advance(0);
  assert.equal(ended.done, true);
  assert.equal(clock.sleepers, 0);
  assert.ok(asked.length >= 1);
});
