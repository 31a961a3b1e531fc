/** HTTP/2, h2c and TLS through the gateway, on both engines: every pair of versions, trailers, streams. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import {
  connect,
  createServer,
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import type { SocketAddress } from '../model/index.ts';
import type { StreamEngine } from '../sys/net/index.ts';
import type { RoutedEndpoint, TlsIdentity } from './router.ts';
import {
  exchangeRaw,
  onEveryEngine,
  roundRobin,
  startBackend,
  startGateway,
  type Check,
} from './testing.ts';

await onEveryEngine(pairs, streams, tls);

function pairs(check: Check): void {
  check('HTTP/2 to a backend of HTTP/1.1', async (t, engine) => {
    const { endpoint } = await startBackend(t, (request, response) => {
      response.setHeader('x-seen', JSON.stringify(request.headers));
      response.setHeader('set-cookie', ['a=1', 'b=2']);
      request.pipe(response);
    });
    const router = roundRobin([endpoint]);
    router.addToResponse = [['Set-Cookie', 'sticky=1']];
    const { address } = await startGateway(t, engine, { router });
    const client = openClient(t, address);
    const reply = await ask(
      client,
      { ':method': 'POST', ':path': '/p?q', cookie: ['c=1', 'd=2'] },
      'hello',
    );
    assert.equal(reply.headers[':status'], 200);
    assert.deepEqual(reply.headers['set-cookie'], ['a=1', 'b=2', 'sticky=1']);
    assert.equal(reply.body.toString(), 'hello');
    const seen = JSON.parse(String(reply.headers['x-seen'])) as Record<string, string>;
    assert.equal(seen['cookie'], 'c=1; d=2');
    assert.equal(seen['transfer-encoding'], 'chunked');
    assert.equal(seen['x-forwarded-for'], '127.0.0.1');
    const head = await ask(client, { ':method': 'HEAD', ':path': '/' });
    assert.equal(head.headers[':status'], 200);
    assert.equal(head.body.length, 0);
  });

  check('HTTP/1.1 to a backend of HTTP/2', async (t, engine) => {
    const endpoint = await startHttp2Backend(t, (stream, headers) => {
      stream.respond({
        ':status': 200,
        'x-method': headers[':method'],
        'x-te': headers['te'] ?? '',
      });
      stream.pipe(stream);
    });
    const { address } = await startGateway(t, engine, { router: roundRobin([endpoint]) });
    const text = await exchangeRaw(
      address,
      'PUT /x HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nContent-Length: 5\r\n\r\nhelloGET /y HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    );
    assert.match(
      text,
      /^HTTP\/1\.1 200 OK\r\n[^]*x-method: PUT\r\nx-te: trailers[^]*\r\n5\r\nhello\r\n0\r\n\r\nHTTP/,
    );
    assert.match(text, /x-method: GET/);
  });

  check('what HTTP/2 allows and HTTP/1.1 does not is refused', async (t, engine) => {
    let served = 0;
    const { endpoint } = await startBackend(t, (_, response) => {
      served++;
      response.end();
    });
    const { address } = await startGateway(t, engine, { router: roundRobin([endpoint]) });
    const wrong: readonly Record<string, string>[] = [
      { ':path': '/a b' },
      { ':path': 'a' },
      { ':path': '/a#b' },
      { ':authority': 'x y' },
      { ':authority': 'a@x' },
      { ':authority': 'x', host: 'other' },
      { content_length: '3' },
    ];
    for (const headers of wrong) {
      const client = openClient(t, address);
      const reply = await ask(client, { ':path': '/', ...headers }).catch(() => undefined);
      assert.notEqual(reply?.headers[':status'], 200, JSON.stringify(headers));
    }
    assert.equal(served, 0);
  });
}

function streams(check: Check): void {
  const messages = async (
    t: TestContext,
    engine: StreamEngine,
    identity: TlsIdentity | undefined,
  ): Promise<void> => {
    const endpoint = await startHttp2Backend(t, (stream) => {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc' },
        { waitForTrailers: true },
      );
      stream.on('wantTrailers', () =>
        stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': 'fine' }),
      );
      stream.on('data', (bytes: Buffer) => stream.write(`echo ${bytes.toString()}`));
      stream.on('end', () => stream.end());
    });
    const { address } = await startGateway(t, engine, {
      router: roundRobin([endpoint]),
      tls: identity && { identities: () => [identity] },
    });
    const client = openClient(t, address, identity === undefined ? 'http' : 'https');
    const call = client.request({
      ':method': 'POST',
      ':path': '/pkg.Service/Method',
      te: 'trailers',
      'content-type': 'application/grpc',
    });
    const trailers = once(call, 'trailers');
    call.setEncoding('utf8');
    for (const word of ['one', 'two', 'three']) {
      call.write(word);
      const [said]: unknown[] = await once(call, 'data');
      assert.equal(said, `echo ${word}`, 'before the next message is sent');
    }
    call.end();
    const [got] = (await trailers) as [IncomingHttpHeaders];
    assert.equal(got['grpc-status'], '0');
    assert.equal(got['grpc-message'], 'fine');
  };

  check('gRPC: messages both ways while the call is open, then trailers', (t, engine) =>
    messages(t, engine, undefined),
  );

  check('gRPC over TLS: the same', async (t, engine) => {
    const made = makeIdentities(t);
    if (typeof made === 'string') return t.skip(made);
    await messages(t, engine, made.one);
  });

  check('large bodies of many streams at once', async (t, engine) => {
    const endpoint = await startHttp2Backend(t, (stream) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    });
    const { address } = await startGateway(t, engine, { router: roundRobin([endpoint]) });
    const client = openClient(t, address);
    const body = Buffer.alloc(700_000, 'abcdefg');
    const replies = await Promise.all(
      Array.from({ length: 12 }, () => ask(client, { ':method': 'POST', ':path': '/' }, body)),
    );
    for (const reply of replies) assert.ok(reply.body.equals(body));
  });

  check('a stream that is reset takes its request with it', async (t, engine) => {
    const closed = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const endpoint = await startHttp2Backend(t, (stream) => {
      stream.on('close', () => closed.resolve());
      stream.on('error', () => undefined);
      arrived.resolve();
    });
    const router = roundRobin([endpoint]);
    const { address } = await startGateway(t, engine, { router });
    const call = openClient(t, address).request({ ':path': '/' });
    call.on('error', () => undefined);
    await arrived.promise;
    call.close(8);
    await closed.promise;
    assert.equal(router.outcomes[0]?.failure, 'client-gone');
  });

  check('a backend that ends its connection costs no request', async (t, engine) => {
    let sessions = 0;
    const endpoint = await startHttp2Backend(t, (stream) => {
      stream.respond({ ':status': 200 });
      stream.end('ok');
      if (++sessions % 3 === 0) stream.session?.close();
    });
    const { address } = await startGateway(t, engine, { router: roundRobin([endpoint]) });
    const client = openClient(t, address);
    for (let i = 0; i < 20; i++) {
      const reply = await ask(client, { ':path': '/' });
      assert.equal(reply.headers[':status'], 200);
    }
  });
}

function tls(check: Check): void {
  check(
    'TLS by name, both versions, and a new certificate without a restart',
    async (t, engine) => {
      const made = makeIdentities(t);
      if (typeof made === 'string') return t.skip(made);
      const { endpoint } = await startBackend(t, (request, response) => {
        response.end(request.headers['x-forwarded-proto']);
      });
      let identities: readonly TlsIdentity[] = [made.one, made.two];
      const { address } = await startGateway(t, engine, {
        router: roundRobin([endpoint]),
        tls: { identities: () => identities },
      });
      assert.equal(await nameShown(address, 'two.example'), 'two.example');
      assert.equal(await nameShown(address, 'sub.wild.example'), 'two.example');
      assert.equal(await nameShown(address, 'unknown.example'), 'one.example');
      identities = [made.two];
      assert.equal(await nameShown(address, 'unknown.example'), 'two.example');
      const client = connect(`https://${address.address}:${address.port}`, {
        rejectUnauthorized: false,
      });
      t.after(() => client.destroy());
      const reply = await ask(client, { ':path': '/' });
      assert.equal(reply.body.toString(), 'https');
      const socket = connectTls({
        host: address.address,
        port: address.port,
        rejectUnauthorized: false,
      });
      socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      assert.match((await buffer(socket)).toString(), /^HTTP\/1\.1 200 [^]*https$/);
    },
  );
  check(
    'a client that goes in the middle of its handshake is forgotten at once',
    async (t, engine) => {
      const made = makeIdentities(t);
      if (typeof made === 'string') return t.skip(made);
      const { gateway, address } = await startGateway(t, engine, {
        router: roundRobin([]),
        tls: { identities: () => [made.one] },
      });
      // It has seen the certificate, and the gateway nothing of it yet: what a probe of a TLS port does.
      for (let i = 0; i < 3; i++) await nameShown(address, 'one.example');
      const deadline = Date.now() + 5_000;
      while (gateway.observe()[0]?.connections !== 0) {
        assert.ok(Date.now() < deadline, 'not before the time for a handshake is over');
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
  );
}

interface Reply {
  readonly headers: IncomingHttpHeaders & { ':status'?: number };
  readonly body: Buffer;
}

async function ask(
  client: ClientHttp2Session,
  headers: Record<string, string | string[]>,
  body?: string | Buffer,
): Promise<Reply> {
  const call = client.request(headers);
  const answered = once(call, 'response');
  if (body === undefined) call.end();
  else call.end(body);
  const [got] = (await answered) as [Reply['headers']];
  return { headers: got, body: await buffer(call) };
}

function openClient(
  t: TestContext,
  { address, port }: SocketAddress,
  scheme: 'http' | 'https' = 'http',
): ClientHttp2Session {
  const client = connect(`${scheme}://${address}:${port}`, { rejectUnauthorized: false });
  client.on('error', () => undefined);
  t.after(() => client.destroy());
  return client;
}

async function startHttp2Backend(
  t: TestContext,
  onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
): Promise<RoutedEndpoint> {
  const server = createServer();
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => undefined);
    onStream(stream, headers);
  });
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  server.listen(0, '127.0.87.5');
  await once(server, 'listening');
  t.after(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const { port } = server.address() as unknown as SocketAddress;
  const address = '127.0.87.5';
  return { key: `${address}:${port}`, address, port, protocol: 'h2c', proxyProtocol: 'none' };
}

async function nameShown(to: SocketAddress, servername: string): Promise<string | undefined> {
  const socket = connectTls({
    host: to.address,
    port: to.port,
    servername,
    rejectUnauthorized: false,
  });
  await once(socket, 'secureConnect');
  const name = socket.getPeerCertificate().subject.CN;
  socket.destroy();
  return typeof name === 'string' ? name : undefined;
}

/** Two certificates, or why there are none. */
function makeIdentities(t: TestContext): string | { one: TlsIdentity; two: TlsIdentity } {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-tls-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const make = (name: string, names: readonly string[]): TlsIdentity => {
    const [key, certificate] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        ...curve,
        '-nodes',
        '-days',
        '2',
        '-subj',
        `/CN=${name}`,
        '-keyout',
        key,
        '-out',
        certificate,
      ],
      { stdio: 'ignore' },
    );
    return {
      names,
      key: readFileSync(key, 'utf8'),
      certificate: readFileSync(certificate, 'utf8'),
    };
  };
  try {
    return {
      one: make('one.example', ['one.example']),
      two: make('two.example', ['two.example', '*.wild.example']),
    };
  } catch {
    return 'openssl is not installed';
  }
}
