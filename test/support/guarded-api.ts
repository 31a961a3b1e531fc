/**
 * An API that asks who comes as a cluster's does, before ours: certificates of clients, tokens that expire, and a
 * certificate of its own that may be anybody's.
 */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer, request as ask, type RequestOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { TLSSocket } from 'node:tls';
import type { TestApi } from './api.ts';

export interface Guard {
  /** PEM of the server itself. */
  readonly cert: string;
  readonly key: string;
  /** Who signs the certificates of clients. */
  readonly clientCa: string;
  /** Asked for each request: whether it may pass. */
  readonly admits: (from: Visitor) => boolean;
}

export interface Visitor {
  readonly authorization: string | undefined;
  /** Its certificate is signed by the authority, and of now. */
  readonly hasCertificate: boolean;
}

export interface GuardedApi {
  readonly url: string;
  /** Paths of the requests that were refused. */
  readonly refused: readonly string[];
}

const address = '127.0.0.214';
const refusal = JSON.stringify({
  kind: 'Status',
  code: 401,
  reason: 'Unauthorized',
  message: 'Unauthorized',
});

/** Whoever is admitted is the API's administrator. */
export async function guardedApi(t: TestContext, api: TestApi, guard: Guard): Promise<GuardedApi> {
  const refused: string[] = [];
  const sockets = new Set<Socket>();
  const { cert, key, clientCa: ca } = guard;
  // As an API server does: a certificate is asked for, and judged request by request.
  const server = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: false });
  const admitted = (request: IncomingMessage): boolean => {
    const { socket, headers } = request;
    const hasCertificate = socket instanceof TLSSocket && socket.authorized;
    if (guard.admits({ authorization: headers.authorization, hasCertificate })) return true;
    refused.push(request.url ?? '');
    return false;
  };
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('request', (request, response) => {
    if (!admitted(request)) {
      response.writeHead(401, { 'content-type': 'application/json' });
      return void response.end(refusal);
    }
    const far = ask(passedOn(api, request), (reply) => {
      response.writeHead(reply.statusCode ?? 500, reply.headers);
      response.flushHeaders();
      reply.pipe(response);
      response.once('close', () => reply.destroy());
    });
    far.on('error', () => response.destroy());
    request.pipe(far);
  });
  server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    socket.on('error', () => undefined);
    if (!admitted(request)) {
      const length = `content-length: ${refusal.length}`;
      return void socket.end(`HTTP/1.1 401 Unauthorized\r\n${length}\r\n\r\n${refusal}`);
    }
    const far = ask(passedOn(api, request));
    far.on('error', () => socket.destroy());
    far.once('upgrade', (reply, farSocket, head) => {
      const lines = Object.entries(reply.headers).map(
        ([name, value]) => `${name}: ${String(value)}\r\n`,
      );
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`);
      if (head.length > 0) socket.write(head);
      farSocket.on('error', () => socket.destroy());
      socket.pipe(farSocket);
      farSocket.pipe(socket);
    });
    far.end();
  });
  server.listen(0, address);
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `https://${address}:${(server.address() as AddressInfo).port}`, refused };
}

function passedOn({ url, ca, token }: TestApi, request: IncomingMessage): RequestOptions {
  const { hostname, port } = new URL(url);
  return {
    hostname,
    port,
    ca,
    servername: 'localhost',
    method: request.method,
    path: request.url,
    headers: { ...request.headers, host: 'localhost', authorization: `Bearer ${token}` },
    agent: false,
  };
}
