/** The dialer against servers of every age and mood: old protocols, refusals, cut streams, one that does not read. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { portForwardUpgrade, type Tunnel } from '../portforward/index.ts';
import { systemClock } from '../sys/index.ts';
import { byteStreamOf, listenStreams, openStream } from '../sys/net/index.ts';
import { createClusterDialer, type ClusterDialer } from './pod-dialer.ts';
import { accessTo } from './testing.ts';

const address = '127.0.0.226';
const tunnel = 'SPDY/3.1+portforward.k8s.io';
const channels = 'v4.channel.k8s.io';

interface Api {
  readonly dialer: ClusterDialer;
  /** Subprotocols that were asked for, in order. */
  readonly asked: string[];
  readonly sockets: Set<Socket>;
}

interface Mood {
  /** Of what it speaks; both when undefined. */
  readonly speaks?: readonly string[];
  /** Instead of an upgrade. */
  readonly refuse?: (
    protocol: string,
  ) => { readonly status: number; readonly body: string } | undefined;
  /** What a Pod answers with: what it heard, by default. */
  readonly pod?: number;
}

/** An API that has one Pod, `web`, whose every port leads to the same server. */
async function api(
  t: TestContext,
  { speaks = [tunnel, channels], refuse, pod = 0 }: Mood,
): Promise<Api> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((_request, response) => response.writeHead(404).end());
  server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    const protocol = request.headers['sec-websocket-protocol'] ?? '';
    asked.push(protocol);
    const refusal = refuse?.(protocol);
    const ports = new URL(request.url ?? '', 'http://x').searchParams.getAll('ports').map(Number);
    const header = (name: string): string | undefined => {
      const value = request.headers[name];
      return typeof value === 'string' ? value : undefined;
    };
    const upgrade = speaks.includes(protocol) ? portForwardUpgrade(header, ports) : undefined;
    if (refusal !== undefined || upgrade === undefined) {
      const { status, body } = refusal ?? { status: 403, body: '' };
      const head = `HTTP/1.1 ${status} No\r\nconnection: close\r\ncontent-length: ${body.length}`;
      return void socket.end(`${head}\r\n\r\n${body}`);
    }
    const lines = Object.entries(upgrade.headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`);
    upgrade.serve(byteStreamOf(socket), {
      pod: 'default/web',
      clock: systemClock,
      open: () => openStream({ address, port: pod }, { timeoutMs: 5_000 }),
    });
  });
  server.listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const access = accessTo(`http://${address}:${port}`);
  const clock = systemClock;
  const dialer = createClusterDialer({ access, clock, random: Math.random, userAgent: 'test' });
  t.after(() => {
    dialer.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { dialer, asked, sockets };
}

/** Answers with what it hears; ends when it has heard `.`. */
async function echo(t: TestContext): Promise<number> {
  const listener = await listenStreams({ address, port: 0 }, (stream) =>
    stream.start({
      onBytes: (bytes) => {
        if (!stream.write(bytes)) stream.pause();
        if (bytes.at(-1) === 46) stream.end();
      },
      onDrain: () => stream.resume(),
      onEnd: () => stream.end(),
      onClosed: () => undefined,
    }),
  );
  t.after(() => listener.close());
  return listener.address.port;
}

const web = { namespace: 'default', name: 'web', port: 80 };

function heard(from: Tunnel, say: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    from.start({
      onBytes: (bytes) => (text += bytes.toString()),
      onEnd: () => undefined,
      onDrain: () => undefined,
      onClosed: (problem) => (problem === undefined ? resolve(text) : reject(new Error(problem))),
    });
    from.write(Buffer.from(say));
  });
}

test('a session is kept for the next connection; two at once have two', async (t) => {
  const { dialer, asked } = await api(t, { pod: await echo(t) });
  for (const text of ['one.', 'two.', 'three.']) {
    assert.equal(await heard(await dialer.open(web), text), text);
  }
  assert.deepEqual(asked, [tunnel]);
  const [first, second] = [await dialer.open(web), await dialer.open(web)];
  assert.deepEqual(asked, [tunnel, tunnel]);
  assert.deepEqual(await Promise.all([heard(first, 'a.'), heard(second, 'b.')]), ['a.', 'b.']);
});

test('a session that went while it rested is made anew', async (t) => {
  const { dialer, asked, sockets } = await api(t, { pod: await echo(t) });
  assert.equal(await heard(await dialer.open(web), 'one.'), 'one.');
  for (const socket of sockets) socket.destroy();
  assert.equal(await heard(await dialer.open(web), 'two.'), 'two.');
  assert.deepEqual(asked, [tunnel, tunnel]);
});

test('an API that does not know SPDY over WebSocket is asked for channels, and only for them from then on', async (t) => {
  const { dialer, asked } = await api(t, { speaks: [channels], pod: await echo(t) });
  assert.equal(await heard(await dialer.open(web), 'one.'), 'one.');
  assert.equal(await heard(await dialer.open(web), 'two.'), 'two.');
  assert.deepEqual(asked, [tunnel, channels, channels]);
});

for (const protocol of [tunnel, channels]) {
  test(`what goes wrong behind the API is told (${protocol})`, async (t) => {
    const { dialer } = await api(t, { speaks: [protocol], pod: 9 });
    const says = /error forwarding port 80 to pod default\/web.*refused the connection/;
    await assert.rejects(heard(await dialer.open(web), 'x'), says);
  });

  test(`a stream that is cut is told, and the next one made anew (${protocol})`, async (t) => {
    const { dialer, sockets } = await api(t, { speaks: [protocol], pod: await echo(t) });
    const first = heard(await dialer.open(web), 'no end');
    for (const socket of sockets) socket.destroy();
    await Promise.allSettled([first]);
    assert.equal(await heard(await dialer.open(web), 'again.'), 'again.');
  });

  test(`who does not read is not written to without end (${protocol})`, async (t) => {
    const { dialer } = await api(t, { speaks: [protocol], pod: await echo(t) });
    const slow = await dialer.open(web);
    let got = 0;
    const ended = Promise.withResolvers<void>();
    slow.start({
      onBytes: (bytes) => {
        got += bytes.length;
      },
      onEnd: () => undefined,
      onDrain: () => drained.resolve(),
      onClosed: () => ended.resolve(),
    });
    let drained = Promise.withResolvers<void>();
    slow.pause();
    const piece = Buffer.alloc(65_536, 'x');
    // The other side reads on only while we do: some day nothing is taken any more.
    let sent = 0;
    while (slow.write(piece) && sent < 1 << 28) sent += piece.length;
    assert.ok(sent < 1 << 28);
    assert.equal(got, 0);
    slow.resume();
    await drained.promise;
    drained = Promise.withResolvers<void>();
    slow.write(Buffer.from('.'));
    await ended.promise;
    assert.equal(got, sent + piece.length + 1);
  });
}

const forbidden = JSON.stringify({
  kind: 'Status',
  status: 'Failure',
  reason: 'Forbidden',
  code: 403,
  message: 'pods "web" is forbidden: User "dev" cannot create resource "pods/portforward"',
});

test('forbidden, and no such Pod, in the words of the API', async (t) => {
  const refusing = await api(t, { refuse: () => ({ status: 403, body: forbidden }) });
  await assert.rejects(refusing.dialer.open(web), {
    code: 'Forbidden',
    message: /User "dev" cannot create resource "pods\/portforward"/,
  });
  const gone = await api(t, { refuse: () => ({ status: 404, body: '' }) });
  await assert.rejects(gone.dialer.open(web), { code: 'NotFound' });
  assert.deepEqual(gone.asked, [tunnel]);
});
