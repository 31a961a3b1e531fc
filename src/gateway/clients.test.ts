/** Real clients and backends: curl, WebSocket by `ws`, nginx; and what they do that is large, slow or many. */
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import process from 'node:process';
import test, { type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { WebSocket, WebSocketServer } from 'ws';
import type { SocketAddress } from '../model/index.ts';
import type { StreamEngine } from '../sys/net/index.ts';
import { until } from '../sys/net/testing.ts';
import { defaultBounds } from './bounds.ts';
import { startNginx } from './peer-proxies.suite.ts';
import {
  endpointAt,
  engineOf,
  exchangeRaw,
  roundRobin,
  startBackend,
  startGateway,
} from './testing.ts';

const soak = process.env['SWITCHYARD_SOAK'] === '1';
const run = promisify(execFile);

type Check = (what: string, body: (t: TestContext, engine: StreamEngine) => Promise<void>) => void;

function hasCurl(): boolean {
  try {
    execFileSync('curl', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function clients(check: Check): void {
  check('curl with HTTP/1.1, HTTP/1.0 and h2c; nginx behind', async (t, engine) => {
    if (!hasCurl()) return t.skip('curl is not installed');
    const origin = await startBackend(t, (request, response) => {
      request.on('data', () => undefined).on('end', () => response.end(`${request.method} done`));
    });
    const nginx = await startNginx(t, origin.endpoint);
    const endpoints = [origin.endpoint, ...(nginx === undefined ? [] : [endpointAt(nginx)])];
    if (nginx === undefined) t.diagnostic('nginx is not installed: without it');
    const { address } = await startGateway(t, engine, { router: roundRobin(endpoints) });
    const url = `http://${address.address}:${address.port}/x`;
    for (const version of ['--http1.1', '--http1.0', '--http2-prior-knowledge', '--http2']) {
      for (const [args, want] of [
        [[], 'GET done 200'],
        [['-X', 'POST', '--data-binary', 'a'.repeat(5000)], 'POST done 200'],
        [['-T', '-', '-H', 'Expect: 100-continue'], 'PUT done 200'],
        [['-I'], ' 200'],
      ] as const) {
        // HTTP/1.0 has no body without a length.
        if (version === '--http1.0' && args[0] === '-T') continue;
        // Both endpoints, one after the other.
        for (let i = 0; i < endpoints.length; i++) {
          const call = run('curl', [
            '-sS',
            '-m',
            '10',
            version,
            '-w',
            ' %{http_code}',
            ...args,
            url,
          ]);
          call.child.stdin?.end('from stdin');
          const { stdout } = await call;
          assert.ok(stdout.endsWith(want), `${version} ${args.join(' ').slice(0, 30)}: ${stdout}`);
        }
      }
    }
  });

  check('WebSocket by ws: text, binary, ping, and a close with its code', async (t, engine) => {
    const server = new WebSocketServer({ host: '127.0.87.8', port: 0 });
    await once(server, 'listening');
    t.after(() => server.close());
    server.on('connection', (socket) => {
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    const backend = endpointAt(server.address() as unknown as SocketAddress);
    const { address } = await startGateway(t, engine, { router: roundRobin([backend]) });
    const socket = new WebSocket(`ws://${address.address}:${address.port}/chat`);
    t.after(() => socket.terminate());
    await once(socket, 'open');
    for (const size of [1, 125, 65_536, 1_000_000]) {
      const sent = Buffer.alloc(size, 'x');
      socket.send(sent);
      const [got] = (await once(socket, 'message')) as [Buffer];
      assert.ok(got.equals(sent), `${size} bytes`);
    }
    socket.ping('are you there');
    const [pong] = (await once(socket, 'pong')) as [Buffer];
    assert.equal(pong.toString(), 'are you there');
    socket.close(4001, 'enough');
    const [code] = (await once(socket, 'close')) as [number];
    assert.equal(code, 4001);
  });
}

const mebi = 1024 * 1024;

function amounts(check: Check): void {
  const total = (soak ? 1024 : 96) * mebi;
  check(`${total / mebi} MiB in chunks both ways, unchanged, in flat memory`, async (t, engine) => {
    const { endpoint } = await startBackend(t, (request, response) => request.pipe(response));
    const { address } = await startGateway(t, engine, { router: roundRobin([endpoint]) });
    const block = Buffer.alloc(256 * 1024, 'switchyard ');
    const sent = createHash('sha256');
    let left = total;
    const source = new Readable({
      read() {
        if (left <= 0) return void this.push(null);
        left -= block.length;
        sent.update(block);
        this.push(block);
      },
    });
    const { address: host, port } = address;
    const request = httpRequest({ host, port, method: 'POST', agent: false });
    source.pipe(request);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const got = createHash('sha256');
    let bytes = 0;
    let before = 0;
    let peak = 0;
    for await (const part of response as AsyncIterable<Buffer>) {
      got.update(part);
      bytes += part.length;
      const { rss } = process.memoryUsage();
      if (before === 0 && bytes > 16 * mebi) before = rss;
      peak = Math.max(peak, rss);
    }
    assert.equal(bytes, total);
    assert.equal(got.digest('hex'), sent.digest('hex'));
    // Client and backend are in this process as well: it is the growth with the amount that must not be.
    assert.ok(peak - before < 160 * mebi, `${Math.round((peak - before) / mebi)} MiB more`);
  });

  const slow = soak ? 10_000 : 600;
  check(
    `${slow} clients that never finish their heads cost little and harm nobody`,
    async (t, engine) => {
      const { endpoint } = await startBackend(t, (_, response) => response.end('fine'));
      const bounds = { ...defaultBounds, headTimeoutMs: soak ? 45_000 : 10_000 };
      const { address, gateway } = await startGateway(t, engine, {
        router: roundRobin([endpoint]),
        bounds,
      });
      const before = process.memoryUsage().rss;
      const child = spawn(process.execPath, ['-e', slowloris(address, slow)], { stdio: 'ignore' });
      t.after(() => child.kill('SIGKILL'));
      const open = (): number => gateway.observe()[0]?.connections ?? 0;
      const deadline = performance.now() + 30_000;
      while (open() < slow && performance.now() < deadline) {
        const text = await exchangeRaw(
          address,
          'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
        );
        assert.match(text, /fine$/);
      }
      assert.ok(open() >= slow, `${open()} are open`);
      const perClient = (process.memoryUsage().rss - before) / slow;
      t.diagnostic(`${Math.round(perClient / 1024)} KiB a client`);
      for (let i = 0; i < 200; i++) {
        const text = await exchangeRaw(
          address,
          'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
        );
        assert.match(text, /^HTTP\/1\.1 200 [^]*fine$/);
      }
      assert.ok(process.memoryUsage().rss - before < slow * 24 * 1024 + 96 * mebi);
      child.kill('SIGKILL');
      await until(() => open() === 0, 'all of them are gone');
    },
  );
}

/** A process of its own that sends each head in crumbs, for ever. */
function slowloris({ address, port }: SocketAddress, count: number): string {
  return `
    const { connect } = require('node:net');
    const sockets = [];
    const open = () => {
      for (let i = 0; i < 50 && sockets.length < ${count}; i++) {
        const socket = connect(${port}, '${address}');
        socket.on('error', () => undefined);
        socket.write('GET / HTTP/1.1\\r\\nHost: x\\r\\n');
        sockets.push(socket);
      }
    };
    setInterval(open, 10);
    setInterval(() => { for (const s of sockets) s.write('X: a\\r\\n'); }, 1000);
  `;
}

for (const name of ['portable', 'epoll'] as const) {
  const engine = await engineOf(name).catch(() => undefined);
  const check: Check = (what, body) =>
    void test(
      `${name}: ${what}`,
      { timeout: 240_000, skip: engine === undefined && 'there is no epoll' },
      (t) => (engine === undefined ? Promise.resolve() : body(t, engine)),
    );
  clients(check);
  amounts(check);
}
