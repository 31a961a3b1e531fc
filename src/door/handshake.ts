/**
 * How a client says where it wants to go: SOCKS5 (RFC 1928, without authentication, CONNECT only; what runs over UDP
 * has addresses of its own and needs no UDP ASSOCIATE), HTTP CONNECT (RFC 9110 9.3.6), or a whole request for a
 * plain URL. Pure: bytes so far in, what to do out.
 */
import { readPlainRequest } from './plain-request.ts';

export interface Destination {
  readonly host: string;
  readonly port: number;
}

/** Why a client was not served. */
export type Refusal = 'not-found' | 'refused' | 'unreachable' | 'timed-out';

export type Step =
  /** More bytes are needed. */
  | { readonly kind: 'wait' }
  /** Say this and go on with what is left. */
  | { readonly kind: 'say'; readonly bytes: Buffer; readonly taken: number; readonly phase: Phase }
  | {
      readonly kind: 'go';
      readonly to: Destination;
      readonly taken: number;
      readonly via: Protocol;
      /** What the destination is sent before everything else. */
      readonly first?: Buffer;
    }
  /** Say this and close. */
  | { readonly kind: 'reject'; readonly bytes: Buffer };

/** `plain`: the request itself, which the destination answers. */
export type Protocol = 'socks5' | 'http' | 'plain';
export type Phase = 'greeting' | 'request';

/** Longer than any request to a proxy has a right to be. */
const maxHeadBytes = 16_384;

export function readHandshake(bytes: Buffer, phase: Phase): Step {
  if (bytes.length === 0) return wait;
  if (bytes[0] !== 5) return phase === 'greeting' ? readHttp(bytes) : reject(Buffer.alloc(0));
  return phase === 'greeting' ? readGreeting(bytes) : readRequest(bytes);
}

const wait: Step = { kind: 'wait' };
const reject = (bytes: Buffer): Step => ({ kind: 'reject', bytes });

function readGreeting(bytes: Buffer): Step {
  const methods = bytes[1];
  if (methods === undefined || bytes.length < 2 + methods) return wait;
  const taken = 2 + methods;
  if (!bytes.subarray(2, taken).includes(0)) return reject(Buffer.from([5, 0xff]));
  return { kind: 'say', bytes: Buffer.from([5, 0]), taken, phase: 'request' };
}

const connectCommand = 1;

function readRequest(bytes: Buffer): Step {
  if (bytes.length < 5) return wait;
  if (bytes[1] !== connectCommand) return reject(socksReply(socksCodes.command));
  const type = bytes[3];
  const nameLength = type === 3 ? (bytes[4] ?? 0) : undefined;
  const start = nameLength === undefined ? 4 : 5;
  const length = nameLength ?? (type === 1 ? 4 : type === 4 ? 16 : undefined);
  if (length === undefined) return reject(socksReply(socksCodes.addressType));
  const end = start + length;
  if (bytes.length < end + 2) return wait;
  const host = hostOf(bytes.subarray(start, end), type === 3);
  const port = bytes.readUInt16BE(end);
  if (host === '' || port === 0) return reject(socksReply(socksCodes.failed));
  return { kind: 'go', to: { host, port }, taken: end + 2, via: 'socks5' };
}

function hostOf(bytes: Buffer, isName: boolean): string {
  if (isName) return bytes.toString('latin1');
  if (bytes.length === 4) return bytes.join('.');
  return (bytes.toString('hex').match(/.{4}/g) ?? []).join(':');
}

function readHttp(bytes: Buffer): Step {
  const text = bytes.toString('latin1', 0, maxHeadBytes);
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) {
    const isHttp = /^[A-Z]{0,20}( |$)/.test(text);
    if (!isHttp) return reject(Buffer.alloc(0));
    return bytes.length < maxHeadBytes ? wait : reject(httpReply(431, 'Head Too Large'));
  }
  const line = text.slice(0, text.indexOf('\r\n'));
  const parts = /^([A-Z]+) (\S+) HTTP\/1\.[01]$/.exec(line);
  if (parts === null) return reject(httpReply(400, 'Bad Request'));
  if (parts[1] !== 'CONNECT') return readPlain(text.slice(0, end + 4));
  const target = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(parts[2] ?? '');
  const host = target?.[1] ?? target?.[2];
  const port = Number(target?.[3]);
  if (host === undefined || !(port > 0 && port <= 0xffff)) {
    return reject(httpReply(400, 'Bad Request', 'CONNECT wants HOST:PORT\n'));
  }
  return { kind: 'go', to: { host, port }, taken: end + 4, via: 'http' };
}

function readPlain(head: string): Step {
  const read = readPlainRequest(head);
  if ('status' in read) {
    return reject(
      httpReply(read.status, 'Bad Request', `Cannot pass the request on: ${read.why}\n`),
    );
  }
  return { kind: 'go', to: read.to, taken: head.length, via: 'plain', first: read.head };
}

const socksCodes = { failed: 1, host: 4, refused: 5, timedOut: 6, command: 7, addressType: 8 };

const refusals: Readonly<Record<Refusal, readonly [socks: number, status: number, text: string]>> =
  {
    'not-found': [socksCodes.host, 502, 'no such host'],
    refused: [socksCodes.refused, 502, 'the connection was refused'],
    unreachable: [socksCodes.host, 502, 'there is no way to it'],
    'timed-out': [socksCodes.timedOut, 504, 'it did not answer in time'],
  };

/** What a client hears when it is connected. */
export function accepted(via: Protocol): Buffer {
  if (via === 'plain') return Buffer.alloc(0);
  return via === 'socks5'
    ? socksReply(0)
    : Buffer.from('HTTP/1.1 200 Connection Established\r\n\r\n');
}

/** What a client hears when it cannot be connected. */
export function refused(via: Protocol, to: Destination, why: Refusal): Buffer {
  const [socks, status, text] = refusals[why];
  if (via === 'socks5') return socksReply(socks);
  const reason = status === 504 ? 'Gateway Timeout' : 'Bad Gateway';
  return httpReply(status, reason, `Cannot connect to ${to.host}:${to.port}: ${text}\n`);
}

function socksReply(code: number): Buffer {
  return Buffer.from([5, code, 0, 1, 0, 0, 0, 0, 0, 0]);
}

function httpReply(status: number, reason: string, body = ''): Buffer {
  const head = [
    `HTTP/1.1 ${status} ${reason}`,
    'Content-Type: text/plain',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}
