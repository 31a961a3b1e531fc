/** What an origin gets of a request to the door, and which requests go no further. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import { readPlainRequest } from './plain-request.ts';

const head = (...lines: readonly string[]): string => `${lines.join('\r\n')}\r\n\r\n`;
const tail = ['Via: 1.1 switchyard', 'Connection: close'];

const passed: Readonly<Record<string, readonly [given: string, origin: string, to: string]>> = {
  'a plain one': [
    head('GET http://web/ HTTP/1.1', 'Host: web', 'Accept: */*'),
    head('GET / HTTP/1.1', 'Host: web', 'Accept: */*', ...tail),
    'web:80',
  ],
  'a port, a query, no path': [
    head('GET http://web.shop:8080?a=b%20c HTTP/1.1'),
    head('GET /?a=b%20c HTTP/1.1', 'Host: web.shop:8080', ...tail),
    'web.shop:8080',
  ],
  'an IPv6 address': [
    head('HEAD http://[fd00::1]:81/x HTTP/1.0'),
    head('HEAD /x HTTP/1.0', 'Host: [fd00::1]:81', ...tail),
    'fd00::1:81',
  ],
  'Host that says otherwise: the target wins': [
    head('GET http://web/ HTTP/1.1', 'Host: other'),
    head('GET / HTTP/1.1', 'Host: web', ...tail),
    'web:80',
  ],
  'what is for the proxy stays here': [
    head(
      'GET http://web/ HTTP/1.1',
      'Proxy-Authorization: Basic eDp5',
      'Proxy-Connection: keep-alive',
      'Connection: keep-alive, X-Own',
      'Keep-Alive: timeout=5',
      'X-Own: 1',
      'TE: trailers',
      'Upgrade: h2c',
      'X-Kept: 2',
    ),
    head('GET / HTTP/1.1', 'Host: web', 'X-Kept: 2', ...tail),
    'web:80',
  ],
  'a body keeps its framing even when Connection names it': [
    head('POST http://web/ HTTP/1.1', 'Connection: content-length', 'Content-Length: 5'),
    head('POST / HTTP/1.1', 'Host: web', 'Content-Length: 5', ...tail),
    'web:80',
  ],
  'a chunked body': [
    head('POST http://web/ HTTP/1.1', 'Transfer-Encoding: chunked'),
    head('POST / HTTP/1.1', 'Host: web', 'Transfer-Encoding: chunked', ...tail),
    'web:80',
  ],
};

for (const [what, [given, origin, to]] of Object.entries(passed)) {
  test(`passed on: ${what}`, () => {
    const read = readPlainRequest(given);
    assert.ok('head' in read, JSON.stringify(read));
    assert.equal(read.head.toString('latin1'), origin);
    assert.equal(`${read.to.host}:${read.to.port}`, to);
  });
}

const refused: Readonly<Record<string, readonly string[]>> = {
  'a path alone: a page that talks to loopback': ['GET / HTTP/1.1', 'Host: 127.0.0.1:1080'],
  'https without CONNECT': ['GET https://web/ HTTP/1.1'],
  'a user in the target': ['GET http://user@web/ HTTP/1.1'],
  'no host': ['GET http:///x HTTP/1.1'],
  'a port that is none': ['GET http://web:70000/ HTTP/1.1'],
  'two lengths': ['POST http://web/ HTTP/1.1', 'Content-Length: 1', 'Content-Length: 2'],
  'a length that is no number': ['POST http://web/ HTTP/1.1', 'Content-Length: +1'],
  'a length and chunks': [
    'POST http://web/ HTTP/1.1',
    'Content-Length: 1',
    'Transfer-Encoding: chunked',
  ],
  'another coding': ['POST http://web/ HTTP/1.1', 'Transfer-Encoding: gzip, chunked'],
  'chunks in HTTP/1.0': ['POST http://web/ HTTP/1.0', 'Transfer-Encoding: chunked'],
  'a folded line': ['GET http://web/ HTTP/1.1', 'X: 1', ' 2'],
  'a space before the colon': ['GET http://web/ HTTP/1.1', 'Content-Length : 1'],
  'a bare line feed': ['GET http://web/ HTTP/1.1', 'X: 1\nContent-Length: 5'],
  'a bare return': ['GET http://web/ HTTP/1.1', 'X: 1\rY: 2'],
};

for (const [what, lines] of Object.entries(refused)) {
  test(`refused: ${what}`, () => {
    const read = readPlainRequest(head(...lines));
    assert.ok('status' in read, JSON.stringify(read));
    assert.equal(read.status, 400);
  });
}

test('whatever comes, an origin gets one head that ends where it ends, and closes', () => {
  const value = fc.string({ unit: 'binary-ascii', maxLength: 20 });
  const line = fc.oneof(
    fc.tuple(fc.constantFrom('Host', 'Connection', 'Content-Length', 'X'), value),
    fc.tuple(value, value),
  );
  fc.assert(
    fc.property(value, fc.array(line, { maxLength: 6 }), (path, lines) => {
      const given = head(
        `GET http://web/${path} HTTP/1.1`,
        ...lines.map(([name, text]) => `${name}: ${text}`),
      );
      const read = readPlainRequest(given);
      if ('status' in read) return;
      const sent = read.head.toString('latin1');
      assert.equal(sent.indexOf('\r\n\r\n'), sent.length - 4);
      assert.equal(/[^\r]\n|\r[^\n]/.test(sent), false);
      assert.equal(sent.match(/^Connection: close$/gim)?.length, 1);
      assert.equal(sent.match(/^host:/gim)?.length, 1);
    }),
    { numRuns: 2_000 },
  );
});
