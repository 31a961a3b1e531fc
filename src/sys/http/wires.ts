/** The two versions of HTTP as an Exchange uses them. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { byteStreamOf } from '../net/index.ts';
import { nodeHttp } from '../index.ts';
import type { HttpHead, Wire } from './exchange.ts';

export function http1Wire(request: IncomingMessage, response: ServerResponse): Wire {
  return {
    method: request.method ?? '',
    target: request.url ?? '',
    header: (name) => request.headers[name],
    incoming: request,
    isWhole: () => request.complete,
    outgoing: response,
    // Closing at once could take the answer away from who still writes. Node ends it when its time is up.
    refuseRest: () => undefined,
    isHeadOnly: request.method === 'HEAD',
    sendHead: (head, length) => {
      response.writeHead(head.status, fieldsOf(head, length));
      if (length === undefined) response.flushHeaders();
    },
    upgrade: undefined,
  };
}

/** Of a request for another protocol, whose connection Node leaves to us; `early` came after its head. */
export function upgradeWire(request: IncomingMessage, socket: Socket, early: Buffer): Wire {
  if (early.length > 0) socket.unshift(early);
  const response = new nodeHttp.ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => {
    response.detachSocket(socket);
    socket.end();
  });
  socket.on('error', () => socket.destroy());
  return {
    ...http1Wire(request, response),
    upgrade: (headers) => {
      response.detachSocket(socket);
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`);
      return byteStreamOf(socket);
    },
  };
}

export function http2Wire(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Wire {
  if (headers.expect === '100-continue') stream.additionalHeaders({ ':status': 100 });
  return {
    method: headers[':method'] ?? '',
    target: headers[':path'] ?? '',
    // HTTP/2 has no Host: its name is a pseudo header.
    header: (name) => headers[name] ?? (name === 'host' ? headers[':authority'] : undefined),
    incoming: stream,
    isWhole: () => !stream.aborted,
    outgoing: stream,
    refuseRest: () => void stream.once('finish', () => stream.close()),
    isHeadOnly: headers[':method'] === 'HEAD',
    sendHead: (head, length) =>
      stream.respond({ ...fieldsOf(head, length), ':status': head.status }),
    upgrade: undefined,
  };
}

function fieldsOf({ headers }: HttpHead, length: number | undefined): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = {};
  for (const name in headers) {
    const value = headers[name];
    fields[name] = typeof value === 'string' || value === undefined ? value : [...value];
  }
  if (length !== undefined) fields['content-length'] = length;
  return fields;
}
