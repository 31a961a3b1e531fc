/** Every scheduler that can be picked, through the driver: connections that stay open and end go where `pick` says. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  createSchedulerState,
  emptyPlan,
  EndpointLoads,
  nextPlan,
  pick,
  pickableSchedulers,
  type PickableScheduler,
} from '../../model/index.ts';
import { silentLogger } from '../../obs/index.ts';
import { createFakeClock } from '../../sys/index.ts';
import { clusterIp, testEndpoint, testNode, testServer } from '../conformance/index.ts';
import { createUserspaceDriver } from './driver.ts';
import { FakeEngine, FakeUdp } from './testing.ts';

const at = { address: '127.9.0.1', port: 8080 };
const endpoints = [1, 2, 4].map((weight, i) => ({
  ...testEndpoint({ address: `10.0.0.${i + 1}`, port: 8080 }),
  weight,
}));

/** The same sequence for whoever begins with it. */
function chance(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** How long each endpoint takes to answer. */
const answerMs = [30, 10, 20];

async function driven(scheduler: PickableScheduler): Promise<readonly number[]> {
  const engine = new FakeEngine();
  const clock = createFakeClock(1_000);
  const driver = createUserspaceDriver({
    engine,
    udp: new FakeUdp(),
    clock,
    random: chance(),
    log: silentLogger,
  });
  const server = testServer([clusterIp(at)], { name: 'web', endpoints, scheduler });
  const next = nextPlan(emptyPlan(testNode()), { set: [server], remove: [] });
  assert.ok(next !== undefined);
  await driver.apply(next.plan, undefined, new AbortController().signal);
  const chosen: number[] = [];
  for (let i = 0; i < 60; i++) {
    engine.client(at, { address: `127.0.1.${i % 29}`, port: 40_000 + i });
    await settle();
    const attempt = engine.attempts.at(-1);
    const index = endpoints.findIndex(({ address }) => attempt?.to === `${address}:8080`);
    chosen.push(index);
    await clock.advance(answerMs[index] ?? 0);
    attempt?.succeed();
    await settle();
    // Every third ends, not in the order they came.
    if (i % 3 === 2) engine.relays[(i * 5) % (i + 1)]?.finish('finished');
    await settle();
  }
  await driver.stop(AbortSignal.abort());
  return chosen;
}

function specified(scheduler: PickableScheduler): readonly number[] {
  const random = chance();
  const loads = new EndpointLoads();
  const state = createSchedulerState(scheduler, endpoints, loads, random);
  const open: number[] = [];
  const ended = new Set<number>();
  let nowMs = 1_000;
  for (let i = 0; i < 60; i++) {
    const flow = { source: `127.0.1.${i % 29}`, destination: at.address };
    const index = pick(scheduler, state, endpoints, flow, nowMs, random);
    open.push(index);
    const slot = loads.slotOf(endpoints[index]!);
    loads.opened(slot);
    nowMs += answerMs[index] ?? 0;
    loads.answered(slot, answerMs[index] ?? 0, nowMs);
    const gone = (i * 5) % (i + 1);
    if (i % 3 !== 2 || ended.has(gone)) continue;
    ended.add(gone);
    loads.closed(loads.slotOf(endpoints[open[gone]!]!));
  }
  return open;
}

for (const scheduler of pickableSchedulers) {
  test(`${scheduler} chooses in the driver as the specification does`, async () => {
    const chosen = await driven(scheduler);
    assert.deepEqual(chosen, specified(scheduler));
    const used = new Set(chosen);
    assert.ok(used.size === (scheduler === 'dh' ? 1 : 3), [...used].join());
  });
}
