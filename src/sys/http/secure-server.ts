/**
 * The door for HTTP over TLS: HTTP/1.1 and HTTP/2 on one port, chosen by ALPN. What a peer can make us hold is
 * bounded: connections, streams, header, body, and the time to send them.
 */
import { ServerResponse, type IncomingMessage } from 'node:http';
import {
  createSecureServer,
  Http2ServerRequest,
  Http2ServerResponse,
  type Http2SecureServer,
} from 'node:http2';
import type { Socket } from 'node:net';
import { messageOf, type SocketAddress } from '../../model/index.ts';
import { byteStreamOf, type ByteStream } from '../net/index.ts';
import { HttpError } from './errors.ts';

export interface HttpRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly target: string;
  /** Lower-case names; undefined when absent. */
  header(name: string): string | undefined;
  /** The peer asks for another protocol: an answer may have `upgraded`. */
  readonly canUpgrade: boolean;
  /** Rejects with HTTP_BODY_TOO_LARGE, and HTTP_FAILED when the peer breaks off. */
  body(): Promise<Buffer>;
  /** Aborts when the peer has gone or the server closes. */
  readonly signal: AbortSignal;
}

export interface HttpHead {
  readonly status: number;
  /** A list is sent as one header each. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
}

/** Writes the rest of an answer piece by piece. */
export interface HttpStream {
  /** Resolves when the peer takes more; at once when it has gone. */
  write(chunk: string | Uint8Array): Promise<void>;
}

export type HttpAnswer = HttpHead &
  (
    | { readonly body: string | Uint8Array }
    | { readonly stream: (out: HttpStream) => Promise<void> }
    /** Given the connection once the head, with status 101, is sent. */
    | { readonly upgraded: (stream: ByteStream) => void }
  );

/** What it throws is answered as a bare 500. */
export type HttpHandler = (request: HttpRequest) => Promise<HttpAnswer>;

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

/** Rejects with HTTP_IN_USE, HTTP_NOT_PERMITTED, HTTP_FAILED. */
export async function serveSecurely(
  options: SecureServerOptions,
  handler: HttpHandler,
): Promise<SecureServer> {
  const closing = new AbortController();
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
      const exchange = new Exchange(request, response, { options, closing: closing.signal });
      // It settles every failure itself.
      void exchange.run(handler);
    },
  );
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    if (head.length > 0) socket.unshift(head);
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once('finish', () => {
      response.detachSocket(socket);
      socket.end();
    });
    socket.on('error', () => socket.destroy());
    const exchange = new Exchange(request, response, { options, closing: closing.signal, socket });
    void exchange.run(handler);
  });
  const sockets = new Set<Socket>();
  bound(server, sockets, options.maxConnections);
  const address = await listen(server, options.address);
  return {
    address,
    close: async () => {
      if (closing.signal.aborted) return;
      closing.abort();
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
  server.on('clientError', (_error, socket) => socket.destroy());
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

interface ExchangeContext {
  readonly options: SecureServerOptions;
  readonly closing: AbortSignal;
  /** That of a request for another protocol. */
  readonly socket?: Socket;
}

/** HTTP/1.1 comes through Node's compatibility layer as its own pair. */
type AnyRequest = Http2ServerRequest | IncomingMessage;
type AnyResponse = Http2ServerResponse | ServerResponse;

/** One request and its answer. */
class Exchange implements HttpRequest {
  readonly method: string;
  readonly target: string;
  private readonly request: AnyRequest;
  private readonly response: AnyResponse;
  private readonly context: ExchangeContext;
  private readonly gone = new AbortController();

  constructor(request: AnyRequest, response: AnyResponse, context: ExchangeContext) {
    this.request = request;
    this.response = response;
    this.context = context;
    this.method = request.method ?? '';
    this.target = request.url ?? '';
  }

  get signal(): AbortSignal {
    return this.gone.signal;
  }

  get canUpgrade(): boolean {
    return this.context.socket !== undefined;
  }

  header(name: string): string | undefined {
    const { request } = this;
    // HTTP/2 has no Host: its name is a pseudo header.
    const isAuthority = name === 'host' && request instanceof Http2ServerRequest;
    const value = request.headers[name] ?? (isAuthority ? request.authority : '');
    const text = Array.isArray(value) ? value.join(', ') : value;
    return text === '' ? undefined : text;
  }

  async body(): Promise<Buffer> {
    const { maxBodyBytes } = this.context.options;
    // What comes after such a head is of the other protocol.
    if (this.canUpgrade) return Buffer.alloc(0);
    const chunks: Buffer[] = [];
    let size = 0;
    // One that says so beforehand is refused unread.
    const said = Number(this.request.headers['content-length'] ?? 0);
    if (said > maxBodyBytes) throw tooLarge(maxBodyBytes);
    try {
      for await (const chunk of this.request) {
        const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
        size += bytes.length;
        if (size > maxBodyBytes) break;
        chunks.push(bytes);
      }
    } catch (cause) {
      throw new HttpError('HTTP_FAILED', 'Cannot read a request: it broke off', { cause });
    }
    if (size > maxBodyBytes) throw tooLarge(maxBodyBytes);
    return Buffer.concat(chunks);
  }

  async run(handler: HttpHandler): Promise<void> {
    const { response, context, gone } = this;
    const end = (): void => gone.abort();
    response.on('error', end);
    response.once('close', end);
    context.closing.addEventListener('abort', end, { once: true });
    try {
      await this.answer(await handler(this));
    } catch (thrown) {
      if (gone.signal.aborted) return;
      context.options.failed(thrown);
      if (response.headersSent) response.destroy();
      else {
        response.statusCode = 500;
        response.end();
      }
    } finally {
      context.closing.removeEventListener('abort', end);
    }
  }

  private async answer(answer: HttpAnswer): Promise<void> {
    const { response } = this;
    if (response.destroyed) return;
    if ('upgraded' in answer) return this.switchProtocol(answer.headers, answer.upgraded);
    response.statusCode = answer.status;
    for (const [name, value] of Object.entries(answer.headers)) {
      response.setHeader(name, typeof value === 'string' ? value : [...value]);
    }
    if ('body' in answer) {
      const bytes = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
      response.setHeader('content-length', bytes.length);
      response.end(bytes);
      return;
    }
    // Whoever waits for the first event must see that the watch stands.
    this.flushHead();
    await answer.stream({ write: (chunk) => this.write(chunk) });
    response.end();
  }

  private switchProtocol(
    headers: HttpHead['headers'],
    upgraded: (stream: ByteStream) => void,
  ): void {
    const { response, context } = this;
    const { socket } = context;
    if (socket === undefined || !(response instanceof ServerResponse)) {
      throw new HttpError('HTTP_FAILED', 'Cannot switch the protocol: nobody asked for it');
    }
    response.detachSocket(socket);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`);
    upgraded(byteStreamOf(socket));
  }

  private flushHead(): void {
    const { response } = this;
    // The HTTP/1.1 response has another way to send its head early than the HTTP/2 one.
    if (response instanceof Http2ServerResponse) response.writeHead(response.statusCode);
    else response.flushHeaders();
  }

  private async write(chunk: string | Uint8Array): Promise<void> {
    const { response, gone } = this;
    if (gone.signal.aborted || put(response, chunk)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        response.off('drain', done);
        gone.signal.removeEventListener('abort', done);
        resolve();
      };
      response.once('drain', done);
      gone.signal.addEventListener('abort', done, { once: true });
    });
  }
}

function tooLarge(limit: number): HttpError {
  return new HttpError('HTTP_BODY_TOO_LARGE', `Cannot take the request: limit is ${limit} bytes`);
}

/** Whether there is room for more. */
function put(response: AnyResponse, chunk: string | Uint8Array): boolean {
  return response instanceof Http2ServerResponse ? response.write(chunk) : response.write(chunk);
}
