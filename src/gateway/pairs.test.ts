/** What is rare in HTTP, through the gateway by every pair of versions: one table of clients and backends. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as request1, type IncomingMessage } from 'node:http';
import {
  connect as connect2,
  createServer as createServer2,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
} from 'node:http2';
import { buffer } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import type { SocketAddress } from '../model/index.ts';
import type { StreamEngine } from '../sys/net/index.ts';
import type { RoutedEndpoint } from './router.ts';
import {
  endpointAt,
  onEveryEngine,
  roundRobin,
  startGateway,
  type Check,
  type TestRouter,
} from './testing.ts';

const host = '127.0.87.6';
const versions = ['HTTP/1.1', 'HTTP/2'] as const;
type Version = (typeof versions)[number];

/** What both of Node's servers have. */
interface Asked {
  readonly url?: string | undefined;
  readonly method?: string | undefined;
  on(event: 'close' | 'data' | 'end' | 'error', listener: () => void): unknown;
  once(event: 'data', listener: () => void): unknown;
  resume(): unknown;
}
interface Answering {
  statusCode: number;
  readonly stream?: { readonly session?: { close(): void } | undefined };
  setHeader(name: string, value: string): unknown;
  writeEarlyHints(hints: Record<string, string>): unknown;
  write(text: string): unknown;
  end(text?: string): unknown;
}
type Listener = (asked: Asked, answer: Answering) => void;

interface Question {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent when the answer says to go on, where that is asked for; at once otherwise. */
  readonly body?: string;
  /** Leaves the request open after these. */
  readonly isOpen?: boolean;
}

interface Reply {
  /** 1xx, in order. */
  readonly before: readonly number[];
  readonly links: readonly string[];
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

interface Sent {
  readonly reply: Promise<Reply>;
  /** As a client that goes away. */
  leave(): void;
}

async function startBackend(
  t: TestContext,
  version: Version,
  listener: Listener,
): Promise<RoutedEndpoint> {
  const server =
    version === 'HTTP/2' ? createServer2(listener as never) : createServer(listener as never);
  const ends = new Set<{ destroy(): void }>();
  server.on(version === 'HTTP/2' ? 'session' : 'connection', (end: { destroy(): void }) =>
    ends.add(end),
  );
  server.listen(0, host);
  await once(server, 'listening');
  t.after(() => {
    for (const end of ends) end.destroy();
    server.close();
  });
  const at = endpointAt(server.address() as SocketAddress);
  return version === 'HTTP/2' ? { ...at, protocol: 'h2c' } : at;
}

function send(version: Version, to: SocketAddress, question: Question): Sent {
  return version === 'HTTP/2' ? sendByHttp2(to, question) : sendByHttp1(to, question);
}

const waits = (question: Question): boolean => question.headers?.['expect'] !== undefined;

function sendByHttp1(to: SocketAddress, question: Question): Sent {
  const { method = 'GET', path = '/', headers = {}, body, isOpen = false } = question;
  const before: number[] = [];
  const links: string[] = [];
  const asked = request1({ host: to.address, port: to.port, method, path, headers, agent: false });
  asked.on('information', (info: { statusCode: number; headers: { link?: string } }) => {
    before.push(info.statusCode);
    if (info.headers.link !== undefined) links.push(info.headers.link);
  });
  asked.on('continue', () => asked.end(body));
  const answered = Promise.withResolvers<IncomingMessage>();
  asked.on('response', (response) => answered.resolve(response));
  asked.on('error', (error) => answered.reject(error));
  if (waits(question)) asked.flushHeaders();
  else if (isOpen) asked.write(body ?? '');
  else asked.end(body);
  const read = async (): Promise<Reply> => {
    const response = await answered.promise;
    const text = (await buffer(response)).toString();
    const { statusCode: status = 0 } = response;
    return { before, links, status, headers: response.headers, body: text };
  };
  const reply = read();
  reply.catch(() => undefined);
  return { reply, leave: () => asked.destroy() };
}

function sendByHttp2(to: SocketAddress, question: Question): Sent {
  const { method = 'GET', path = '/', headers = {}, body, isOpen = false } = question;
  const before: number[] = [];
  const links: string[] = [];
  const client = connect2(`http://${to.address}:${to.port}`);
  const call: ClientHttp2Stream = client.request(
    { ':method': method, ':path': path, ...headers },
    { endStream: body === undefined },
  );
  call.on('headers', (info: IncomingHttpHeaders) => {
    before.push(Number(info[':status']));
    if (typeof info['link'] === 'string') links.push(info['link']);
    if (Number(info[':status']) === 100 && waits(question)) call.end(body);
  });
  const answered = Promise.withResolvers<IncomingHttpHeaders>();
  call.on('response', (got: IncomingHttpHeaders) => answered.resolve(got));
  for (const emitter of [call, client]) {
    emitter.on('error', (error: Error) => answered.reject(error));
  }
  if (body !== undefined && !waits(question)) {
    if (isOpen) call.write(body);
    else call.end(body);
  }
  const read = async (): Promise<Reply> => {
    const got = await answered.promise;
    const text = (await buffer(call)).toString();
    client.destroy();
    return { before, links, status: Number(got[':status']), headers: got, body: text };
  };
  const reply = read();
  reply.catch(() => client.destroy());
  return { reply, leave: () => client.destroy() };
}

interface Pair {
  readonly router: TestRouter;
  readonly ask: (question: Question) => Promise<Reply>;
  readonly send: (question: Question) => Sent;
}

interface Case {
  readonly backend: Listener;
  readonly run: (pair: Pair) => Promise<void>;
}

/** Made anew for each pair: some remember what the backend saw. */
const cases: Readonly<Record<string, () => Case>> = {
  'two early hints, then the answer': () => ({
    backend: (_, answer) => {
      answer.writeEarlyHints({ link: '</a.css>; rel=preload' });
      answer.writeEarlyHints({ link: '</b.css>; rel=preload' });
      answer.end('page');
    },
    run: async ({ ask }) => {
      const { before, links, status, body } = await ask({});
      assert.deepEqual([before, status, body], [[103, 103], 200, 'page']);
      assert.deepEqual(links, ['</a.css>; rel=preload', '</b.css>; rel=preload']);
    },
  }),
  '304, with a length and without, has no body and ends': () => ({
    backend: ({ url }, answer) => {
      answer.statusCode = 304;
      answer.setHeader('etag', '"7"');
      if (url === '/length') answer.setHeader('content-length', '1234');
      answer.end();
    },
    run: async ({ ask }) => {
      for (const path of ['/length', '/']) {
        const { status, headers, body } = await ask({ path });
        assert.deepEqual([status, headers['etag'], body], [304, '"7"', '']);
        assert.equal(headers['content-length'], path === '/' ? undefined : '1234');
      }
    },
  }),
  'HEAD: the length of what GET would have, and no body': () => ({
    backend: ({ method }, answer) => {
      answer.setHeader('content-length', '11');
      answer.end(method === 'HEAD' ? undefined : 'hello world');
    },
    run: async ({ ask }) => {
      const head = await ask({ method: 'HEAD' });
      assert.deepEqual([head.status, head.headers['content-length'], head.body], [200, '11', '']);
      const get = await ask({});
      assert.deepEqual([get.headers['content-length'], get.body], ['11', 'hello world']);
    },
  }),
  'an answer before the body is whole': () => ({
    backend: (_, answer) => {
      answer.statusCode = 413;
      answer.end('too much');
    },
    run: async ({ send: begin, router }) => {
      const { reply } = begin({ method: 'POST', body: 'some of it', isOpen: true });
      const { status, body } = await reply;
      assert.deepEqual([status, body], [413, 'too much']);
      assert.deepEqual(failuresOf(router), [undefined], 'no fault of the endpoint');
    },
  }),
  'a backend that answers and leaves costs nothing': () => ({
    backend: (_, answer) => {
      answer.setHeader('x-left', 'yes');
      if (answer.stream === undefined) answer.setHeader('connection', 'close');
      answer.end('bye');
      answer.stream?.session?.close();
    },
    run: async ({ ask, router }) => {
      for (let i = 0; i < 3; i++) {
        const { status, body } = await ask({ method: 'POST', body: 'read by nobody' });
        assert.deepEqual([status, body], [200, 'bye']);
      }
      assert.deepEqual(
        failuresOf(router).filter((failure) => failure !== undefined && failure !== 'stale'),
        [],
      );
    },
  }),
  'an upload that its client gives up': () => {
    const came = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    return {
      backend: (asked) => {
        asked.on('error', () => undefined);
        asked.on('close', () => gone.resolve());
        asked.once('data', () => came.resolve());
      },
      run: async ({ send: begin, router }) => {
        const sent = begin({ method: 'POST', body: 'part of it', isOpen: true });
        await came.promise;
        sent.leave();
        await gone.promise;
        await until(() => router.outcomes.length > 0);
        assert.deepEqual(failuresOf(router), ['client-gone'], 'no fault of the endpoint');
      },
    };
  },
  'Expect: 100-continue is passed on and answered before the body': () => ({
    backend: (asked, answer) => {
      asked.on('end', () => answer.end('got it'));
      asked.resume();
    },
    run: async ({ ask }) => {
      const headers = { expect: '100-continue', 'content-length': '5' };
      const { before, status, body } = await ask({ method: 'POST', headers, body: 'hello' });
      assert.deepEqual([before, status, body], [[100], 200, 'got it']);
    },
  }),
};

function failuresOf({ outcomes }: TestRouter): readonly unknown[] {
  return outcomes.map(({ failure }) => failure);
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!holds()) {
    assert.ok(Date.now() < deadline, 'not in time');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function startPair(
  t: TestContext,
  engine: StreamEngine,
  { client, backend, listener }: { client: Version; backend: Version; listener: Listener },
): Promise<Pair> {
  const router = roundRobin([await startBackend(t, backend, listener)]);
  const { address } = await startGateway(t, engine, { router });
  const begin = (question: Question): Sent => {
    const sent = send(client, address, question);
    t.after(() => sent.leave());
    return sent;
  };
  return { router, send: begin, ask: (question) => begin(question).reply };
}

function pairs(check: Check): void {
  for (const client of versions) {
    for (const backend of versions) {
      for (const [what, make] of Object.entries(cases)) {
        check(`${client} to ${backend}: ${what}`, async (t, engine) => {
          const { backend: listener, run } = make();
          await run(await startPair(t, engine, { client, backend, listener }));
        });
      }
    }
  }
}

await onEveryEngine(pairs);
