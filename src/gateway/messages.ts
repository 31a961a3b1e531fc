/** Requests and answers as an exchange passes them on, whichever version of HTTP either side speaks. */
import type { ByteWriter, ResponseHead } from '../codec/http1/index.ts';
import type { SocketAddress } from '../model/index.ts';
import type { RequestFacts, RoutedEndpoint } from './router.ts';

/** Names in lower case, each followed by its value. */
export type FieldList = readonly string[];

export interface IncomingRequest extends RequestFacts {
  /** Where the client connected to. */
  readonly local: SocketAddress;
  readonly hasBody: boolean;
  /** A backend of HTTP/1.1 gets the body in chunks. */
  readonly chunked: boolean;
  /** The client asks to speak another protocol on this connection, and may. */
  readonly upgrades: boolean;
  /** The head as a backend of HTTP/1.1 gets it, its empty line included. */
  writeHttp1(out: ByteWriter, endpoint: RoutedEndpoint): void;
  /** The head as a backend of HTTP/2 gets it. */
  listHttp2(): FieldList;
}

/** The head of an answer; what it holds is valid only while it is passed on. */
export interface IncomingResponse {
  readonly status: number;
  /** -1: not known before the body. */
  readonly contentLength: number;
  readonly hasBody: boolean;
  /** As it came in HTTP/1.1; undefined: it is in `list`. */
  readonly head: ResponseHead | undefined;
  /** Without pseudo-fields, and without those for one hop. */
  readonly list: () => FieldList;
}

export const idempotentMethods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'PUT',
  'DELETE',
]);

/** What an exchange asks of whoever sent the request. */
export interface ClientSide {
  /** An answer before the answer: 100, 103. */
  informational(response: IncomingResponse): void;
  respond(response: IncomingResponse, added: readonly (readonly [string, string])[]): void;
  /** What precedes `start` in the bytes is of no use to anybody any more, and may be written over. */
  responseBody(bytes: Uint8Array, start: number, end: number): void;
  /** The answer is whole; `trailers` as names and values. */
  responseEnd(trailers: FieldList): void;
  /** Sends what the calls before have made. False: wait for `clientDrained` before more. */
  flushResponse(): boolean;
  /** An answer of our own, when none of a backend has begun. */
  refuse(status: number, reason: string): void;
  /** The answer has begun and cannot go on. */
  abortResponse(): void;
  pauseRequest(): void;
  resumeRequest(): void;
  /** From now on bytes go through, both ways. Returns the client's end. */
  tunnel(backend: TunnelEnd, response: IncomingResponse): TunnelEnd;
}

/** One end of a connection that carries another protocol. */
export interface TunnelEnd {
  send(bytes: Uint8Array, length: number): boolean;
  finish(): void;
  pause(): void;
  resume(): void;
  destroy(): void;
}

/** What an exchange asks of the connection to the backend. */
export interface BackendSide {
  /** The wire bytes of the request, or, of HTTP/2, bytes of its body. False: wait for `backendDrained`. */
  send(bytes: Uint8Array, length: number): boolean;
  /** The request is whole. */
  finishRequest(trailers: FieldList): void;
  pause(): void;
  resume(): void;
  /** The exchange is over before its time: the connection or stream is of no more use. */
  cancel(): void;
}

/** The values of a field, joined; undefined when there is none. */
export function valueIn(list: readonly string[], name: string): string | undefined {
  let joined: string | undefined;
  for (let i = 0; i + 1 < list.length; i += 2) {
    if (list[i] !== name) continue;
    joined =
      joined === undefined
        ? list[i + 1]
        : `${joined}${name === 'cookie' ? '; ' : ', '}${list[i + 1]}`;
  }
  return joined;
}
