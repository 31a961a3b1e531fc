/**
 * The parsers against llhttp, Node's own, as an oracle: what ours takes, llhttp reads the same; and however the
 * bytes are cut, ours says the same of them.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import process from 'node:process';
import test from 'node:test';
import { fc } from '../../../test/support/properties.ts';
import { ChunkedBody, FieldTable, RequestHead, ResponseHead } from './index.ts';

const soak = process.env['SWITCHYARD_SOAK'] === '1';
const numRuns = soak ? 50_000 : 1_500;

const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');

/** Mostly right, so that the wrong parts get far. */
const pieces = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.constantFrom('X: a\r\n', 'Cookie: a=b; c=d\r\n', 'Accept: */*\r\n'),
    },
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        'Content-Length: 3\r\n',
        'Content-Length: 03\r\n',
        'Content-Length: 3,3\r\n',
        'Transfer-Encoding: chunked\r\n',
        'Transfer-Encoding: gzip, chunked\r\n',
        'Connection: close\r\n',
        'Host: y\r\n',
      ),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        '\r',
        '\n',
        ' ',
        '\t',
        '\0',
        ':',
        ' X: a\r\n',
        'X : a\r\n',
        'X\r\n',
        'X: \x7f\r\n',
      ),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 6 }) },
  ),
  { maxLength: 6 },
);

const line = fc.oneof(
  { weight: 8, arbitrary: fc.constant('POST /a?b HTTP/1.1\r\nHost: x\r\n') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'GET  / HTTP/1.1\r\nHost: x\r\n',
      'GET / HTTP/1.1\nHost: x\r\n',
      'GET / HTTP/1.0\r\n',
      'GET http://x/ HTTP/1.1\r\nHost: x\r\n',
      'GET /\x80 HTTP/1.1\r\nHost: x\r\n',
    ),
  },
);

const bodies = fc.constantFrom(
  '',
  'abc',
  '3\r\nabc\r\n0\r\n\r\n',
  '0\r\n\r\n',
  '3\nabc\r\n0\r\n\r\n',
  '3;x\r\nabc\r\n0\r\nT: a\r\n\r\n',
);

const messages = fc
  .tuple(line, pieces, bodies)
  .map(([first, fields, body]) => `${first}${fields.join('')}\r\n${body}`);

interface Read {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly string[];
  readonly body: string;
}

/** The first request, when it is whole and well-formed. */
function readOurs(text: string): Read | undefined {
  const bytes = bytesOf(text);
  const head = new RequestHead();
  const at = head.read(bytes, 0, bytes.length);
  if (at <= 0) return undefined;
  const fields: string[] = [];
  for (let i = 0; i < head.fields.count; i++) {
    fields.push(head.fields.nameText(i), head.fields.valueText(i));
  }
  const { method, target } = head;
  let body = '';
  if (head.framing.chunked) {
    const chunks = new ChunkedBody(new FieldTable());
    const end = chunks.read(bytes, at, bytes.length, (from, start, stop) => {
      body += Buffer.copyBytesFrom(from, start, stop - start).toString('latin1');
    });
    if (end < 0 || !chunks.done) return undefined;
  } else {
    const length = Math.max(head.framing.contentLength, 0);
    if (bytes.length - at < length) return undefined;
    body = text.slice(at, at + length);
  }
  return { method, target, fields, body };
}

test('what ours takes, llhttp reads the same', { timeout: 600_000 }, async (t) => {
  let seen: Read[] = [];
  const server = createServer({ requireHostHeader: false }, (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { method = '', url = '', rawHeaders } = request;
      const body = Buffer.concat(parts).toString('latin1');
      seen.push({ method, target: url, fields: rawHeaders, body });
      response.setHeader('connection', 'close').end();
    });
  });
  server.listen(0, '127.0.87.6');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const readByNode = async (text: string): Promise<Read | undefined> => {
    seen = [];
    const socket = connect({ port, host: '127.0.87.6' });
    socket.on('error', () => undefined);
    socket.end(bytesOf(text));
    socket.resume();
    await once(socket, 'close');
    return seen[0];
  };
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(messages, async (text) => {
      const ours = readOurs(text);
      if (ours === undefined) return;
      taken++;
      const theirs = await readByNode(text);
      assert.ok(theirs !== undefined, 'llhttp refuses what ours takes');
      // An absolute target is taken apart by ours: host and path go on separately.
      const target = theirs.target.replace(/^http:\/\/[^/]*/, '');
      assert.deepEqual(ours, { ...theirs, target });
    }),
    { numRuns },
  );
  assert.ok(taken > numRuns / 20, `only ${taken} of ${numRuns} messages were taken`);
});

test('a head is read the same however it is cut', () => {
  fc.assert(
    fc.property(messages, fc.nat(), (text, cut) => {
      const bytes = bytesOf(text);
      const [whole, part] = [new RequestHead(), new RequestHead()];
      const result = whole.read(bytes, 0, bytes.length);
      const first = part.read(bytes, 0, cut % (bytes.length + 1));
      if (first > 0) assert.equal(first, result);
      else if (first < 0) assert.equal(part.problem, whole.problem);
      else if (result > 0) assert.ok(cut % (bytes.length + 1) < result);
    }),
    { numRuns },
  );
});

test('a chunked body is read the same however it is cut', () => {
  const body = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          '3\r\nabc\r\n',
          'A;x=y\r\n0123456789\r\n',
          '0\r\n',
          'T: a\r\n',
          '\r\n',
          '\n',
        ),
        fc.string({ unit: 'binary-ascii', maxLength: 3 }),
      ),
      { maxLength: 8 },
    )
    .map((parts) => parts.join(''));
  const readAll = (pieces: readonly Uint8Array[]): string => {
    const chunks = new ChunkedBody(new FieldTable());
    let data = '';
    for (const piece of pieces) {
      const end = chunks.read(piece, 0, piece.length, (from, start, stop) => {
        data += Buffer.copyBytesFrom(from, start, stop - start).toString('latin1');
      });
      if (end < 0) return `${data} | ${chunks.problem}`;
      if (chunks.done) return `${data} | done ${chunks.trailers.count}`;
    }
    return `${data} | more`;
  };
  fc.assert(
    fc.property(body, fc.array(fc.nat(20), { maxLength: 10 }), (text, cuts) => {
      const bytes = bytesOf(text);
      const pieces: Uint8Array[] = [];
      let at = 0;
      for (const cut of cuts)
        pieces.push(bytes.subarray(at, (at = Math.min(bytes.length, at + cut))));
      pieces.push(bytes.subarray(at));
      assert.equal(readAll(pieces), readAll([bytes]));
    }),
    { numRuns },
  );
});

test('any bytes at all are read without a throw, and nothing is read past its end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      for (const head of [new RequestHead(), new ResponseHead()]) {
        assert.ok(head.read(bytes, 0, bytes.length) <= bytes.length);
      }
    }),
    { numRuns },
  );
});
