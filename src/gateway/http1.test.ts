/** HTTP/1.1 through the gateway, on both engines, with backends of plain Node. */
import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { SocketAddress } from '../model/index.ts';
import { startDeafServer } from '../sys/net/testing.ts';
import { defaultBounds, defaultPolicy } from './bounds.ts';
import {
  endpointAt,
  onEveryEngine,
  exchangeRaw,
  roundRobin,
  startBackend,
  startGateway,
  startRawBackend,
  type Check,
} from './testing.ts';

await onEveryEngine(requests, bodies, failures, limits);

function requests(check: Check): void {
  check('a request goes to the endpoint and its answer comes back', async (t, engine) => {
    const { endpoint } = await startBackend(t, (request, response) => {
      response.setHeader('x-seen', JSON.stringify(request.headers));
      response.setHeader('connection', 'x-own, keep-alive');
      response.setHeader('x-own', 'hop');
      response.end(`${request.method} ${request.url}`);
    });
    const router = roundRobin([endpoint]);
    router.addToResponse = [['Set-Cookie', 'sticky=1']];
    const { address, gateway } = await startGateway(t, engine, { router });
    const text = await exchangeRaw(
      address,
      'GET /a?b=c HTTP/1.1\r\nHost: shop.example:80\r\nX-Forwarded-For: 6.6.6.6\r\nConnection: x-secret, close\r\nX-Secret: s\r\nCookie: a=b\r\nTE: trailers\r\nKeep-Alive: 5\r\nProxy-Authorization: x\r\n\r\n',
    );
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(text, /\r\nConnection: close\r\n/);
    assert.match(text, /\r\nSet-Cookie: sticky=1\r\n/);
    assert.ok(!/x-own/i.test(text.replace(/x-seen.*/, '')), text);
    assert.match(text, /\r\n\r\nGET \/a\?b=c$/);
    const seen = JSON.parse(/x-seen: (.*)\r/.exec(text)?.[1] ?? '{}') as Record<string, string>;
    assert.deepEqual(seen, {
      host: 'shop.example:80',
      cookie: 'a=b',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'shop.example:80',
      'x-forwarded-port': String(address.port),
      'x-forwarded-proto': 'http',
      forwarded: 'for=127.0.0.1;host="shop.example:80";proto=http',
    });
    assert.deepEqual(router.seen, [
      { authority: 'shop.example:80', path: '/a?b=c', client: '127.0.0.1' },
    ]);
    assert.equal(router.outcomes[0]?.status, 200);
    assert.equal(gateway.observe()[0]?.endpoints[0]?.codes[200], 1);
  });

  check('keep-alive requests go to the endpoints in turn', async (t, engine) => {
    const one = await startBackend(t, (_, response) => response.end('one'));
    const two = await startBackend(t, (_, response) => response.end('two'));
    const router = roundRobin([one.endpoint, two.endpoint]);
    const { address } = await startGateway(t, engine, { router });
    const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
    const text = await exchangeRaw(
      address,
      get.repeat(6) + get.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
    );
    const bodies = [...text.matchAll(/\r\n\r\n(one|two)/g)].map(([, body]) => body);
    assert.deepEqual(bodies, ['one', 'two', 'one', 'two', 'one', 'two', 'one']);
  });

  check('heads that come octet by octet are read', async (t, engine) => {
    const { endpoint } = await startBackend(t, (request, response) => {
      request.resume().on('end', () => response.end('done'));
    });
    const { address } = await startGateway(t, engine, { router: roundRobin([endpoint]) });
    const bytes =
      'POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX-T: 1\r\n\r\n';
    const { connect } = await import('node:net');
    const socket = connect({ host: address.address, port: address.port, noDelay: true });
    t.after(() => socket.destroy());
    for (const octet of bytes) {
      await new Promise((resolve) => socket.write(octet, resolve));
    }
    assert.match((await buffer(socket)).toString(), /200 OK[^]*\r\n\r\n(4\r\n)?done/);
  });

  check('HEAD, 204 and 304 have no body, early hints pass', async (t, engine) => {
    const { endpoint } = await startBackend(t, (request, response) => {
      if (request.url === '/hints') response.writeEarlyHints({ link: '</a.css>; rel=preload' });
      response.statusCode = request.url === '/204' ? 204 : request.url === '/304' ? 304 : 200;
      response.end('body');
    });
    const { address } = await startGateway(t, engine, { router: roundRobin([endpoint]) });
    const ask = (method: string, path: string): string =>
      `${method} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const text = await exchangeRaw(
      address,
      ask('HEAD', '/') +
        ask('GET', '/204') +
        ask('GET', '/304') +
        ask('GET', '/hints') +
        'GET / HTTP/1.0\r\n\r\n',
    );
    const heads = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    assert.deepEqual(heads, ['200', '204', '304', '103', '200', '200']);
    assert.equal(text.match(/body/g)?.length, 2);
    assert.match(text, /103 Early Hints\r\nlink: <\/a\.css>; rel=preload\r\n\r\nHTTP/i);
  });

  check('the PROXY protocol is read and spoken', async (t, engine) => {
    const heard: string[] = [];
    const origin = await startRawBackend(t, (socket) => {
      let text = '';
      socket.on('data', (bytes: Buffer) => {
        text += bytes.toString('latin1');
        if (!text.endsWith('\r\n\r\n')) return;
        heard.push(text);
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
    });
    const router = roundRobin([{ ...origin, proxyProtocol: 'v1' }]);
    const { address } = await startGateway(t, engine, { router, acceptProxyProtocol: true });
    const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
    const intro = 'PROXY TCP4 10.1.2.3 10.9.9.9 4321 80\r\n';
    for (const bytes of [`${intro}${get}`, `${intro}${get}${get}`]) {
      const wanted = bytes.split('GET').length - 1;
      const text = await exchangeRaw(address, bytes, new RegExp(`(ok[^]*){${wanted}}`));
      assert.match(text, /^HTTP\/1\.1 200 /);
    }
    assert.equal(heard.length, 3, 'a connection each, since each speaks for one client');
    for (const text of heard) {
      assert.ok(text.startsWith(`${intro}GET / HTTP/1.1\r\n`), text);
      assert.match(text, /x-forwarded-for: 10\.1\.2\.3\r\nx-forwarded-proto: http\r\n/);
    }
    assert.equal(await exchangeRaw(address, get), '', 'without one there is no connection');
  });

  check('whom a trusted proxy speaks for is believed', async (t, engine) => {
    const { endpoint } = await startBackend(t, (request, response) => {
      response.end(JSON.stringify(request.headers));
    });
    const router = roundRobin([endpoint]);
    const { address } = await startGateway(t, engine, {
      router,
      trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'],
    });
    const text = await exchangeRaw(
      address,
      'GET / HTTP/1.1\r\nHost: inner\r\nConnection: close\r\nX-Forwarded-For: 6.6.6.6, 8.8.8.8, 10.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\n\r\n',
    );
    assert.equal(router.seen[0]?.client, '8.8.8.8', 'the last that no trusted proxy vouches for');
    const seen = JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)) as Record<
      string,
      string
    >;
    assert.equal(seen['x-forwarded-for'], '6.6.6.6, 8.8.8.8, 10.0.0.1, 127.0.0.1');
    assert.equal(seen['x-forwarded-proto'], 'https');
    assert.equal(seen['x-forwarded-host'], 'shop.example');
  });

  check('WebSocket goes through, both ways', async (t, engine) => {
    const endpoint = await startRawBackend(t, (socket) => {
      let head = '';
      socket.on('data', (bytes: Buffer) => {
        if (head.includes('\r\n\r\n')) socket.write(bytes);
        else if ((head += bytes.toString('latin1')).includes('\r\n\r\n')) {
          assert.match(head, /Connection: Upgrade\r\nUpgrade: websocket/);
          socket.write(
            'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello ',
          );
        }
      });
      socket.on('end', () => socket.end('bye'));
    });
    const { address } = await startGateway(t, engine, { router: roundRobin([endpoint]) });
    const { connect } = await import('node:net');
    const socket = connect({ host: address.address, port: address.port, allowHalfOpen: true });
    t.after(() => socket.destroy());
    socket.write(
      'GET /ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    socket.once('data', () => socket.end('echo me '));
    const rest = await buffer(socket);
    assert.match(`hello ${rest.toString()}`, /echo me bye$/);
  });
}

function bodies(check: Check): void {
  for (const framing of ['length', 'chunked'] as const) {
    check(`large bodies pass both ways unchanged (${framing})`, async (t, engine) => {
      const { endpoint } = await startBackend(t, (request, response) => {
        if (framing === 'length') response.setHeader('content-length', 3_000_000);
        request.pipe(response);
      });
      const { address } = await startGateway(t, engine, { router: roundRobin([endpoint]) });
      const body = Buffer.alloc(3_000_000, 'abcdefg');
      const reply = await send(address, {
        method: 'POST',
        headers: framing === 'length' ? { 'content-length': body.length } : {},
        body,
      });
      assert.equal(reply.response.statusCode, 200);
      assert.ok(reply.body.equals(body));
    });
  }

  check('100-continue passes, and so do trailers', async (t, engine) => {
    const { endpoint } = await startBackend(t, (request, response) => {
      response.setHeader('trailer', 'x-sum');
      request
        .on('data', () => undefined)
        .on('end', () => {
          response.write('got ');
          response.addTrailers({ 'x-sum': request.trailers['x-in'] ?? 'none' });
          response.end('it');
        });
    });
    const { address } = await startGateway(t, engine, { router: roundRobin([endpoint]) });
    const text = await exchangeRaw(
      address,
      'POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-In: 7\r\nContent-Length: 5\r\n\r\n',
    );
    assert.match(text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
    assert.match(text, /0\r\nx-sum: 7\r\n\r\n$/i);
  });

  check(
    'an answer before the body is whole is passed on and the connection ends',
    async (t, engine) => {
      const { endpoint } = await startBackend(t, (_, response) => {
        response.statusCode = 413;
        response.end('too much');
      });
      const { address } = await startGateway(t, engine, { router: roundRobin([endpoint]) });
      const text = await exchangeRaw(
        address,
        'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nsome of it',
      );
      assert.match(text, /^HTTP\/1\.1 413 [^]*Connection: close\r\n[^]*too much$/);
    },
  );
}

function failures(check: Check): void {
  check('a request goes elsewhere when an endpoint refuses', async (t, engine) => {
    const dead = endpointAt({ address: '127.0.87.2', port: 9 });
    const { endpoint } = await startBackend(t, (request, response) => {
      request.pipe(response);
    });
    const router = roundRobin([dead, endpoint]);
    const { address } = await startGateway(t, engine, { router });
    const reply = await send(address, { method: 'POST', headers: {}, body: Buffer.from('hello') });
    assert.equal(reply.body.toString(), 'hello');
    assert.deepEqual(
      router.outcomes.map(({ key, failure }) => [key, failure]),
      [
        [dead.key, 'connect'],
        [endpoint.key, undefined],
      ],
    );
  });

  check(
    'no endpoint that can be reached is 503, none at all as the router says',
    async (t, engine) => {
      const router = roundRobin([endpointAt({ address: '127.0.87.2', port: 9 })]);
      const { address } = await startGateway(t, engine, { router });
      const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
      const text = await exchangeRaw(address, get, /endpoint\n$/);
      assert.match(text, /^HTTP\/1\.1 503 /);
    },
  );

  check('an endpoint that says nothing at all is given up in time', async (t, engine) => {
    const deaf = endpointAt(await startDeafServer(t));
    const { endpoint } = await startBackend(t, (_, response) => response.end('ok'));
    const router = roundRobin([deaf, endpoint]);
    router.policy = { ...defaultPolicy, connectTimeoutMs: 300 };
    const { address } = await startGateway(t, engine, { router });
    const get = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    assert.match(await exchangeRaw(address, get), /ok$/);
    assert.equal(router.outcomes[0]?.failure, 'connect');
    router.endpoints = [deaf];
    assert.match(await exchangeRaw(address, get), /^HTTP\/1\.1 503 /);
  });

  check('a backend that resets, answers no HTTP or cuts its answer short', async (t, engine) => {
    const answers: Record<string, string> = {
      '': 'HTTP/1.1 502 ',
      'SSH-2.0-x\r\n': 'HTTP/1.1 502 ',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n': 'HTTP/1.1 502 ',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n': 'HTTP/1.1 502 ',
      'HTTP/1.1 101 Switching Protocols\r\n\r\n': 'HTTP/1.1 502 ',
    };
    for (const [answer, want] of Object.entries(answers)) {
      const endpoint = await startRawBackend(t, (socket) => {
        socket.once('data', () => socket.end(answer));
      });
      const router = roundRobin([endpoint]);
      router.policy = { ...defaultPolicy, retries: 0 };
      const { address } = await startGateway(t, engine, { router });
      const text = await exchangeRaw(
        address,
        'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      );
      assert.ok(text.startsWith(want), `${JSON.stringify(answer)}: ${text}`);
    }
    const endpoint = await startRawBackend(t, (socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort'));
    });
    const { address } = await startGateway(t, engine, { router: roundRobin([endpoint]) });
    await assert.rejects(send(address, { method: 'GET', headers: {} }), { code: 'ECONNRESET' });
  });

  check('an idle connection that the backend closed costs no request', async (t, engine) => {
    let served = 0;
    const endpoint = await startRawBackend(t, (socket) => {
      let answers = 0;
      socket.on('data', () => {
        if (answers++ > 0) socket.resetAndDestroy();
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', () => served++);
      });
    });
    const { address } = await startGateway(t, engine, { router: roundRobin([endpoint]) });
    for (let i = 0; i < 5; i++) {
      const { body } = await send(address, { method: 'GET', headers: {} });
      assert.equal(body.toString(), 'ok');
    }
    assert.equal(served, 5);
  });

  check('a client that goes takes its request with it', async (t, engine) => {
    const gone = Promise.withResolvers<void>();
    const { endpoint } = await startBackend(t, (request) => {
      request.on('close', () => gone.resolve());
      request.on('error', () => undefined);
      request.once('data', () => client.destroy());
    });
    const router = roundRobin([endpoint]);
    const { address } = await startGateway(t, engine, { router });
    const client = httpRequest({ host: address.address, port: address.port, method: 'POST' });
    client.on('error', () => undefined);
    client.write('part of it');
    await gone.promise;
    assert.equal(router.outcomes[0]?.failure, 'client-gone');
  });
}

function limits(check: Check): void {
  check('a request that does not come whole in time is 408', async (t, engine) => {
    const { endpoint } = await startBackend(t, (request) => request.resume());
    const bounds = { ...defaultBounds, headTimeoutMs: 300, bodyTimeoutMs: 300 };
    const { address } = await startGateway(t, engine, { router: roundRobin([endpoint]), bounds });
    for (const part of [
      'GET / HTTP/1.1\r\nHo',
      'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab',
    ]) {
      assert.match(await exchangeRaw(address, part), /^HTTP\/1\.1 408 /);
    }
  });

  check('a backend that does not answer in time is 504', async (t, engine) => {
    const { endpoint } = await startBackend(t, () => undefined);
    const router = roundRobin([endpoint]);
    router.policy = { ...defaultPolicy, responseTimeoutMs: 300 };
    const { address } = await startGateway(t, engine, { router });
    const text = await exchangeRaw(address, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', /time\n$/);
    assert.match(text, /^HTTP\/1\.1 504 /);
  });

  check('what is too large is said so', async (t, engine) => {
    const { endpoint } = await startBackend(t, (request, response) => request.pipe(response));
    const bounds = { ...defaultBounds, maxHeadBytes: 4096, maxBodyBytes: 10 };
    const { address } = await startGateway(t, engine, { router: roundRobin([endpoint]), bounds });
    const cases: readonly (readonly [string, string])[] = [
      [`GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(5000)}\r\n\r\n`, '431'],
      [`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, '414'],
      ['POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n', '413'],
      [
        'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n',
        '413',
      ],
    ];
    for (const [bytes, status] of cases) {
      assert.match(await exchangeRaw(address, bytes), new RegExp(`^HTTP/1\\.1 ${status} `));
    }
  });
}

interface Sent {
  readonly response: IncomingMessage;
  readonly body: Buffer;
}

async function send(
  to: SocketAddress,
  { method, headers, body }: { method: string; headers: Record<string, number>; body?: Buffer },
): Promise<Sent> {
  const request = httpRequest({ host: to.address, port: to.port, method, headers, agent: false });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', resolve).on('error', reject);
  });
  request.end(body);
  const response = await answered;
  return { response, body: await buffer(response) };
}
