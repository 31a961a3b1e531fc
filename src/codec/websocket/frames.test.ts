/** Frames: what is written is read again, cut anywhere; what is no frame is said to be none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/properties.ts';
import { webSocketAcceptKey } from './accept-key.ts';
import { encodeWebSocketFrame, WebSocketReader, type WebSocketEvent } from './frames.ts';

const maxMessageBytes = 200_000;

function readAll(from: 'client' | 'server', pieces: readonly Buffer[]): readonly WebSocketEvent[] {
  const reader = new WebSocketReader({ from, maxMessageBytes });
  return pieces.flatMap((piece) => reader.read(piece));
}

test('the key of RFC 6455', () => {
  assert.equal(webSocketAcceptKey('dGhlIHNhbXBsZSBub25jZQ=='), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
});

test('messages of every length, masked or not, cut anywhere', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(fc.integer({ max: 200, min: 0 }), fc.constantFrom(125, 126, 65_535, 65_536)),
      ),
      fc.boolean(),
      fc.integer({ min: 1, max: 70_000 }),
      (lengths, isMasked, cut) => {
        const mask = isMasked ? Buffer.from([1, 2, 3, 250]) : undefined;
        const payloads = lengths.map((length) => Buffer.alloc(length, length & 255));
        const bytes = Buffer.concat(
          payloads.map((payload) => encodeWebSocketFrame({ kind: 'binary', payload, mask })),
        );
        const pieces = [];
        for (let at = 0; at < bytes.length; at += cut) pieces.push(bytes.subarray(at, at + cut));
        const events = readAll(isMasked ? 'client' : 'server', pieces);
        assert.deepEqual(
          events,
          payloads.map((payload) => ({ kind: 'message', bytes: payload })),
        );
      },
    ),
    { numRuns: 100 },
  );
});

const broken: Readonly<Record<string, readonly [bytes: readonly number[], why: RegExp]>> = {
  'a masked frame of a server': [[0x82, 0x80, 0, 0, 0, 0], /masked the wrong way/],
  'an extension': [[0xc2, 0x00], /extension/],
  'an unknown kind': [[0x83, 0x00], /unknown kind 3/],
  'a ping in fragments': [[0x09, 0x00], /control frame/],
  'a message that goes on from nothing': [[0x80, 0x00], /never began/],
  'one within another': [[0x02, 0x00, 0x82, 0x00], /within another/],
  'one too long': [[0x82, 127, 0, 0, 0, 0, 0x10, 0, 0, 0], /longer than/],
};
for (const [name, [bytes, why]] of Object.entries(broken)) {
  test(`broken: ${name}`, () => {
    const event = readAll('server', [Buffer.from(bytes)]).at(-1);
    assert.ok(event?.kind === 'broken');
    assert.match(event.why, why);
  });
}

test('fragments with a ping between them, and a close with its reason', () => {
  const bytes = [0x02, 1, 97, 0x89, 1, 120, 0x80, 1, 98, 0x88, 4, 0x03, 0xe8, 110, 111];
  assert.deepEqual(readAll('server', [Buffer.from(bytes)]), [
    { kind: 'ping', bytes: Buffer.from('x') },
    { kind: 'message', bytes: Buffer.from('ab') },
    { kind: 'close', reason: 'no' },
  ]);
});

test('any bytes are read without an exception, and nothing follows what is broken', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (pieces) => {
      const events = readAll(
        'client',
        pieces.map((piece) => Buffer.from(piece)),
      );
      const at = events.findIndex(({ kind }) => kind === 'broken' || kind === 'close');
      assert.ok(at === -1 || at === events.length - 1);
    }),
    { numRuns: 2_000 },
  );
});
