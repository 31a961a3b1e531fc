/**
 * Nothing is forwarded that a backend could read differently: each message of the table goes through the gateway,
 * and what it forwarded is read again by Node's parser, nginx and HAProxy, which must all read the same.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import test, { type TestContext } from 'node:test';
import type { SocketAddress } from '../model/index.ts';
import { malformedMessages } from './malformed-messages.ts';
import { startHaproxy, startNginx } from './peer-proxies.suite.ts';
import { endpointAt, engineOf, exchangeRaw, roundRobin, startGateway } from './testing.ts';

/** A request as some reader read it. */
interface Read {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly host: string | undefined;
  readonly body: string;
}

interface Recorder {
  readonly address: SocketAddress;
  readonly reads: Read[];
}

const lengthOfTable = 150;

test('the table has messages enough, each with a name of its own', () => {
  assert.ok(malformedMessages.length >= lengthOfTable, `${malformedMessages.length} messages`);
  assert.equal(new Set(malformedMessages.map(({ name }) => name)).size, malformedMessages.length);
});

test('what is forwarded is read alike by everybody', { timeout: 240_000 }, async (t) => {
  const recorder = await startRecorder(t);
  const tap = await startTap(t, recorder.address);
  const engine = await engineOf('epoll').catch(() => engineOf('portable'));
  const router = roundRobin([endpointAt(tap.address)]);
  router.policy = { ...router.policy, retries: 0 };
  const { address } = await startGateway(t, engine, { router });
  const peers = await startPeers(t, recorder.address);
  t.diagnostic(`readers beside Node: ${[...peers.keys()].join(', ') || 'none is installed'}`);
  const disagreements = new Map<string, number>();
  for (const { name, bytes, want } of malformedMessages) {
    await t.test(name, async () => {
      recorder.reads.length = 0;
      tap.take();
      const answer = await exchangeRaw(address, bytes, undefined, true);
      const status = /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1];
      const forwarded = tap.take();
      const reads = [...recorder.reads];
      if (want !== 'forward') {
        assert.equal(status, want === 'closed' ? undefined : String(want), answer);
        assert.deepEqual(reads, [], 'no backend may take it for a whole request');
      } else {
        assert.equal(status, '200', answer);
        assert.equal(reads.length, 1, `the backend read ${reads.length} requests`);
      }
      for (const [peer, at] of peers) {
        if (want === 'forward') {
          recorder.reads.length = 0;
          const text = await exchangeRaw(at, forwarded, undefined, true);
          assert.match(text, /^HTTP\/1\.1 200 /, `${peer} refuses what was forwarded`);
          assert.deepEqual(recorder.reads, reads, `${peer} reads it differently`);
        }
        recorder.reads.length = 0;
        await exchangeRaw(at, bytes, undefined, true);
        if (recorder.reads.length > 0 !== (want === 'forward')) {
          disagreements.set(peer, (disagreements.get(peer) ?? 0) + 1);
        }
      }
    });
  }
  for (const [peer, count] of disagreements) {
    t.diagnostic(`${peer} takes or refuses otherwise: ${count} of ${malformedMessages.length}`);
  }
});

/** A server of Node that writes down every whole request. */
async function startRecorder(t: TestContext): Promise<Recorder> {
  const reads: Read[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { method, url, headers } = request;
      reads.push({
        method,
        url,
        host: headers.host,
        body: Buffer.concat(parts).toString('latin1'),
      });
      response.end('ok');
    });
  });
  server.listen(0, '127.0.87.3');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: server.address() as unknown as SocketAddress, reads };
}

interface Tap {
  readonly address: SocketAddress;
  /** What came since the last time. */
  take(): Buffer;
}

/** Passes bytes on and keeps what goes to the server. */
async function startTap(t: TestContext, to: SocketAddress): Promise<Tap> {
  let parts: Buffer[] = [];
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    const onward = connect({ host: to.address, port: to.port, allowHalfOpen: true });
    socket.on('data', (part: Buffer) => void parts.push(part));
    for (const each of [socket, onward]) each.on('error', () => undefined);
    socket.on('close', () => onward.destroy());
    onward.on('close', () => socket.destroy());
    socket.pipe(onward).pipe(socket);
    t.after(() => socket.destroy());
  });
  server.listen(0, '127.0.87.3');
  await once(server, 'listening');
  t.after(() => server.close());
  return {
    address: { address: '127.0.87.3', port: (server.address() as unknown as SocketAddress).port },
    take: () => {
      const all = Buffer.concat(parts);
      parts = [];
      return all;
    },
  };
}

async function startPeers(
  t: TestContext,
  backend: SocketAddress,
): Promise<ReadonlyMap<string, SocketAddress>> {
  const peers = new Map<string, SocketAddress>([['node', backend]]);
  const nginx = await startNginx(t, backend);
  if (nginx !== undefined) peers.set('nginx', nginx);
  const haproxy = await startHaproxy(t, backend);
  if (haproxy !== undefined) peers.set('haproxy', haproxy);
  return peers;
}
