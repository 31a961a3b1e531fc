/**
 * Requests of both versions of HTTP while endpoints come and go: none fails, and all are counted. A slice of the
 * whole run, which is the soak's.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, request as httpRequest, type Server } from 'node:http';
import { connect, type ClientHttp2Session } from 'node:http2';
import process from 'node:process';
import test, { type TestContext } from 'node:test';
import type { SocketAddress } from '../model/index.ts';
import type { RoutedEndpoint } from './router.ts';
import { endpointAt, engineOf, roundRobin, startGateway } from './testing.ts';

const soak = process.env['SWITCHYARD_SOAK'] === '1';
const requests = soak ? 200_000 : 6_000;
const changes = soak ? 500 : 15;
const lanes = 16;
const address = '127.0.87.7';

/** Servers that end as a Pod does: they stop listening, answer what they have, and close idle connections. */
class Backends {
  served = 0;
  private readonly servers = new Map<string, Server>();
  private readonly t: TestContext;

  constructor(t: TestContext) {
    this.t = t;
  }

  async add(): Promise<RoutedEndpoint> {
    const server = createServer((_, response) => {
      this.served++;
      response.end('ok');
    });
    server.listen(0, address);
    await once(server, 'listening');
    this.t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const endpoint = endpointAt(server.address() as unknown as SocketAddress);
    this.servers.set(endpoint.key, server);
    return endpoint;
  }

  remove({ key }: RoutedEndpoint): void {
    const server = this.servers.get(key);
    this.servers.delete(key);
    server?.close();
    server?.closeIdleConnections();
  }
}

function http1Client(
  t: TestContext,
  { address: host, port }: SocketAddress,
): () => Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: lanes });
  t.after(() => agent.destroy());
  return () =>
    new Promise((resolve, reject) => {
      httpRequest({ host, port, agent, path: '/' }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      })
        .on('error', reject)
        .end();
    });
}

function http2Client(
  t: TestContext,
  { address: host, port }: SocketAddress,
): () => Promise<number> {
  const client: ClientHttp2Session = connect(`http://${host}:${port}`);
  t.after(() => client.destroy());
  return () =>
    new Promise((resolve, reject) => {
      let status = 0;
      client
        .request({ ':path': '/' })
        .on('response', (headers) => (status = Number(headers[':status'])))
        .on('end', () => resolve(status))
        .on('error', reject)
        .resume()
        .end();
    });
}

for (const name of ['portable', 'epoll'] as const) {
  for (const version of ['HTTP/1.1', 'HTTP/2'] as const) {
    const engine = await engineOf(name).catch(() => undefined);
    const skip = engine === undefined && 'there is no epoll';
    const title = `${name}: ${requests} requests of ${version} through ${changes} changes of endpoints`;
    void test(title, { skip, timeout: 900_000 }, async (t) => {
      if (engine === undefined) return;
      const backends = new Backends(t);
      const router = roundRobin([await backends.add(), await backends.add(), await backends.add()]);
      const { address: at, gateway } = await startGateway(t, engine, { router });
      const ask = version === 'HTTP/2' ? http2Client(t, at) : http1Client(t, at);
      let done = 0;
      let changed = 0;
      const each = Math.floor(requests / changes);
      const change = async (): Promise<void> => {
        const next = await backends.add();
        const [old, ...others] = router.endpoints;
        router.endpoints = [...others, next];
        if (old !== undefined) backends.remove(old);
        changed++;
      };
      let changing = Promise.resolve();
      const lane = async (): Promise<void> => {
        while (done < requests) {
          if (++done % each === 0) changing = changing.then(change);
          assert.equal(await ask(), 200);
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
      await changing;
      assert.ok(changed >= changes - 1, `${changed} changes`);
      const counted = gateway
        .observe()[0]
        ?.endpoints.reduce((sum, { codes }) => sum + (codes[200] ?? 0), 0);
      assert.equal(counted, done, 'every request is counted once');
      assert.equal(backends.served, done, 'and was served once');
      assert.deepEqual(gateway.observe()[0]?.refused, {});
    });
  }
}
