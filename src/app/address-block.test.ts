/** A folder of objects goes on with the addresses that its Services have, or says why it cannot. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPortableEngine } from '../sys/net/index.ts';
import { reclaimAddressBlock } from './address-block.ts';

test('addresses of a range that no instance has are refused, with what to do', async () => {
  for (const serviceRange of ['10.96.0.0/12', 'fd00::/112']) {
    await assert.rejects(
      reclaimAddressBlock(createPortableEngine(), { serviceRange, folder: 'shop' }),
      {
        code: 'DATA_RANGE_FOREIGN',
        message: `Cannot use the objects in shop: their Services have addresses of ${serviceRange}, which this driver does not forward`,
        remedy: 'Start it with --mode nftables, or name another folder with --data-dir',
      },
    );
  }
});
