/** What is written is read back, however often the buffer grew in between; nonsense is read to no harm. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { fc } from '../../../test/support/properties.ts';
import { NetlinkWriter } from './attribute-writer.ts';
import {
  be32At,
  be64At,
  listAttributes,
  nestedAt,
  readAttributes,
  readMessages,
  textAt,
} from './reader.ts';

const value = fc.oneof(
  fc.record({ kind: fc.constant('be32' as const), value: fc.nat(0xffff_ffff) }),
  fc.record({
    kind: fc.constant('be64' as const),
    value: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  }),
  fc.record({
    kind: fc.constant('text' as const),
    value: fc.string({ maxLength: 40 }).filter((s) => !s.includes('\0')),
  }),
  fc.record({ kind: fc.constant('bytes' as const), value: fc.uint8Array({ maxLength: 40 }) }),
);
type Value = typeof value extends fc.Arbitrary<infer T> ? T : never;

function write(w: NetlinkWriter, type: number, v: Value): void {
  switch (v.kind) {
    case 'be32':
      return w.be32(type, v.value);
    case 'be64':
      return w.be64(type, v.value);
    case 'text':
      return w.text(type, v.value);
    case 'bytes':
      return w.attribute(type, v.value);
  }
}

test('attributes come back as they were written, from the smallest buffer on', () => {
  fc.assert(
    fc.property(fc.array(fc.array(value, { maxLength: 12 }), { maxLength: 6 }), (messages) => {
      const w = new NetlinkWriter(1);
      messages.forEach((values, i) =>
        w.message({ type: 100 + i, flags: i, sequence: i * 7 }, () => {
          w.raw(Uint8Array.of(1, 2, 3, 4));
          w.nested(1, () => values.forEach((v, type) => write(w, type + 1, v)));
          w.u8(2, i);
        }),
      );
      const read = [...readMessages(w.bytes())];
      assert.equal(read.length, messages.length);
      read.forEach(({ type, flags, sequence, body }, i) => {
        assert.deepEqual([type, flags, sequence], [100 + i, i, i * 7]);
        const outer = readAttributes(body, 4);
        assert.deepEqual(outer.get(2), Uint8Array.of(i));
        const inner = nestedAt(outer, 1);
        (messages[i] ?? []).forEach((v, at) => {
          const type = at + 1;
          if (v.kind === 'be32') assert.equal(be32At(inner, type), v.value);
          else if (v.kind === 'be64') assert.equal(be64At(inner, type), v.value);
          else if (v.kind === 'text') assert.equal(textAt(inner, type), v.value);
          else assert.deepEqual(inner.get(type), v.value);
        });
      });
    }),
  );
});

test('any bytes are read without harm, and nothing runs past their end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const { body } of readMessages(bytes)) assert.ok(body.length <= bytes.length);
      for (const { value: v } of listAttributes(bytes)) assert.ok(v.length <= bytes.length);
    }),
  );
});

test('an attribute that outgrows its length is refused', () => {
  const w = new NetlinkWriter();
  assert.throws(() => w.nested(1, () => w.attribute(2, new Uint8Array(65_530))), RangeError);
});
