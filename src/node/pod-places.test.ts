/** A Pod's place: kept while it lives, left in order, and no address lost where there can be no network. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCidr } from '../model/index.ts';
import { PodPlaces, type PodNetwork } from './pod-places.ts';

const podRange = parseCidr('10.0.0.0/29');

function places(network?: PodNetwork): PodPlaces {
  assert.ok(podRange);
  return new PodPlaces({ podRange, random: () => 0, network });
}

test('a Pod stays where it is until it is released, and then its network is closed', () => {
  const events: string[] = [];
  const all = places({
    join: (pod, address) => {
      events.push(`join ${pod} ${address}`);
      return {
        addresses: [address, 'fd00::1'],
        run: (work) => work(),
        close: () => events.push(`close ${address}`),
      };
    },
  });
  const place = all.take('1', 'default/web');
  assert.equal(all.take('1', 'default/web'), place);
  assert.deepEqual(place.addresses, ['10.0.0.1', 'fd00::1']);
  assert.equal(
    place.run(() => 7),
    7,
  );
  all.take('2', 'default/api');
  all.release('1');
  all.release('1');
  assert.deepEqual(events, [
    'join default/web 10.0.0.1',
    'join default/api 10.0.0.2',
    'close 10.0.0.1',
  ]);
});

test('where there can be no network the address is free again', () => {
  let isRefused = true;
  const all = places({
    join: (_pod, address) => {
      if (isRefused) throw new Error('refused');
      return { addresses: [address], run: (work) => work(), close: () => undefined };
    },
  });
  // The range has six addresses.
  for (let i = 0; i < 10; i++) assert.throws(() => all.take(`${i}`, 'default/web'), /refused/);
  isRefused = false;
  assert.equal(all.take('10', 'default/web').addresses.length, 1);
});

test('without networks the address is the host’s', () => {
  const place = places().take('1', 'default/web');
  assert.deepEqual(place.addresses, ['10.0.0.1']);
  assert.equal(
    place.run(() => 'here'),
    'here',
  );
});
