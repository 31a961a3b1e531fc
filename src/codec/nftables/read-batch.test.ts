import assert from 'node:assert/strict';
import test from 'node:test';
import { fc } from '../../../test/support/properties.ts';
import { NftBatch, readBatch, type Expression, type BatchStatement } from './index.ts';
import { propertyRuns } from '../../model/property-runs.suite.ts';

const table = { family: 10, name: 'switchyard' };
const at = { family: 10, table: 'switchyard' };
const bytes = (...all: readonly number[]): Uint8Array => Uint8Array.from(all);

/** One of each kind and each of its forms. */
const expressions: readonly Expression[] = [
  { kind: 'payload', base: 'network', offset: 24, length: 16, to: 3 },
  { kind: 'payload', base: 'transport', offset: 2, length: 2, to: 0 },
  { kind: 'meta', key: 'iifname', to: 4 },
  { kind: 'meta set', key: 'priority', from: 15 },
  { kind: 'ct', key: 'mark', to: 1 },
  { kind: 'ct', key: 'dstIp6', original: true, to: 2 },
  { kind: 'ct mark set', from: 14 },
  { kind: 'cmp', op: 'gte', from: 1, value: bytes(1, 2, 3) },
  { kind: 'bitwise', from: 1, to: 2, mask: bytes(255, 0, 255, 0), xor: bytes(0, 1, 0, 1) },
  { kind: 'immediate', to: 9, value: bytes(7, 0, 0, 0) },
  { kind: 'verdict', verdict: { kind: 'drop' } },
  { kind: 'verdict', verdict: { kind: 'accept' } },
  { kind: 'verdict', verdict: { kind: 'return' } },
  { kind: 'verdict', verdict: { kind: 'jump', chain: 'there' } },
  { kind: 'verdict', verdict: { kind: 'goto', chain: 'elsewhere' } },
  { kind: 'lookup', set: 'one', from: 0 },
  { kind: 'lookup', set: 'two', from: 0, to: 1 },
  { kind: 'lookup', set: 'three', from: 0, to: 'verdict' },
  { kind: 'lookup', set: 'four', from: 0, inverted: true },
  { kind: 'dynset', op: 'update', set: 'five', key: 1, value: 2, timeoutMs: 10_800_000 },
  { kind: 'dynset', op: 'delete', set: 'six', key: 1 },
  { kind: 'numgen', mode: 'inc', modulus: 3, offset: 100, to: 0 },
  { kind: 'numgen', mode: 'random', modulus: 4, offset: 0, to: 0 },
  { kind: 'jhash', from: 1, length: 16, modulus: 5, seed: 0xffff_ffff, offset: 6, to: 0 },
  { kind: 'dnat', family: 10, address: 1, port: 5 },
  { kind: 'masquerade' },
  { kind: 'reject', icmpCode: 4 },
  { kind: 'counter' },
];

test('what is written is read back, statement by statement', () => {
  const batch = new NftBatch().in(table);
  const base = { type: 'nat', hook: 'output', priority: -100 } as const;
  const rule = { chain: 'out', expressions, comment: 'everything there is' };
  const elements = [
    { key: bytes(1, 2, 3, 4), data: bytes(5, 6, 7, 8) },
    { key: bytes(1, 2, 3, 5), data: { kind: 'goto', chain: 'there' } as const },
    { key: bytes(1, 2, 3, 6), intervalEnd: true, comment: 'its end' },
  ];
  batch.addTable('ours');
  batch.addChain('there');
  batch.addChain('out', { base });
  batch.addSet({
    name: 'clients',
    key: ['mark', 'ipv6_addr'],
    data: ['mark'],
    dynamic: { size: 9 },
  });
  batch.addSet({ name: 'ranges', key: ['ipv4_addr'], interval: true });
  batch.addElements('ranges', elements);
  batch.addRule(rule);
  batch.flushChain('there');
  batch.deleteElements('ranges', [{ key: bytes(1, 2, 3, 4) }]);
  batch.deleteChain('there');
  batch.deleteSet('ranges');
  batch.deleteTable();
  const said: readonly BatchStatement[] = [...readBatch(batch.finish())];
  assert.deepEqual(said, [
    { ...at, do: 'add table' },
    { ...at, do: 'add chain', chain: 'there', base: undefined },
    { ...at, do: 'add chain', chain: 'out', base },
    {
      ...at,
      do: 'add set',
      set: { name: 'clients', keyLength: 20, interval: false, size: 9 },
    },
    {
      ...at,
      do: 'add set',
      set: { name: 'ranges', keyLength: 4, interval: true, size: undefined },
    },
    { ...at, do: 'add elements', set: 'ranges', elements },
    { ...at, do: 'add rule', rule },
    { ...at, do: 'flush chain', chain: 'there' },
    { ...at, do: 'delete elements', set: 'ranges', elements: [{ key: bytes(1, 2, 3, 4) }] },
    { ...at, do: 'delete chain', chain: 'there' },
    { ...at, do: 'delete set', set: 'ranges' },
    { ...at, do: 'delete table' },
  ]);
});

test('every kind of expression is among them', () => {
  const kinds = new Set(expressions.map(({ kind }) => kind));
  assert.equal(kinds.size, 17);
});

test('a commit with bytes that are others is read or refused, never anything else', () => {
  const batch = new NftBatch().in(table);
  batch.addChain('out');
  batch.addElements('ranges', [{ key: bytes(1, 2, 3, 4), comment: 'one' }]);
  batch.addRule({ chain: 'out', expressions });
  const whole = batch.finish();
  const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1 });
  fc.assert(
    fc.property(changes, (all) => {
      const noise = Uint8Array.from(whole);
      for (const [index, byte] of all) noise[index] = byte;
      try {
        for (const { do: said } of readBatch(noise)) assert.equal(typeof said, 'string');
      } catch (error) {
        assert.match(String(error), /Cannot read/);
      }
    }),
    { numRuns: propertyRuns },
  );
});
