/** What endpoints bear: how many connections, which requests are said to them again, and what is written down. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { SocketAddress } from '../model/index.ts';
import type { Logger } from '../obs/index.ts';
import { until } from '../sys/net/testing.ts';
import type { AccessRecord } from './access-log.ts';
import {
  onEveryEngine,
  exchangeRaw,
  roundRobin,
  startBackend,
  startGateway,
  startRawBackend,
  type Check,
} from './testing.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const get = 'GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n';
const post = 'POST /pay HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nsum';

await onEveryEngine(boundChecks, twiceChecks, logChecks);

function boundChecks(check: Check): void {
  check(
    'an endpoint gets no more connections than its bound, and all requests',
    async (t, engine) => {
      const waiting: ServerResponse[] = [];
      let most = 0;
      const { endpoint, server } = await startBackend(
        t,
        (_, response) => void waiting.push(response),
      );
      const sockets = new Set<Socket>();
      server.on('connection', (socket: Socket) => {
        sockets.add(socket);
        most = Math.max(most, sockets.size);
        socket.once('close', () => sockets.delete(socket));
      });
      const options = { maxEndpointConnections: 2, maxWaiting: 3 };
      const { address } = await startGateway(t, engine, {
        router: roundRobin([endpoint]),
        options,
      });
      const answers: string[] = [];
      const ask = async (): Promise<void> => {
        answers.push((await exchangeRaw(address, get, /\r\n\r\n./)).slice(9, 12));
      };
      const first = [ask(), ask()];
      await until(() => waiting.length === 2, 'two are under way');
      const later = [ask(), ask(), ask(), ask()];
      await until(() => answers.length === 1, 'three wait, and the one more is refused');
      for (let answered = 0; answered < 5; answered++) {
        await until(() => waiting.length > 0, 'the next request comes');
        waiting.shift()?.end('ok');
      }
      await Promise.all([...first, ...later]);
      assert.deepEqual(answers, ['503', '200', '200', '200', '200', '200']);
      assert.equal(most, 2);
    },
  );
}

function twiceChecks(check: Check): void {
  check('a POST goes to no connection that its endpoint has left', async (t, engine) => {
    const said: string[] = [];
    const sockets: Socket[] = [];
    const endpoint = await startRawBackend(t, (socket) => {
      sockets.push(socket);
      socket.on('data', (bytes) => {
        said.push(String(bytes).slice(0, 4));
        socket.write(ok);
      });
    });
    const router = roundRobin([endpoint]);
    const { address } = await startGateway(t, engine, { router });
    const client = await openClient(t, address);
    client.write(get);
    await once(client, 'data');
    const left = sockets[0];
    assert.ok(left !== undefined);
    // Both in one turn: epoll tells of the request first. The portable engine is told of the end first or asks Node.
    if (engine.name === 'epoll') client.write(post);
    left.resetAndDestroy();
    if (engine.name === 'portable') {
      await until(() => left.closed, 'the connection is gone');
      client.write(post);
    }
    const [answer]: unknown[] = await once(client, 'data');
    assert.match(String(answer), /^HTTP\/1\.1 200 /);
    assert.deepEqual(said, ['GET ', 'POST']);
    assert.deepEqual(
      router.outcomes.map(({ failure }) => failure),
      [undefined, undefined],
    );
  });

  check('a POST that an endpoint may have heard is not said twice', async (t, engine) => {
    let heard = 0;
    const endpoint = await startRawBackend(t, (socket) => {
      socket.on('data', (bytes) => {
        if (String(bytes).startsWith('GET')) return void socket.write(ok);
        heard++;
        socket.resetAndDestroy();
      });
    });
    const { address } = await startGateway(t, engine, { router: roundRobin([endpoint]) });
    const client = await openClient(t, address);
    client.write(get);
    await once(client, 'data');
    client.write(post);
    const [answer]: unknown[] = await once(client, 'data');
    assert.match(String(answer), /^HTTP\/1\.1 502 .*closed the connection before it answered/s);
    assert.equal(heard, 1);
  });
}

function logChecks(check: Check): void {
  check('the access log has a line for each request of its share', async (t, engine) => {
    const lines: AccessRecord[] = [];
    const gone = await startRawBackend(t, (socket) => void socket.resetAndDestroy());
    const { endpoint } = await startBackend(t, (_, response) => response.writeHead(204).end());
    const router = roundRobin([gone, endpoint]);
    let drawn = 0;
    const options = {
      log: recorder(lines),
      accessLogShare: 0.5,
      random: () => [0.2, 0.7][drawn++ % 2] ?? 0,
    };
    const { address, port } = await startGateway(t, engine, { router, options });
    await exchangeRaw(address, get, /\r\n\r\n/); // written down, tried twice
    await exchangeRaw(address, get, /\r\n\r\n/); // not of the share
    router.endpoints = [];
    await exchangeRaw(address, 'DELETE /x HTTP/1.1\r\nHost: x\r\n\r\n', /\r\n\r\n/);
    const seen = lines.map(({ tookMs, ...line }) => {
      assert.ok(tookMs >= 0 && tookMs < 30_000, String(tookMs));
      return line;
    });
    const common = { port: port.id, failure: undefined };
    assert.deepEqual(seen, [
      { ...common, method: 'GET', path: '/a?b', status: 204, endpoint: endpoint.key, attempts: 2 },
      { ...common, method: 'DELETE', path: '/x', status: 503, endpoint: undefined, attempts: 1 },
    ]);
  });
}

async function openClient(t: TestContext, { address, port }: SocketAddress): Promise<Socket> {
  const client = connect({ host: address, port, noDelay: true });
  t.after(() => client.destroy());
  await once(client, 'connect');
  return client;
}

function recorder(lines: AccessRecord[]): Logger {
  const drop = (): void => undefined;
  const log: Logger = {
    debug: drop,
    warn: drop,
    error: drop,
    info: (_, fields) => void lines.push(fields as unknown as AccessRecord),
    child: () => log,
  };
  return log;
}
