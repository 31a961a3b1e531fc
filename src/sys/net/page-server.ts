/**
 * Pages for programs on this host: HTTP/1.1, GET and HEAD, nothing taken in. On loopback the Host header must
 * name loopback, so that no web page can have a browser read them by way of a name of its own.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { parseSocketAddress, type SocketAddress } from '../../model/index.ts';
import { nodeHttp } from '../index.ts';
import { listenError } from './socket-errors.ts';

export interface Page {
  readonly contentType: string;
  readonly body: string;
  /** 200 when undefined. */
  readonly status?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface PageServer {
  /** With its real port. */
  readonly address: SocketAddress;
  /** Ends what is being answered; harmless when called twice. */
  close(): Promise<void>;
}

/** Undefined: there is no such page. What it throws is answered as a bare 500. */
export type PageHandler = (path: string) => Promise<Page | undefined>;

const maxConnections = 32;

/** Rejects with NetError: NET_ADDRESS_IN_USE, NET_NOT_PERMITTED, NET_ADDRESS_NOT_AVAILABLE, NET_FAILED. */
export async function servePages(at: SocketAddress, handler: PageHandler): Promise<PageServer> {
  const server = nodeHttp.createServer(
    { headersTimeout: 5_000, requestTimeout: 10_000, maxHeaderSize: 16_384 },
    // `answer` settles every failure itself.
    (request, response) => void answer(request, response, { handler, at }),
  );
  server.maxConnections = maxConnections;
  await listen(server, at);
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : at.port;
  return {
    address: { address: at.address, port },
    close: async () => {
      if (!server.listening) return;
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function listen(server: Server, at: SocketAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(listenError(at, cause)));
    server.listen({ host: at.address, port: at.port, exclusive: true }, resolve);
  });
}

interface Answering {
  readonly handler: PageHandler;
  readonly at: SocketAddress;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { handler, at }: Answering,
): Promise<void> {
  const send = (status: number, { contentType, body, headers }: Page): void => {
    const bytes = Buffer.from(body);
    response.writeHead(status, {
      ...headers,
      'content-type': contentType,
      'content-length': bytes.length,
    });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  };
  const refuse = (status: number, body: string): void => {
    response.setHeader('connection', 'close');
    send(status, { contentType: 'text/plain', body: `${body}\n` });
  };
  if (!isLoopback(at.address) || isLoopback(hostOf(request.headers.host))) {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return refuse(405, 'Only GET and HEAD are answered');
    }
    try {
      const [path = '/'] = (request.url ?? '/').split('?');
      const page = await handler(path);
      if (page === undefined) return refuse(404, 'There is no such page');
      return send(page.status ?? 200, page);
    } catch {
      return refuse(500, 'The page could not be made');
    }
  }
  return refuse(421, 'The Host header must name a loopback address or localhost');
}

/** Without its port; empty when there is none. */
function hostOf(header: string | undefined): string {
  if (header === undefined) return '';
  return parseSocketAddress(header)?.address ?? header.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
