/** Socket addresses to the kernel's bytes and back. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { fc } from '../../../test/support/properties.ts';
import { formatIp } from '../../model/index.ts';
import { decodeSocketAddress, encodeSocketAddress } from './socket-address.ts';

const ip = fc
  .oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  )
  .map(formatIp);
const port = fc.integer({ min: 0, max: 65_535 });

test('encode and decode are inverse', () => {
  fc.assert(
    fc.property(ip, port, (address, number) => {
      const bytes = encodeSocketAddress({ address, port: number });
      assert.ok(bytes);
      assert.deepEqual(decodeSocketAddress(bytes), { address, port: number });
    }),
  );
});

test('any bytes decode to an address or to none', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const found = decodeSocketAddress(bytes);
      if (found === undefined) return;
      assert.ok(encodeSocketAddress(found), found.address);
    }),
    { numRuns: 2_000 },
  );
});

const none: Record<string, { address: string; port: number }> = {
  'a name': { address: 'localhost', port: 80 },
  'a zone': { address: 'fe80::1%eth0', port: 80 },
  'a port too high': { address: '127.0.0.1', port: 65_536 },
  'half a port': { address: '127.0.0.1', port: 0.5 },
};

for (const [name, at] of Object.entries(none)) {
  test(`${name} is not encoded`, () => assert.equal(encodeSocketAddress(at), undefined));
}

test('the bytes are those of the network', () => {
  assert.deepEqual(
    [...(encodeSocketAddress({ address: '10.1.2.3', port: 0x1234 }) ?? [])],
    [2, 0, 0x12, 0x34, 10, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0],
  );
});
