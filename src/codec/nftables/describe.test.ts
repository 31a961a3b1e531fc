/** A batch in words, and that no bytes make the description fail. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { fc } from '../../../test/support/properties.ts';
import { describeBatch, NftBatch } from './index.ts';

function batch(): Uint8Array {
  const made = new NftBatch().in({ family: 2, name: 'switchyard' });
  made.addTable();
  made.addSet({
    name: 'services',
    key: ['ipv4_addr', 'inet_proto', 'inet_service'],
    data: 'verdict',
  });
  made.addChain('pool-a');
  made.flushChain('pool-a');
  made.addRule({
    chain: 'pool-a',
    expressions: [
      { kind: 'lookup', set: 'services', from: 0, to: 'verdict' },
      { kind: 'verdict', verdict: { kind: 'drop' } },
      { kind: 'masquerade' },
    ],
  });
  made.addElements('services', [
    { key: Uint8Array.of(10, 96, 0, 1, 6, 0, 0, 0, 0, 80, 0, 0), data: { kind: 'accept' } },
    {
      key: Uint8Array.of(10, 96, 0, 2, 17, 0, 0, 0, 0, 53, 0, 0),
      data: { kind: 'jump', chain: 'pool-a' },
    },
  ]);
  made.addElements('slots', [
    { key: Uint8Array.of(7, 0, 0, 0), data: Uint8Array.of(10, 244, 0, 9, 0x1f, 0x90, 0, 0) },
  ]);
  made.deleteElements('turns', [{ key: Uint8Array.of(1, 2, 3, 4) }]);
  made.deleteTable();
  return made.finish().slice();
}

test('statements read as nft would write them', () => {
  const types = (set: string): readonly ['mark'] | undefined =>
    set === 'slots' ? ['mark'] : undefined;
  assert.deepEqual(
    [...describeBatch(batch(), types)].map(({ text }) => text),
    [
      'add table ip switchyard',
      'add set ip switchyard services',
      'add chain ip switchyard pool-a',
      'flush chain ip switchyard pool-a',
      'add rule ip switchyard pool-a lookup @services; drop; masq',
      'add element ip switchyard services { 10.96.0.1 . tcp . 80 : accept }',
      'add element ip switchyard services { 10.96.0.2 . udp . 53 : jump pool-a }',
      'add element ip switchyard slots { 0x7 : 10.244.0.9 . 8080 }',
      'delete element ip switchyard turns { 0x01020304 }',
      'delete table ip switchyard',
    ],
  );
});

test('bytes that are wrong anywhere are described as well as they can be', () => {
  const whole = batch();
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 8 }),
      fc.nat(whole.length),
      (changes, length) => {
        const bytes = whole.slice(0, length);
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        for (const { text } of describeBatch(bytes, () => ['mark'])) assert.ok(text.length > 0);
      },
    ),
    { numRuns: 2_000 },
  );
});
