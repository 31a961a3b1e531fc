import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import {
  addressInRange,
  canonicalIp,
  cidrContains,
  formatCidr,
  formatIp,
  formatSocketAddress,
  parseCidr,
  parseIp,
  parseSocketAddress,
  rangeSize,
  type Cidr,
} from './address.ts';

const canonical: Record<string, string | undefined> = {
  '10.96.0.1': '10.96.0.1',
  '0.0.0.0': '0.0.0.0',
  '255.255.255.255': '255.255.255.255',
  '256.0.0.1': undefined,
  '1.2.3': undefined,
  '1.2.3.4.5': undefined,
  '01.2.3.4': undefined,
  '1.2.3.-4': undefined,
  '1.2.3.4 ': undefined,
  '': undefined,
  '::': '::',
  '::1': '::1',
  '1::': '1::',
  'FD00:0:0:0:0:0:0:A': 'fd00::a',
  'fd00:0:0:1:0:0:0:1': 'fd00:0:0:1::1',
  'fd00:1:0:0:2:0:0:3': 'fd00:1::2:0:0:3',
  'fd00:0:2:3:4:5:6:7': 'fd00:0:2:3:4:5:6:7',
  '::ffff:1.2.3.4': '::ffff:1.2.3.4',
  '64:ff9b::1.2.3.4': '64:ff9b::102:304',
  '1::2::3': undefined,
  '1:2:3:4:5:6:7': undefined,
  '1:2:3:4:5:6:7:8:9': undefined,
  '1:2:3:4:5:6:7::8': undefined,
  '12345::': undefined,
  'g::': undefined,
  ':': undefined,
  ':::': undefined,
  '1.2.3.4::': undefined,
  'fe80::1%eth0': undefined,
};

for (const [text, want] of Object.entries(canonical)) {
  test(`canonical form of "${text}" is ${want}`, () => assert.equal(canonicalIp(text), want));
}

test('format and parse are inverse for any bytes', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    // Runs of zeros are where the short form goes wrong.
    fc
      .array(fc.constantFrom(0, 0, 0, 1), { minLength: 16, maxLength: 16 })
      .map((a) => Uint8Array.from(a)),
  );
  fc.assert(fc.property(bytes, (b) => assert.deepEqual(parseIp(formatIp(b)), b)));
});

test('what is not an address to Node is none to us', () => {
  const near = fc.string({ unit: fc.constantFrom(...'0123456789abcf:.'.split('')), maxLength: 24 });
  fc.assert(
    fc.property(near, (text) => assert.equal(parseIp(text) !== undefined, isIP(text) !== 0)),
    { numRuns: 2_000 },
  );
});

const inside: readonly (readonly [string, string, boolean])[] = [
  ['10.96.0.0/16', '10.96.255.255', true],
  ['10.96.0.0/16', '10.97.0.0', false],
  ['10.0.0.0/9', '10.127.1.1', true],
  ['10.0.0.0/9', '10.128.1.1', false],
  ['0.0.0.0/0', '1.2.3.4', true],
  ['1.2.3.4/32', '1.2.3.4', true],
  ['1.2.3.4/32', '1.2.3.5', false],
  ['0.0.0.0/0', '::1', false],
  ['fd00::/8', 'fdff::1', true],
  ['fd00::/8', 'fe00::1', false],
];

for (const [range, address, want] of inside) {
  test(`${address} is ${want ? '' : 'not '}in ${range}`, () => {
    assert.equal(cidrContains(cidr(range), parseIp(address)!), want);
  });
}

for (const text of [
  '10.0.0.0',
  '10.0.0.0/33',
  'fd00::/129',
  '10.0.0.0/',
  '10.0.0.0/08',
  '/8',
  'x/8',
]) {
  test(`"${text}" is no range`, () => assert.equal(parseCidr(text), undefined));
}

test('addresses of a range are counted from its start, over byte borders', () => {
  assert.equal(addressInRange(cidr('10.96.7.9/16'), 0), '10.96.0.0');
  assert.equal(addressInRange(cidr('10.96.0.0/16'), 257), '10.96.1.1');
  assert.equal(addressInRange(cidr('10.96.0.0/12'), 0xfffff), '10.111.255.255');
  assert.equal(addressInRange(cidr('fd00::/112'), 65_535), 'fd00::ffff');
  assert.equal(rangeSize(cidr('10.96.0.0/16')), 65_536);
  assert.equal(rangeSize(cidr('fd00::/8')), 2 ** 32);
  assert.equal(formatCidr(cidr('fd00:0::/8')), 'fd00::/8');
});

const socketAddresses: Record<string, { address: string; port: number } | undefined> = {
  '1.2.3.4:80': { address: '1.2.3.4', port: 80 },
  '[::1]:80': { address: '::1', port: 80 },
  '::1:80': undefined,
  '1.2.3.4': undefined,
  '1.2.3.4:0': undefined,
  '1.2.3.4:65536': undefined,
  'name:80': undefined,
};

for (const [text, want] of Object.entries(socketAddresses)) {
  test(`socket address "${text}"`, () => {
    assert.deepEqual(parseSocketAddress(text), want);
    if (want !== undefined) assert.equal(formatSocketAddress(want), text);
  });
}

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  assert.ok(parsed);
  return parsed;
}
