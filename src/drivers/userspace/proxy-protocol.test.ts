/** A backend that asks for the PROXY protocol is told its client, through real sockets. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { decodeProxyHeader } from '../../codec/index.ts';
import { emptyPlan, nextPlan, type SocketAddress, type VirtualServer } from '../../model/index.ts';
import { silentLogger } from '../../obs/index.ts';
import { systemClock } from '../../sys/index.ts';
import { createPortableEngine, createPortableUdp } from '../../sys/net/index.ts';
import { startServer, type PlainServer } from '../../sys/net/testing.ts';
import { clusterIp, freePort, testEndpoint, testNode, testServer } from '../conformance/index.ts';
import { createUserspaceDriver } from './driver.ts';

async function serve(
  t: TestContext,
  proxyProtocol: VirtualServer['proxyProtocol'],
): Promise<Served> {
  const backends = await startServer(t, '127.9.70.1');
  const driver = createUserspaceDriver({
    engine: createPortableEngine(),
    udp: createPortableUdp(),
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
  });
  const dead = testEndpoint({ address: '127.9.70.3', port: await freePort('127.9.70.3') });
  const at = { address: '127.9.70.2', port: await freePort('127.9.70.2') };
  const endpoints = [dead, testEndpoint(backends.address)];
  const { plan } = nextPlan(emptyPlan(testNode()), {
    set: [testServer([clusterIp(at)], { endpoints, proxyProtocol })],
    remove: [],
  })!;
  await driver.apply(plan, undefined, new AbortController().signal);
  t.after(() => driver.stop(AbortSignal.abort()));
  return { at, backends };
}

interface Served {
  readonly at: SocketAddress;
  readonly backends: PlainServer;
}

for (const version of ['v1', 'v2'] as const) {
  test(`the backend is told its client by ${version}, also when another endpoint refused`, async (t) => {
    const { at, backends } = await serve(t, version);
    for (let i = 0; i < 3; i++) {
      const [client, backend] = await open(t, at, backends);
      client.write('hello');
      const bytes = await read(backend, (so) => String(so).endsWith('hello'));
      const header = decodeProxyHeader(bytes);
      assert.ok(header.kind === 'header');
      const source = { address: client.localAddress, port: client.localPort };
      assert.deepEqual([header.version, header.ends], [version, { source, destination: at }]);
      assert.equal(String(bytes.subarray(header.length)), 'hello');
    }
  });

  test(`a backend that speaks first is told by ${version} without a word of the client`, async (t) => {
    const { at, backends } = await serve(t, version);
    const [client, backend] = await open(t, at, backends);
    await read(backend, (so) => decodeProxyHeader(so).kind === 'header');
    backend.write('220 ready');
    assert.equal(String(await read(client, (so) => so.length === 9)), '220 ready');
  });
}

test('without it the backend gets what the client sent and nothing else', async (t) => {
  const { at, backends } = await serve(t, 'none');
  const [client, backend] = await open(t, at, backends);
  client.write('hello');
  assert.equal(String(await read(backend, (so) => so.length >= 5)), 'hello');
});

async function open(
  t: TestContext,
  at: SocketAddress,
  backends: PlainServer,
): Promise<readonly [client: Socket, backend: Socket]> {
  const client = connect({ host: at.address, port: at.port });
  client.on('error', () => undefined);
  t.after(() => client.destroy());
  const [backend] = await Promise.all([backends.next(), once(client, 'connect')]);
  return [client, backend];
}

async function read(socket: Socket, enough: (so: Buffer) => boolean): Promise<Buffer> {
  let so: Buffer = Buffer.alloc(0);
  while (!enough(so)) {
    const bytes: unknown = socket.read();
    if (bytes instanceof Buffer) so = Buffer.concat([so, bytes]);
    else await once(socket, 'readable');
  }
  return so;
}
