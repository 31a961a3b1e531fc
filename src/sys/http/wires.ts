/** The two versions of HTTP as an Exchange uses them. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { HttpHead, Wire } from './exchange.ts';

export function http1Wire(request: IncomingMessage, response: ServerResponse): Wire {
  return {
    method: request.method ?? '',
    target: request.url ?? '',
    header: (name) => request.headers[name],
    incoming: request,
    isWhole: () => request.complete,
    outgoing: response,
    isHeadOnly: request.method === 'HEAD',
    sendHead: (head, length) => {
      response.writeHead(head.status, fieldsOf(head, length));
      if (length === undefined) response.flushHeaders();
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
    isHeadOnly: headers[':method'] === 'HEAD',
    sendHead: (head, length) =>
      stream.respond({ ...fieldsOf(head, length), ':status': head.status }),
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
