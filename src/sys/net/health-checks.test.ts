/** HTTP and gRPC checks against real servers: what they say, and that they give up in time. */
import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { SocketAddress } from '../../model/index.ts';
import { checkGrpc } from './grpc-check.ts';
import { checkHttp } from './http-check.ts';

const signal = new AbortController().signal;

async function listen(t: TestContext, server: Server): Promise<SocketAddress> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return { address: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

/** Takes connections and never answers. */
const silent = (t: TestContext): Promise<SocketAddress> =>
  listen(
    t,
    createServer((socket) => {
      socket.on('error', () => undefined);
      t.after(() => socket.destroy());
    }),
  );

test('an HTTP check tells the status and sends its headers', async (t) => {
  const server = createHttpServer((request, response) => {
    response.statusCode = request.headers['x-probe'] === 'yes' ? 204 : 503;
    response.end();
  });
  const at = await listen(t, server);
  const options = { at, path: '/health', secure: false, timeoutMs: 5_000, signal };
  assert.equal(await checkHttp({ ...options, headers: { 'x-probe': 'yes' } }), 204);
  assert.equal(await checkHttp({ ...options, headers: {} }), 503);
});

test('an HTTP check gives up in time', async (t) => {
  const at = await silent(t);
  const options = { at, path: '/', secure: false, headers: {}, timeoutMs: 30, signal };
  await assert.rejects(checkHttp(options));
});

test('a gRPC check tells SERVING from everything else, for the service asked', async (t) => {
  const server = createHttp2Server();
  server.on('stream', (stream: ServerHttp2Stream) => {
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('end', () => {
      const asked = Buffer.concat(parts).subarray(7).toString();
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      const status = asked === 'shop' ? 1 : 2;
      stream.end(Buffer.from([0, 0, 0, 0, 2, 0x08, status]));
    });
  });
  const at = await listen(t, server);
  const options = { at, timeoutMs: 5_000, signal };
  assert.equal(await checkGrpc({ ...options, service: 'shop' }), true);
  assert.equal(await checkGrpc({ ...options, service: '' }), false);
});

test('a gRPC check gives up in time, and says when nobody is there', async (t) => {
  const at = await silent(t);
  await assert.rejects(checkGrpc({ at, service: '', timeoutMs: 30, signal }), /no answer in time/);
  const nobody = { address: '127.0.0.1', port: 1 };
  await assert.rejects(
    checkGrpc({ at: nobody, service: '', timeoutMs: 5_000, signal }),
    /ECONNREFUSED/,
  );
});
