/**
 * Messages that proxies and servers have disagreed about, or that are plainly wrong, and what the gateway makes of
 * each: a status of its own, or `forward` when every reader must read them alike.
 */
export interface MalformedMessage {
  readonly name: string;
  readonly bytes: string;
  /** The first status the client gets; `closed`: none; `forward`: the backend's. */
  readonly want: number | 'forward' | 'closed';
}

type Row = readonly [name: string, bytes: string, want: MalformedMessage['want']];

const host = 'Host: x\r\n';
const line = 'GET / HTTP/1.1\r\n';
const get = (fields: string): string => `${line}${host}${fields}\r\n`;
const post = (fields: string, body: string): string =>
  `POST / HTTP/1.1\r\n${host}${fields}\r\n${body}`;
const chunked = (body: string): string => post('Transfer-Encoding: chunked\r\n', body);
const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n';

const requestLines: readonly Row[] = [
  ['a plain request', get(''), 'forward'],
  ['a method of its own', `QUERY / HTTP/1.1\r\n${host}\r\n`, 'forward'],
  ['an empty line before it', `\r\n${get('')}`, 'forward'],
  ['two empty lines before it', `\r\n\r\n${get('')}`, 400],
  ['a bare LF before it', `\n${get('')}`, 400],
  ['a blank before the method', ` ${get('')}`, 400],
  ['a tab before the method', `\t${get('')}`, 400],
  ['no method', ` / HTTP/1.1\r\n${host}\r\n`, 400],
  ['no target', `GET HTTP/1.1\r\n${host}\r\n`, 400],
  ['no version', `GET /\r\n${host}\r\n`, 400],
  ['a lone word', 'GET\r\n\r\n', 400],
  ['two blanks before the target', `GET  / HTTP/1.1\r\n${host}\r\n`, 400],
  ['two blanks before the version', `GET /  HTTP/1.1\r\n${host}\r\n`, 400],
  ['a blank after the version', `GET / HTTP/1.1 \r\n${host}\r\n`, 400],
  ['tabs instead of blanks', `GET\t/\tHTTP/1.1\r\n${host}\r\n`, 400],
  ['a vertical tab as a blank', `GET\x0b/ HTTP/1.1\r\n${host}\r\n`, 400],
  ['a blank in the target', `GET /a b HTTP/1.1\r\n${host}\r\n`, 400],
  ['a tab in the target', `GET /a\tb HTTP/1.1\r\n${host}\r\n`, 400],
  ['NUL in the target', `GET /a\0b HTTP/1.1\r\n${host}\r\n`, 400],
  ['DEL in the target', `GET /a\x7fb HTTP/1.1\r\n${host}\r\n`, 400],
  ['an octet above ASCII in the target', `GET /\xe4 HTTP/1.1\r\n${host}\r\n`, 400],
  ['a fragment in the target', `GET /a#b HTTP/1.1\r\n${host}\r\n`, 400],
  ['a target without a slash', `GET a HTTP/1.1\r\n${host}\r\n`, 400],
  ['a query without a path', `GET ?a HTTP/1.1\r\n${host}\r\n`, 400],
  ['a backslash for a slash', `GET \\a HTTP/1.1\r\n${host}\r\n`, 400],
  ['an asterisk for GET', `GET * HTTP/1.1\r\n${host}\r\n`, 400],
  ['an asterisk with more', `OPTIONS *a HTTP/1.1\r\n${host}\r\n`, 400],
  ['CONNECT', `CONNECT x:80 HTTP/1.1\r\n${host}\r\n`, 501],
  ['CONNECT to a path', `CONNECT / HTTP/1.1\r\n${host}\r\n`, 501],
  ['a NUL in the method', `G\0ET / HTTP/1.1\r\n${host}\r\n`, 400],
  ['a colon in the method', `GE:T / HTTP/1.1\r\n${host}\r\n`, 400],
  ['a bracket in the method', `G(ET / HTTP/1.1\r\n${host}\r\n`, 400],
  ['a long method', `${'G'.repeat(40)} / HTTP/1.1\r\n${host}\r\n`, 400],
  ['HTTP/0.9', 'GET /\r\n', 400],
  ['HTTP/0.9 by name', `GET / HTTP/0.9\r\n${host}\r\n`, 505],
  ['HTTP/1.2', `GET / HTTP/1.2\r\n${host}\r\n`, 505],
  ['the version HTTP/2.0', `GET / HTTP/2.0\r\n${host}\r\n`, 505],
  ['HTTP/3.1', `GET / HTTP/3.1\r\n${host}\r\n`, 505],
  ['HTTP/11', `GET / HTTP/11\r\n${host}\r\n`, 400],
  ['HTTP/1.', `GET / HTTP/1.\r\n${host}\r\n`, 400],
  ['HTTP/.1', `GET / HTTP/.1\r\n${host}\r\n`, 400],
  ['HTTP/1.01', `GET / HTTP/1.01\r\n${host}\r\n`, 400],
  ['HTTP/1,1', `GET / HTTP/1,1\r\n${host}\r\n`, 400],
  ['http/1.1', `GET / http/1.1\r\n${host}\r\n`, 400],
  ['HTTPS/1.1', `GET / HTTPS/1.1\r\n${host}\r\n`, 400],
  ['HTTP 1.1', `GET / HTTP 1.1\r\n${host}\r\n`, 400],
  ['a version with a letter', `GET / HTTP/1.x\r\n${host}\r\n`, 400],
  ['TLS to a port that speaks none', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  ['SSH', 'SSH-2.0-OpenSSH_9.2\r\n', 400],
  ['PRI without HTTP/2', 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n', 'closed'],
];

const lineEnds: readonly Row[] = [
  ['bare LF everywhere', 'GET / HTTP/1.1\nHost: x\n\n', 400],
  ['bare LF after the request line', `GET / HTTP/1.1\n${host}\r\n`, 400],
  ['bare LF after a field', `${line}Host: x\n\r\n`, 400],
  ['bare LF as the empty line', `${line}${host}\n`, 400],
  ['bare CR after the request line', `GET / HTTP/1.1\r${host}\r\n`, 400],
  ['bare CR after a field', `${line}Host: x\r\r\n`, 400],
  ['bare CR in a value', get('X: a\rb\r\n'), 400],
  ['bare CR before a field', `${line}${host}\rX: a\r\n\r\n`, 400],
  ['CR CR LF after a field', get('X: a\r\r\n'), 400],
  ['LF CR', `${line}Host: x\n\rX: y\r\n\r\n`, 400],
  ['bare LF hiding a length', post('X: a\nContent-Length: 3\r\n', ''), 400],
  ['bare CR hiding a coding', post('X: a\rTransfer-Encoding: chunked\r\n', ''), 400],
  ['CR and NUL', get('X: a\r\0\r\n'), 400],
];

const fieldRows: readonly Row[] = [
  ['a folded field', get('X: a\r\n b\r\n'), 400],
  ['a field folded with a tab', get('X: a\r\n\tb\r\n'), 400],
  ['a folded first field', `${line} X: a\r\n${host}\r\n`, 400],
  ['a folded coding', post('Transfer-Encoding:\r\n chunked\r\n', '0\r\n\r\n'), 400],
  ['a folded length', post('Content-Length:\r\n 3\r\n', 'abc'), 400],
  ['a blank before the colon', get('X : a\r\n'), 400],
  ['a tab before the colon', get('X\t: a\r\n'), 400],
  ['a blank in a name', get('X Y: a\r\n'), 400],
  ['a name that is empty', get(': a\r\n'), 400],
  ['a field without a colon', get('Xa\r\n'), 400],
  ['a NUL in a name', get('X\0: a\r\n'), 400],
  ['a NUL in a value', get('X: a\0b\r\n'), 400],
  ['a bell in a value', get('X: a\x07b\r\n'), 400],
  ['DEL in a value', get('X: a\x7fb\r\n'), 400],
  ['an escape in a value', get('X: \x1b[31m\r\n'), 400],
  ['a quote in a name', get('X"Y: a\r\n'), 400],
  ['a bracket in a name', get('X[Y]: a\r\n'), 400],
  ['an octet above ASCII in a name', get('X\xe4: a\r\n'), 400],
  ['an octet above ASCII in a value', get('X: \xe4\r\n'), 'forward'],
  ['an empty value', get('X:\r\n'), 'forward'],
  ['a value of blanks', get('X:  \t \r\n'), 'forward'],
  ['no blank after the colon', get('X:a\r\n'), 'forward'],
  ['tabs around a value', get('X:\ta\t\r\n'), 'forward'],
  ['colons in a value', get('X: a:b:c\r\n'), 'forward'],
  ['the same name twice', get('X: a\r\nX: b\r\n'), 'forward'],
  ['an underscore in a name of ours', post('Content_Length: 3\r\n', ''), 400],
  ['an underscore for the coding', post('Transfer_Encoding: chunked\r\n', ''), 400],
  ['an underscore in X_Forwarded_For', get('X_Forwarded_For: 1.2.3.4\r\n'), 400],
  ['too many fields', get('X: a\r\n'.repeat(300)), 431],
];

const hosts: readonly Row[] = [
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ['no Host in HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', 'forward'],
  ['two Hosts', `${line}${host}Host: y\r\n\r\n`, 400],
  ['the same Host twice', `${line}${host}${host}\r\n`, 400],
  ['an empty Host', `${line}Host:\r\n\r\n`, 400],
  ['a Host with a blank', `${line}Host: x y\r\n\r\n`, 400],
  ['a Host with a slash', `${line}Host: x/y\r\n\r\n`, 400],
  ['a Host with a user', `${line}Host: a@x\r\n\r\n`, 400],
  ['a Host with a comma', `${line}Host: x,y\r\n\r\n`, 400],
  ['a Host with a query', `${line}Host: x?y\r\n\r\n`, 400],
  ['a Host with a fragment', `${line}Host: x#y\r\n\r\n`, 400],
  ['a Host with a backslash', `${line}Host: x\\y\r\n\r\n`, 400],
  ['a Host with a port that is none', `${line}Host: x:http\r\n\r\n`, 400],
  ['a Host with a port too long', `${line}Host: x:123456\r\n\r\n`, 400],
  ['a Host with two ports', `${line}Host: x:80:81\r\n\r\n`, 400],
  ['a Host that is a port', `${line}Host: :80\r\n\r\n`, 400],
  ['a Host with an open bracket', `${line}Host: [::1\r\n\r\n`, 400],
  ['a Host with a stray bracket', `${line}Host: x]\r\n\r\n`, 400],
  ['a Host of IPv6', `${line}Host: [::1]:80\r\n\r\n`, 'forward'],
  ['a Host with a port', `${line}Host: x:8080\r\n\r\n`, 'forward'],
  ['an absolute target', `GET http://x/a HTTP/1.1\r\n${host}\r\n`, 'forward'],
  ['an absolute target of another host', `GET http://y/a HTTP/1.1\r\n${host}\r\n`, 'forward'],
  ['an absolute target with a user', `GET http://a@x/ HTTP/1.1\r\n${host}\r\n`, 400],
  ['an absolute target without a path', `GET http://x HTTP/1.1\r\n${host}\r\n`, 400],
  ['an absolute target without a host', `GET http:///a HTTP/1.1\r\n${host}\r\n`, 400],
  ['an absolute target of another scheme', `GET ftp://x/a HTTP/1.1\r\n${host}\r\n`, 400],
];

const lengths: readonly Row[] = [
  ['a length', post('Content-Length: 3\r\n', 'abc'), 'forward'],
  ['a length of nothing', post('Content-Length: 0\r\n', ''), 'forward'],
  ['a length with zeros before it', post('Content-Length: 003\r\n', 'abc'), 'forward'],
  ['a negative length', post('Content-Length: -3\r\n', 'abc'), 400],
  ['a length with a plus', post('Content-Length: +3\r\n', 'abc'), 400],
  ['a length in hexadecimal', post('Content-Length: 0x3\r\n', 'abc'), 400],
  ['a length with an exponent', post('Content-Length: 3e0\r\n', 'abc'), 400],
  ['a length with a fraction', post('Content-Length: 3.0\r\n', 'abc'), 400],
  ['a length with a blank inside', post('Content-Length: 3 3\r\n', 'abc'), 400],
  ['a length with an underscore', post('Content-Length: 1_0\r\n', 'abc'), 400],
  ['a length that is empty', post('Content-Length:\r\n', 'abc'), 400],
  ['a length that is a word', post('Content-Length: abc\r\n', 'abc'), 400],
  ['a length list', post('Content-Length: 3, 3\r\n', 'abc'), 400],
  ['a length list of two', post('Content-Length: 3, 5\r\n', 'abc'), 400],
  ['a length with a comma', post('Content-Length: 3,\r\n', 'abc'), 400],
  ['two lengths', post('Content-Length: 3\r\nContent-Length: 5\r\n', 'abc'), 400],
  ['the same length twice', post('Content-Length: 3\r\nContent-Length: 3\r\n', 'abc'), 400],
  ['a length too large', post('Content-Length: 99999999999999999999\r\n', 'abc'), 400],
  ['a length of 2^64 + 3', post('Content-Length: 18446744073709551619\r\n', 'abc'), 400],
  ['a length with a NUL', post('Content-Length: 3\0\r\n', 'abc'), 400],
  ['a length with a vertical tab', post('Content-Length: \x0b3\r\n', 'abc'), 400],
  ['a length in quotes', post('Content-Length: "3"\r\n', 'abc'), 400],
  ['a length in other digits', post('Content-Length: \xb3\r\n', 'abc'), 400],
  ['a blank before the colon of a length', post('Content-Length : 3\r\n', 'abc'), 400],
  ['a body of GET', get('Content-Length: 3\r\n') + 'abc', 'forward'],
];

const codings: readonly Row[] = [
  ['chunks', chunked('3\r\nabc\r\n0\r\n\r\n'), 'forward'],
  [
    'a length, then a coding',
    post('Content-Length: 3\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${smuggled}`),
    400,
  ],
  [
    'a coding, then a length',
    post('Transfer-Encoding: chunked\r\nContent-Length: 3\r\n', `0\r\n\r\n${smuggled}`),
    400,
  ],
  [
    'a coding twice',
    post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    400,
  ],
  [
    'a coding and identity',
    post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', '0\r\n\r\n'),
    400,
  ],
  ['chunked, chunked', post('Transfer-Encoding: chunked, chunked\r\n', '0\r\n\r\n'), 400],
  ['chunked, identity', post('Transfer-Encoding: chunked, identity\r\n', '0\r\n\r\n'), 400],
  ['identity', post('Transfer-Encoding: identity\r\nContent-Length: 3\r\n', 'abc'), 400],
  ['chunked, gzip', post('Transfer-Encoding: chunked, gzip\r\n', '0\r\n\r\n'), 400],
  ['gzip, chunked', post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'), 501],
  ['gzip', post('Transfer-Encoding: gzip\r\n', 'abc'), 501],
  ['a coding nobody knows', post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'), 400],
  ['a coding with a parameter', post('Transfer-Encoding: chunked;a=b\r\n', '0\r\n\r\n'), 400],
  ['a coding in quotes', post('Transfer-Encoding: "chunked"\r\n', '0\r\n\r\n'), 400],
  ['a coding with a comma before', post('Transfer-Encoding: ,chunked\r\n', '0\r\n\r\n'), 400],
  ['a coding with a comma after', post('Transfer-Encoding: chunked,\r\n', '0\r\n\r\n'), 400],
  ['a coding with a vertical tab', post('Transfer-Encoding: \x0bchunked\r\n', '0\r\n\r\n'), 400],
  ['a coding with a NUL', post('Transfer-Encoding: chunked\0\r\n', '0\r\n\r\n'), 400],
  ['a coding in upper case', post('Transfer-Encoding: CHUNKED\r\n', '0\r\n\r\n'), 'forward'],
  ['a coding with tabs around', post('Transfer-Encoding:\tchunked\t\r\n', '0\r\n\r\n'), 'forward'],
  ['a coding that is empty', post('Transfer-Encoding:\r\nContent-Length: 3\r\n', 'abc'), 400],
  [
    'a coding in HTTP/1.0',
    `POST / HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ['a coding after a blank', post(' Transfer-Encoding: chunked\r\n', '0\r\n\r\n'), 400],
  ['a coding and its colon apart', post('Transfer-Encoding : chunked\r\n', '0\r\n\r\n'), 400],
];

const chunkRows: readonly Row[] = [
  ['a chunk size in upper case', chunked('A\r\n0123456789\r\n0\r\n\r\n'), 'forward'],
  ['a chunk size with zeros before it', chunked('0003\r\nabc\r\n000\r\n\r\n'), 'forward'],
  ['a chunk extension', chunked('3;a=b\r\nabc\r\n0\r\n\r\n'), 'forward'],
  ['a chunk extension in quotes', chunked('3;a="b;c"\r\nabc\r\n0\r\n\r\n'), 'forward'],
  ['a trailer', chunked('3\r\nabc\r\n0\r\nX-T: a\r\n\r\n'), 'forward'],
  ['a trailer that frames', chunked('3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n'), 'forward'],
  ['a blank before a chunk size', chunked(' 3\r\nabc\r\n0\r\n\r\n'), 400],
  ['a blank after a chunk size', chunked('3 \r\nabc\r\n0\r\n\r\n'), 400],
  ['a tab after a chunk size', chunked('3\t\r\nabc\r\n0\r\n\r\n'), 400],
  ['a blank before an extension', chunked('3 ;a\r\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk size with 0x', chunked('0x3\r\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk size with a plus', chunked('+3\r\nabc\r\n0\r\n\r\n'), 400],
  ['a negative chunk size', chunked('-3\r\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk size with an underscore', chunked('0_3\r\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk size that is empty', chunked('\r\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk size that is a word', chunked('xyz\r\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk size too long', chunked('fffffffffffffffff\r\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk size of 2^64 + 3', chunked('10000000000000003\r\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk size with many zeros', chunked(`${'0'.repeat(40)}3\r\nabc\r\n0\r\n\r\n`), 400],
  ['bare LF after a chunk size', chunked('3\nabc\r\n0\r\n\r\n'), 400],
  ['bare CR after a chunk size', chunked('3\rabc\r\n0\r\n\r\n'), 400],
  ['bare LF after a chunk', chunked('3\r\nabc\n0\r\n\r\n'), 400],
  ['bare LF in an extension', chunked('3;a\nb\r\nabc\r\n0\r\n\r\n'), 400],
  ['bare CR in an extension', chunked('3;a\rb\r\nabc\r\n0\r\n\r\n'), 400],
  ['NUL in an extension', chunked('3;\0\r\nabc\r\n0\r\n\r\n'), 400],
  ['a long extension', chunked(`3;${'a'.repeat(2000)}\r\nabc\r\n0\r\n\r\n`), 400],
  ['a chunk longer than its size', chunked('2\r\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk shorter than its size', chunked('4\r\nabc\r\n0\r\n\r\n'), 400],
  ['bare LF after the last chunk', chunked('3\r\nabc\r\n0\n\r\n'), 400],
  ['bare LF at the end', chunked('3\r\nabc\r\n0\r\n\n'), 400],
  ['a folded trailer', chunked('3\r\nabc\r\n0\r\nX: a\r\n b\r\n\r\n'), 400],
  ['a trailer without a colon', chunked('3\r\nabc\r\n0\r\nXa\r\n\r\n'), 400],
  ['NUL in a trailer', chunked('3\r\nabc\r\n0\r\nX: \0\r\n\r\n'), 400],
  [
    'trailers too large',
    chunked(`3\r\nabc\r\n0\r\n${`X: ${'a'.repeat(1000)}\r\n`.repeat(9)}\r\n`),
    431,
  ],
  ['a body that ends too soon', chunked('3\r\nab'), 'closed'],
  ['no last chunk', chunked('3\r\nabc\r\n'), 'closed'],
];

const connections: readonly Row[] = [
  ['an expectation nobody knows', post('Expect: 200-ok\r\nContent-Length: 3\r\n', 'abc'), 417],
  ['Connection names Host', get('Connection: host\r\n'), 400],
  [
    'Connection names the length',
    post('Connection: Content-Length\r\nContent-Length: 3\r\n', 'abc'),
    400,
  ],
  [
    'Connection names the coding',
    post('Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    400,
  ],
  ['Connection names a cookie', get('Connection: close, cookie\r\nCookie: a=b\r\n'), 'forward'],
  [
    'Connection names too many',
    get(`Connection: ${Array.from({ length: 50 }, (_, i) => `x${i}`).join(', ')}\r\n`),
    400,
  ],
  [
    'an upgrade to HTTP/2',
    get(
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n',
    ),
    'forward',
  ],
  ['an upgrade to what it is', get('Connection: Upgrade\r\nUpgrade: HTTP/1.1\r\n'), 'forward'],
  ['an upgrade that Connection does not name', get('Upgrade: websocket\r\n'), 'forward'],
  [
    'an upgrade with a body',
    post('Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n', 'abc'),
    'forward',
  ],
  ['Proxy-Connection', get('Proxy-Connection: keep-alive\r\n'), 'forward'],
  ['Forwarded with a host', get('X-Forwarded-Host: evil\r\nForwarded: host=evil\r\n'), 'forward'],
];

const groups = [requestLines, lineEnds, fieldRows, hosts, lengths, codings, chunkRows, connections];

export const malformedMessages: readonly MalformedMessage[] = groups
  .flat()
  .map(([name, bytes, want]) => ({ name, bytes, want }));
