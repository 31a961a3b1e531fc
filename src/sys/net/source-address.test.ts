/** What the system says it would speak from. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { interfaceAddresses } from '../index.ts';
import { sourceTowards } from './source-address.ts';

test('to itself a host speaks from loopback, to an address of its own from that', async () => {
  assert.equal(await sourceTowards({ address: '127.0.0.1', port: 9 }), '127.0.0.1');
  for (const address of interfaceAddresses()) {
    // Of a device: it would have to be told which.
    if (address.startsWith('fe80:')) continue;
    assert.equal(await sourceTowards({ address, port: 9 }), address);
  }
});

test('where there is no way, it says so', async () => {
  await assert.rejects(sourceTowards({ address: '255.255.255.255', port: 9 }), {
    name: 'NetError',
  });
});
