/** Frames: what is written is read again, fields packed as zlib packs them are read, and any bytes are read or refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, deflateSync, inflateRawSync } from 'node:zlib';
import { fc } from '../../../test/support/properties.ts';
import { spdyDictionary } from './dictionary.ts';
import { FieldReader, type Inflate } from './field-block.ts';
import { SpdyReader, SpdyWriter, type SpdyFrame } from './frames.ts';

const inflate: Inflate = (packed, { window, limit }) =>
  inflateRawSync(packed, {
    ...(window.length === 0 ? {} : { dictionary: window }),
    finishFlush: constants.Z_SYNC_FLUSH,
    maxOutputLength: limit,
  });

test('the dictionary is that of the draft, by the sum its streams carry', () => {
  const [a, b] = spdyDictionary.reduce(
    ([low, high], byte) => [(low + byte) % 65_521, (high + low + byte) % 65_521] as const,
    [1, 0] as readonly [number, number],
  );
  assert.equal(spdyDictionary.length, 1_423);
  assert.equal(b * 65_536 + a, 0xe3c6a7c2);
});

test('fields packed against the dictionary, and without it', () => {
  const fields = new Map([
    ['streamtype', 'data'],
    ['port', '8080'],
    ['requestid', '1'],
  ]);
  const writer = new SpdyWriter();
  // Behind the head of the frame, its numbers, zlib's two bytes and the stored block's five; before the flush.
  const block = writer.open(1, fields).subarray(8 + 10 + 2 + 5, -5);
  for (const dictionary of [spdyDictionary, undefined]) {
    const packed = deflateSync(block, {
      finishFlush: constants.Z_SYNC_FLUSH,
      ...(dictionary === undefined ? {} : { dictionary }),
    });
    assert.deepEqual(new FieldReader(inflate).read(packed), fields);
  }
});

test('what is written is read again, cut anywhere', () => {
  const text = fc.string({ minLength: 1, maxLength: 20 });
  const fieldsOf = fc.uniqueArray(
    fc.tuple(
      text.map((name) => name.toLowerCase()),
      text,
    ),
    {
      selector: ([name]) => name,
      maxLength: 6,
    },
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fieldsOf, fc.uint8Array({ maxLength: 300 }), fc.boolean())),
      fc.integer({ min: 1, max: 500 }),
      (streams, cut) => {
        const writer = new SpdyWriter();
        const want: SpdyFrame[] = [];
        const bytes = Buffer.concat(
          streams.flatMap(([fields, data, isFinal], i) => {
            const stream = 2 * i + 1;
            want.push({ kind: 'open', stream, isFinal: false, fields: new Map(fields) });
            want.push({ kind: 'data', stream, isFinal, bytes: Buffer.from(data) });
            want.push({ kind: 'ping', id: stream }, { kind: 'reset', stream, status: 5 });
            return [
              writer.open(stream, new Map(fields)),
              writer.data(stream, data, isFinal),
              writer.ping(stream),
              writer.reset(stream, 5),
            ];
          }),
        );
        const reader = new SpdyReader(inflate);
        const seen: SpdyFrame[] = [];
        for (let at = 0; at < bytes.length; at += cut) {
          for (const frame of reader.read(bytes.subarray(at, at + cut))) {
            const last = seen.at(-1);
            // Data may come in several pieces.
            if (frame.kind === 'data' && last?.kind === 'data') {
              seen[seen.length - 1] = { ...frame, bytes: Buffer.concat([last.bytes, frame.bytes]) };
            } else seen.push(frame);
          }
        }
        assert.deepEqual(seen, want);
      },
    ),
    { numRuns: 200 },
  );
});

test('any bytes are read or refused, and nothing follows what is broken', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), fc.boolean(), (pieces, isControl) => {
      const reader = new SpdyReader(inflate);
      // Half of them look like a stream that opens.
      const begun = isControl ? [Buffer.from([0x80, 3, 0, 1, 0, 0, 0, 40])] : [];
      const frames = [...begun, ...pieces.map((piece) => Buffer.from(piece))].flatMap((piece) =>
        reader.read(piece),
      );
      const at = frames.findIndex(({ kind }) => kind === 'broken');
      assert.ok(at === -1 || at === frames.length - 1);
    }),
    { numRuns: 2_000 },
  );
});

test('fields that unpack to more than is taken are refused', () => {
  const packed = deflateSync(Buffer.alloc(1 << 20), { finishFlush: constants.Z_SYNC_FLUSH });
  assert.equal(new FieldReader(inflate).read(packed), undefined);
});
