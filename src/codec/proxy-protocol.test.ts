import assert from 'node:assert/strict';
import test from 'node:test';
import { fc } from '../../test/support/properties.ts';
import { formatIp, type SocketAddress } from '../model/index.ts';
import { decodeProxyHeader, encodeProxyHeader, type ProxyEnds } from './proxy-protocol.ts';

const ipv4: ProxyEnds = {
  source: { address: '192.0.2.7', port: 40_000 },
  destination: { address: '10.96.0.10', port: 80 },
};
const ipv6: ProxyEnds = {
  source: { address: '2001:db8::7', port: 40_000 },
  destination: { address: 'fd00::10', port: 80 },
};
const mixed: ProxyEnds = { source: ipv4.source, destination: ipv6.destination };
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const quit = '0d0a0d0a000d0a515549540a';

test('version 1 is a line', () => {
  const line = 'PROXY TCP4 192.0.2.7 10.96.0.10 40000 80\r\n';
  assert.equal(text(encodeProxyHeader('v1', ipv4)), line);
  assert.equal(text(encodeProxyHeader('v1', ipv6)), 'PROXY TCP6 2001:db8::7 fd00::10 40000 80\r\n');
  assert.equal(text(encodeProxyHeader('v1', mixed)), 'PROXY UNKNOWN\r\n');
});

test('version 2 is 28 bytes for IPv4, 52 for IPv6, 16 for what is not known', () => {
  assert.equal(hex(encodeProxyHeader('v2', ipv4)), `${quit}2111000cc00002070a60000a9c400050`);
  assert.equal(
    hex(encodeProxyHeader('v2', ipv6)),
    `${quit}2121002420010db8000000000000000000000007fd0000000000000000000000000000109c400050`,
  );
  assert.equal(hex(encodeProxyHeader('v2', mixed)), `${quit}20000000`);
});

const address = (size: number): fc.Arbitrary<SocketAddress> =>
  fc.record(
    {
      address: fc.uint8Array({ minLength: size, maxLength: size }).map((bytes) => formatIp(bytes)),
      port: fc.nat(65_535),
    },
    { noNullPrototype: true },
  );
const anyEnds = fc
  .constantFrom(4, 16)
  .chain((size) =>
    fc.record({ source: address(size), destination: address(size) }, { noNullPrototype: true }),
  );
const anyVersion = fc.constantFrom('v1', 'v2');

test('what is encoded is decoded, whatever follows and wherever it stands', () => {
  fc.assert(
    fc.property(anyVersion, anyEnds, fc.uint8Array(), fc.nat(9), (version, ends, rest, offset) => {
      const header = encodeProxyHeader(version, ends);
      const bytes = Uint8Array.from([...Buffer.alloc(offset), ...header, ...rest]).subarray(offset);
      const { length } = header;
      assert.deepEqual(decodeProxyHeader(bytes), { kind: 'header', version, ends, length });
    }),
  );
});

test('every beginning of a header is incomplete', () => {
  fc.assert(
    fc.property(anyVersion, anyEnds, (version, ends) => {
      const header = encodeProxyHeader(version, ends);
      for (let cut = 0; cut < header.length; cut++) {
        assert.deepEqual(decodeProxyHeader(header.subarray(0, cut)), { kind: 'incomplete' });
      }
    }),
  );
});

test('anything else never throws, and never takes more than is there', () => {
  const broken = fc
    .tuple(anyVersion, anyEnds, fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 4 }))
    .map(([version, ends, changes]) => {
      const header = Uint8Array.from(encodeProxyHeader(version, ends));
      for (const [at, value] of changes) if (at < header.length) header[at] = value;
      return header;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), broken), (bytes) => {
      const decoded = decodeProxyHeader(bytes);
      if (decoded.kind === 'header') assert.ok(decoded.length <= bytes.length);
    }),
    { numRuns: 2_000 },
  );
});

const rejected: Readonly<Record<string, readonly [bytes: string | Buffer, problem: string]>> = {
  'another protocol': ['GET / HTTP/1.1\r\n', 'it begins like neither version'],
  'a line without an end': [`PROXY TCP4 ${'1'.repeat(100)}`, 'its line does not end'],
  'a line without its CR': ['PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n', 'its line cannot be read'],
  'a name': ['PROXY TCP4 localhost 1.2.3.4 1 2\r\n', 'an address is none'],
  'a port too high': ['PROXY TCP4 1.2.3.4 1.2.3.4 70000 2\r\n', 'an address is none'],
  'IPv6 in TCP4': ['PROXY TCP4 ::1 ::1 1 2\r\n', 'an address is of another family'],
  'version 3': [Buffer.from(`${quit}31110000`, 'hex'), 'its version or command is unknown'],
  'IPv4 without room': [Buffer.from(`${quit}21110002aaaa`, 'hex'), 'its addresses are cut short'],
};

for (const [name, [bytes, problem]] of Object.entries(rejected)) {
  test(`refuses ${name}`, () => {
    assert.deepEqual(decodeProxyHeader(Buffer.from(bytes)), { kind: 'invalid', problem });
  });
}

test('reads what others send: UNKNOWN with words, LOCAL, and TLVs behind the addresses', () => {
  const unknown = decodeProxyHeader(Buffer.from('PROXY UNKNOWN ::1 ::1 1 2\r\nhello'));
  assert.deepEqual(unknown, { kind: 'header', version: 'v1', ends: undefined, length: 27 });
  const local = decodeProxyHeader(Buffer.from(`${quit}20000002aaaa`, 'hex'));
  assert.deepEqual(local, { kind: 'header', version: 'v2', ends: undefined, length: 18 });
  const withTlv = decodeProxyHeader(
    Buffer.from(`${quit}21110010c00002070a60000a9c400050030001ff`, 'hex'),
  );
  assert.deepEqual(withTlv, { kind: 'header', version: 'v2', ends: ipv4, length: 32 });
});
