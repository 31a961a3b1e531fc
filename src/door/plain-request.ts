/**
 * A request to a proxy for a plain URL (`GET http://web/ HTTP/1.1`, RFC 9112 3.2.2) and the request its origin gets:
 * origin-form, without what was meant for the proxy. Pure.
 *
 * Each connection carries one exchange. The origin is told to close after it, so that what a client sends next can
 * never be taken for a request to the same origin; a client opens another connection.
 */
import type { Destination } from './handshake.ts';

export interface PlainRequest {
  readonly to: Destination;
  /** What the origin is sent in place of the head. */
  readonly head: Buffer;
}

export type PlainProblem = { readonly status: number; readonly why: string };

/** Between neighbours only (RFC 9110 7.6.1), besides what `Connection` names. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
]);
const fieldLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/;
const requestLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) (\S+) HTTP\/1\.([01])$/;
const httpPort = 80;

interface Field {
  readonly name: string;
  readonly value: string;
}

/** `head` ends with its empty line. */
export function readPlainRequest(head: string): PlainRequest | PlainProblem {
  const [first = '', ...rest] = head.slice(0, -4).split('\r\n');
  const parts = requestLine.exec(first);
  if (parts === null) return bad('the request line cannot be read');
  const [, method = '', target = '', minor = '1'] = parts;
  const url = /^http:\/\//i.test(target) ? parseUrl(target) : undefined;
  if (url === undefined) return bad('the target is not http://HOST...; for https:// use CONNECT');
  const fields = readFields(rest);
  if (typeof fields === 'string') return bad(fields);
  const problem = framingProblem(fields, minor);
  if (problem !== undefined) return bad(problem);
  const to = { host: url.hostname, port: url.port };
  return { to, head: encodeHead(`${method} ${url.path} HTTP/1.${minor}`, url.authority, fields) };
}

interface Target {
  readonly hostname: string;
  readonly port: number;
  readonly authority: string;
  readonly path: string;
}

/** Taken apart by hand: what the origin sees is byte for byte what the client wrote. */
function parseUrl(target: string): Target | undefined {
  const match =
    /^http:\/\/((?:\[([0-9A-Fa-f:.]+)\]|([^:/?#@[\]]+))(?::([0-9]{1,5}))?)([/?][^#]*)?$/i.exec(
      target,
    );
  if (match === null) return undefined;
  const [, authority = '', ipv6, name, digits, rest = '/'] = match;
  const port = digits === undefined ? httpPort : Number(digits);
  const hostname = ipv6 ?? name ?? '';
  if (port < 1 || port > 0xffff || hostname === '') return undefined;
  return { hostname, port, authority, path: rest.startsWith('/') ? rest : `/${rest}` };
}

function readFields(lines: readonly string[]): readonly Field[] | string {
  const fields: Field[] = [];
  for (const line of lines) {
    const match = fieldLine.exec(line);
    // A folded line, a bare CR or NUL: two readers could see two different requests in it.
    // oxlint-disable-next-line no-control-regex -- these are the bytes that must not be there
    if (match === null || /[\r\n\0]/.test(line)) return 'a field line cannot be read';
    fields.push({ name: match[1] ?? '', value: match[2] ?? '' });
  }
  return fields;
}

/** Undefined when everybody must see the same end of the body (RFC 9112 6.3). */
function framingProblem(fields: readonly Field[], minor: string): string | undefined {
  const valuesOf = (wanted: string): readonly string[] =>
    fields.filter(({ name }) => name.toLowerCase() === wanted).map(({ value }) => value);
  const lengths = valuesOf('content-length');
  const codings = valuesOf('transfer-encoding');
  if (lengths.length > 1) return 'there are several Content-Length';
  if (lengths.some((length) => !/^[0-9]{1,15}$/.test(length))) return 'Content-Length is no number';
  if (codings.length === 0) return undefined;
  if (lengths.length > 0) return 'both Content-Length and Transfer-Encoding are there';
  if (minor === '0') return 'HTTP/1.0 has no Transfer-Encoding';
  return codings.join().toLowerCase() === 'chunked'
    ? undefined
    : 'Transfer-Encoding is not chunked';
}

function encodeHead(line: string, authority: string, fields: readonly Field[]): Buffer {
  const named = fields
    .filter(({ name }) => name.toLowerCase() === 'connection')
    .flatMap(({ value }) => value.toLowerCase().split(','))
    .map((option) => option.trim());
  const dropped = new Set([...hopByHop, ...named, 'host']);
  // Nobody may have the end of the body taken away by naming it in Connection.
  for (const kept of ['content-length', 'transfer-encoding']) dropped.delete(kept);
  const kept = fields.filter(({ name }) => !dropped.has(name.toLowerCase()));
  const lines = [
    line,
    `Host: ${authority}`,
    ...kept.map(({ name, value }) => `${name}: ${value}`),
    'Via: 1.1 switchyard',
    'Connection: close',
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

function bad(why: string): PlainProblem {
  return { status: 400, why };
}
