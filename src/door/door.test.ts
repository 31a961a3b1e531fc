/** The door with real sockets: SOCKS5h and CONNECT by hand, by curl, and everything that is refused. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { test, type TestContext } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import type { SocketAddress } from '../model/index.ts';
import { silentLogger } from '../obs/index.ts';
import { readHandshake, type Phase } from './handshake.ts';
import { createDoor } from './server.ts';

const name = 'web.default.svc.cluster.local';
const declared = '127.0.0.74';

/** A door that knows one name, whose port 80 answers somewhere else. */
async function open(t: TestContext, backend: SocketAddress): Promise<SocketAddress> {
  const door = createDoor({
    log: silentLogger,
    address: '127.0.0.73',
    ports: [0],
    resolve: async (host) =>
      host === name ? [declared] : host === 'several' ? ['127.0.0.75', declared] : [],
    reach: (at) => (at.address === declared && at.port === 80 ? backend : at),
  });
  await door.start(AbortSignal.timeout(5_000));
  t.after(() => door.stop());
  return door.address()!;
}

async function web(t: TestContext): Promise<SocketAddress> {
  const server = createHttpServer((request, response) => response.end(`at ${request.url}\n`));
  server.listen(0, declared);
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  return { address: declared, port: (server.address() as AddressInfo).port };
}

function dial(t: TestContext, { address, port }: SocketAddress): Socket {
  const socket = connect({ host: address, port });
  socket.on('error', () => undefined);
  t.after(() => socket.destroy());
  return socket;
}

async function read(socket: Socket, length: number): Promise<Buffer> {
  let all: Buffer = Buffer.alloc(0);
  while (all.length < length) {
    const bytes = socket.read() as Buffer | null;
    if (bytes !== null) all = Buffer.concat([all, bytes]);
    else await once(socket, 'readable', { signal: AbortSignal.timeout(5_000) });
  }
  if (all.length > length) socket.unshift(all.subarray(length));
  return all.subarray(0, length);
}

async function readAll(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

const socksTo = (host: string, port: number): Buffer =>
  Buffer.concat([
    Buffer.from([5, 1, 0, 3, host.length]),
    Buffer.from(host),
    Buffer.from([port >> 8, port & 255]),
  ]);

const get = 'GET /x HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n';

test('SOCKS5: a name is resolved here, its stand-in is reached, what was sent early is not lost', async (t) => {
  const at = await open(t, await web(t));
  const socket = dial(t, at);
  socket.write(Buffer.from([5, 2, 2, 0]));
  assert.deepEqual([...(await read(socket, 2))], [5, 0]);
  socket.write(Buffer.concat([socksTo(name, 80), Buffer.from(get)]));
  assert.deepEqual([...(await read(socket, 10))], [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  assert.match((await readAll(socket)).toString(), /200 OK[^]*at \/x\n$/);
});

test('SOCKS5 byte by byte', async (t) => {
  const at = await open(t, await web(t));
  const socket = dial(t, at);
  const all = Buffer.concat([Buffer.from([5, 1, 0]), socksTo('several', 80), Buffer.from(get)]);
  for (const byte of all) {
    socket.write(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual([...(await read(socket, 12))], [5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  assert.match((await readAll(socket)).toString(), /at \/x\n$/);
});

test('HTTP CONNECT', async (t) => {
  const at = await open(t, await web(t));
  const socket = dial(t, at);
  socket.write(`CONNECT ${name}:80 HTTP/1.1\r\nHost: ${name}:80\r\n\r\n${get}`);
  const text = (await readAll(socket)).toString();
  assert.match(
    text,
    /^HTTP\/1\.1 200 Connection Established\r\n\r\nHTTP\/1\.1 200 OK[^]*at \/x\n$/,
  );
});

const socksRefusals: Readonly<Record<string, readonly [bytes: Buffer, reply: number]>> = {
  'no such name': [socksTo('nobody', 80), 4],
  'nobody listens': [socksTo(name, 1), 5],
  'port 0': [socksTo(name, 0), 1],
  'a command that is not CONNECT': [Buffer.from([5, 3, 0, 1, 0, 0, 0, 0, 0, 1]), 7],
  'an address of no kind': [Buffer.from([5, 1, 0, 9, 0, 0, 0, 0, 0, 1]), 8],
};

for (const [what, [bytes, reply]] of Object.entries(socksRefusals)) {
  test(`SOCKS5 refused: ${what}`, async (t) => {
    const socket = dial(t, await open(t, await web(t)));
    socket.write(Buffer.concat([Buffer.from([5, 1, 0]), bytes]));
    assert.deepEqual([...(await readAll(socket)).subarray(0, 4)], [5, 0, 5, reply]);
  });
}

const httpRefusals: Readonly<Record<string, readonly [text: string, reply: RegExp]>> = {
  'no such name': ['CONNECT nobody:80 HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 502 [^]*no such host\n$/],
  'a path instead of a URL': ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', /^HTTP\/1\.1 400 [^]*CONNECT/],
  'a URL of nobody': ['GET http://x/ HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 502 [^]*no such host\n$/],
  'no port': ['CONNECT web HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400 /],
  'no HTTP': ['\x16\x03\x01hello', /^$/],
  'a head without end': [
    `CONNECT web:80 HTTP/1.1\r\n${'x: y\r\n'.repeat(4_000)}`,
    /^HTTP\/1\.1 431 /,
  ],
  'SOCKS5 that wants a password': ['\x05\x01\x02', /^.\xff$/],
};

for (const [what, [text, reply]] of Object.entries(httpRefusals)) {
  test(`refused: ${what}`, async (t) => {
    const socket = dial(t, await open(t, await web(t)));
    socket.write(Buffer.from(text, 'latin1'));
    assert.match((await readAll(socket)).toString('latin1'), reply);
  });
}

test('a half-closed connection still brings the answer, a stopped door closes everything', async (t) => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const parts: Buffer[] = [];
    socket.on('data', (bytes: Buffer) => parts.push(bytes));
    socket.on('end', () => socket.end(`got ${Buffer.concat(parts).toString()}`));
    socket.on('error', () => undefined);
  });
  server.listen(0, declared);
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const at = await open(t, { address: declared, port });
  const socket = connect({ host: at.address, port: at.port, allowHalfOpen: true });
  socket.write(Buffer.concat([Buffer.from([5, 1, 0]), socksTo(name, 80), Buffer.from('all')]));
  await read(socket, 12);
  socket.end();
  assert.equal((await readAll(socket)).toString(), 'got all');
});

const hasCurl = ((): boolean => {
  try {
    execFileSync('sh', ['-c', 'command -v curl']);
    return true;
  } catch {
    return false;
  }
})();

test('a plain request, its body sent after it', async (t) => {
  const server = createHttpServer((request, response) => {
    void (async () => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const { host = '', via = '', connection = '' } = request.headers;
      response.end(
        `${request.url} ${host} ${via} ${connection} ${Buffer.concat(parts).toString()}`,
      );
    })();
  });
  server.listen(0, declared);
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const socket = dial(t, await open(t, { address: declared, port }));
  socket.write(`POST http://${name}/p HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\nall`);
  socket.write(' of');
  socket.write('i');
  const text = (await readAll(socket)).toString();
  assert.match(text, /^HTTP\/1\.1 200 OK[^]*Connection: close/);
  assert.ok(text.endsWith(`/p ${name} 1.1 switchyard close all ofi`), text);
});

test('curl, every way', { skip: hasCurl ? false : 'curl is not on this host' }, async (t) => {
  const { address, port } = await open(t, await web(t));
  for (const proxy of [
    ['-x', `socks5h://${address}:${port}`],
    ['-p', '-x', `http://${address}:${port}`],
    ['-x', `http://${address}:${port}`],
  ]) {
    const args = ['-sS', '-m', '10', ...proxy, `http://${name}/curl`];
    assert.equal((await promisify(execFile)('curl', args)).stdout, 'at /curl\n');
  }
});

test('any bytes end in waiting, going or refusing, and the order of arrival does not matter', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 80 }),
        fc.string().map((text) => Buffer.from(text)),
      ),
      fc.constantFrom<Phase>('greeting', 'request'),
      (raw, phase) => {
        const bytes = Buffer.from(raw);
        const step = readHandshake(bytes, phase);
        if (step.kind === 'go') assert.ok(step.taken <= bytes.length && step.to.port > 0);
        if (step.kind === 'say') assert.ok(step.taken > 0 && step.taken <= bytes.length);
      },
    ),
    { numRuns: 2_000 },
  );
});
