import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effectiveScheduler } from './capabilities.ts';
import {
  pickableSchedulers,
  schedulerFacts,
  schedulerNames,
  type SchedulerName,
} from './schedulers/names.ts';

test('every stand-in is a scheduler, and no chain leads to the kernel only', () => {
  for (const name of schedulerNames) {
    for (const standIn of schedulerFacts[name].standIns) {
      assert.ok((schedulerNames as readonly string[]).includes(standIn), `${name} -> ${standIn}`);
      assert.notEqual(standIn, name);
    }
    if (name !== 'rr') assert.equal(schedulerFacts[name].standIns.at(-1), 'rr');
  }
});

const stateless: readonly SchedulerName[] = ['rr', 'wrr', 'random', 'sh', 'dh', 'mh'];
const rows: readonly (readonly [
  SchedulerName,
  readonly SchedulerName[],
  SchedulerName,
  boolean,
])[] = [
  ['rr', stateless, 'rr', false],
  ['mh', stateless, 'mh', false],
  ['lc', stateless, 'rr', true],
  ['wlc', stateless, 'wrr', true],
  ['sed', stateless, 'wrr', true],
  ['p2c-latency', stateless, 'random', true],
  ['twos', pickableSchedulers, 'p2c', true],
  ['ovf', pickableSchedulers, 'wlc', true],
  ['lblc', pickableSchedulers, 'wlc', true],
  ['fo', pickableSchedulers, 'wrr', true],
  ['sed', pickableSchedulers, 'sed', false],
  ['mh', ['rr', 'sh'], 'sh', true],
  ['mh', ['random'], 'random', true],
];

for (const [wanted, supported, scheduler, standsIn] of rows) {
  test(`${wanted} in a driver with ${supported.join(' ')} is ${scheduler}`, () => {
    assert.deepEqual(effectiveScheduler(wanted, supported), { scheduler, standsIn });
  });
}
