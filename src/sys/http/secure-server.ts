/**
 * The door for HTTP over TLS: HTTP/1.1 and HTTP/2 on one port, chosen by ALPN. What a peer can make us hold is
 * bounded: connections, streams, header, body, and the time to send them.
 */
import type { IncomingMessage } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import { messageOf, type SocketAddress } from '../../model/index.ts';
import { nodeHttp } from '../index.ts';
import { HttpError } from './errors.ts';
import { Exchange, type HttpHandler, type Wire } from './exchange.ts';
import { http1Wire, http2Wire, upgradeWire } from './wires.ts';

export interface SecureServerOptions {
  readonly address: SocketAddress;
  /** PEM. */
  readonly key: string;
  readonly cert: string;
  readonly maxConnections: number;
  readonly maxBodyBytes: number;
  /** Called with what a handler threw. */
  failed(thrown: unknown): void;
}

export interface SecureServer {
  readonly address: SocketAddress;
  /** Ends the requests that run. */
  close(): Promise<void>;
}

const maxHeaderBytes = 32_768;
const maxStreams = 250;
const headerMs = 10_000;
const requestMs = 60_000;
const lingerMs = 1_000;

/** Rejects with HTTP_IN_USE, HTTP_NOT_PERMITTED, HTTP_FAILED. */
export async function serveSecurely(
  options: SecureServerOptions,
  handler: HttpHandler,
): Promise<SecureServer> {
  // Every failure is settled there.
  const serve = (wire: Wire): void => void new Exchange(wire, options).run(handler);
  const server = createSecureServer(
    {
      allowHTTP1: true,
      key: options.key,
      cert: options.cert,
      minVersion: 'TLSv1.2',
      maxHeaderListPairs: 128,
      maxSendHeaderBlockLength: maxHeaderBytes,
      maxHeaderSize: maxHeaderBytes,
      maxSessionMemory: 64,
      settings: { maxConcurrentStreams: maxStreams, maxHeaderListSize: maxHeaderBytes },
      // These two are HTTP/1.1's.
      headersTimeout: headerMs,
      requestTimeout: requestMs,
    } as Parameters<typeof createSecureServer>[0],
    (request, response) => {
      if (
        request instanceof nodeHttp.IncomingMessage &&
        response instanceof nodeHttp.ServerResponse
      ) {
        serve(http1Wire(request, response));
      }
    },
  );
  server.on('upgrade', (request: IncomingMessage, socket: Socket, early: Buffer) =>
    serve(upgradeWire(request, socket, early)),
  );
  // In place of Node's own, which makes an HTTP/1.1 request of each stream: a tenth of the time of a small write.
  server.removeAllListeners('stream');
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) =>
    serve(http2Wire(stream, headers)),
  );
  const sockets = new Set<Socket>();
  bound(server, sockets, options.maxConnections);
  const address = await listen(server, options.address);
  return {
    address,
    close: async () => {
      if (!server.listening) return;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function bound(server: Http2SecureServer, sockets: Set<Socket>, limit: number): void {
  server.on('connection', (socket: Socket) => {
    if (sockets.size >= limit) return void socket.destroy();
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  });
  // A peer that speaks no TLS, or breaks off, is its own trouble.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('sessionError', () => undefined);
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
    refuseRequest(socket, error.code === 'HPE_HEADER_OVERFLOW'),
  );
}

/** A request that HTTP/1.1 cannot read: one whose fields are too long is told so, the rest ends. */
function refuseRequest(socket: Socket, isTooLong: boolean): void {
  if (!isTooLong || !socket.writable) return void socket.destroy();
  const status = '431 Request Header Fields Too Large';
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  // What is still under way is taken and dropped: a reset would take the answer with it.
  socket.resume();
  socket.setTimeout(lingerMs, () => socket.destroy());
}

async function listen(server: Http2SecureServer, at: SocketAddress): Promise<SocketAddress> {
  await new Promise<void>((resolve, reject) => {
    const refuse = (cause: Error): void => reject(refusal(at, cause));
    server.once('error', refuse);
    server.listen(at.port, at.address, () => {
      server.off('error', refuse);
      resolve();
    });
  });
  const bound = server.address();
  return bound !== null && typeof bound === 'object'
    ? { address: bound.address, port: bound.port }
    : at;
}

function refusal({ address, port }: SocketAddress, cause: Error): HttpError {
  const code = 'code' in cause ? cause.code : undefined;
  const where = `${address}:${port}`;
  if (code === 'EADDRINUSE') {
    return new HttpError('HTTP_IN_USE', `Cannot listen at ${where}: another program does`, {
      cause,
      remedy: 'Choose another port, or 0 for any that is free',
    });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new HttpError('HTTP_NOT_PERMITTED', `Cannot listen at ${where}: permission denied`, {
      cause,
      remedy: 'Choose a port from 1024 on',
    });
  }
  return new HttpError('HTTP_FAILED', `Cannot listen at ${where}: ${messageOf(cause)}`, { cause });
}
