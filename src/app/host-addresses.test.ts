/** How soon an address that came or went is known. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { createFakeClock } from '../sys/index.ts';
import { followHostAddresses } from './host-addresses.ts';

test('addresses that come and go are told within half a second, and nothing else is', async () => {
  const clock = createFakeClock();
  let there: readonly string[] = ['192.0.2.10'];
  const told: (readonly string[])[] = [];
  const followed = followHostAddresses({
    clock,
    changed: (addresses) => void told.push(addresses),
    addresses: () => [...there],
  });
  await followed.start(new AbortController().signal);
  await clock.advance(5_000);
  assert.deepEqual(told, []);
  there = ['192.0.2.10', '2001:db8::10'];
  await clock.advance(500);
  assert.deepEqual(told, [there]);
  there = ['2001:db8::10'];
  await clock.advance(500);
  assert.deepEqual(told.slice(1), [there]);
  await followed.stop();
  there = [];
  await clock.advance(5_000);
  assert.equal(told.length, 2);
  assert.equal(clock.sleepers, 0);
});
