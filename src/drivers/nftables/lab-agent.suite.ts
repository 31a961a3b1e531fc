/**
 * A node agent that does nothing but apply, one Plan after the other until it is killed, and says when each began and
 * ended: `NAMESPACE FIRST-STEP [LAST-STEP]`, its own
 * namespace when that is empty. Its first commit waits for a word.
 */
import { writeSync } from 'node:fs';
import process from 'node:process';
import { emptyPlan, nextPlan } from '../../model/index.ts';
import { silentLogger } from '../../obs/index.ts';
import { systemClock } from '../../sys/index.ts';
import { testNode } from '../conformance/index.ts';
import { createNftablesDriver } from './index.ts';
import { changedAt, serverAt, serviceNames } from './kill-plans.suite.ts';
import { sharedNow } from './lab.suite.ts';

const [namespace = '', first = '0', last = 'Infinity'] = process.argv.slice(2);
const driver = createNftablesDriver({
  clock: systemClock,
  random: Math.random,
  log: silentLogger,
  namespace: namespace === '' ? undefined : namespace,
  atStop: 'leave',
});
const { signal } = new AbortController();

function say(word: string, step: number): void {
  writeSync(1, `${word} ${step} ${sharedNow()}\n`);
}

process.stdin.once('data', () => void applyAll());
await driver.probe();
say('ready', Number(first));

async function applyAll(): Promise<void> {
  let step = Number(first);
  const all = serviceNames.map((_, i) => serverAt(i, step)).filter((one) => one !== undefined);
  let next = nextPlan(emptyPlan(testNode()), { set: all, remove: [] });
  let isFirst = true;
  while (next !== undefined) {
    say('begin', step);
    await driver.apply(next.plan, isFirst ? undefined : next.delta, signal);
    say('end', step);
    isFirst = false;
    if (step >= Number(last)) break;
    step++;
    await new Promise(setImmediate);
    const changed = changedAt(step).map((i) => ({ i, server: serverAt(i, step) }));
    next = nextPlan(next.plan, {
      set: changed.flatMap(({ server }) => server ?? []),
      remove: changed.filter(({ server }) => server === undefined).map(({ i }) => idOf(i)),
    });
  }
  await driver.stop(signal);
  process.exit();
}

function idOf(service: number): string {
  return `default/${serviceNames[service]}:/TCP/IPv4`;
}
