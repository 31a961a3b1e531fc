/** The campaigns' judge: who was an endpoint while a connection was made. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { History } from './history.suite.ts';

const history = new History();
history.begin(0, ['a', 'b'], 10);
history.end(0, 20);
history.begin(0, ['c'], 30);
history.end(0, 40);
// Begun and never heard of again, as when its process was killed; the next one is in force at 60.
history.begin(0, ['d'], 50);
history.begin(0, ['e'], 55);
history.end(0, 60);

const cases: readonly (readonly [who: string, from: number, to: number, isRight: boolean])[] = [
  ['a', 21, 22, true],
  ['c', 21, 22, false],
  ['c', 21, 31, true],
  ['a', 31, 32, true],
  ['a', 41, 42, false],
  ['a', 39, 42, true],
  ['c', 45, 46, true],
  ['c', 56, 57, true],
  ['d', 56, 57, true],
  ['d', 61, 62, false],
  ['e', 61, 62, true],
  ['nobody', 61, 62, false],
];

for (const [who, from, to, isRight] of cases) {
  test(`${who} from ${from} to ${to}: ${isRight ? 'right' : 'wrong'}`, () => {
    const fault = history.fault({ target: 0, who, failure: undefined, from, to });
    assert.equal(fault === undefined, isRight, fault ?? 'no fault');
  });
}

test('a failure is a fault, whoever was there', () => {
  const failed = { target: 0, who: '', failure: 'ECONNREFUSED', from: 61, to: 62 };
  assert.match(history.fault(failed) ?? '', /ECONNREFUSED/);
});
