/** One request: it waits when it is told to, asks again who it is when that is refused, and never for ever. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { ApiError } from '../kube/index.ts';
import type { Clock } from '../model/index.ts';
import { systemClock } from '../sys/index.ts';
import { accessTo } from './testing.ts';
import { Transport, type ApiCall } from './transport.ts';

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

const refusing =
  (code: number, headers: Readonly<Record<string, string>> = {}): Answer =>
  (response) =>
    void response.writeHead(code, headers).end('{}');
const fine: Answer = (response) => void response.end('fine');

interface Asked {
  readonly transport: Transport;
  /** Milliseconds of each wait the clock was asked for, but those of time limits. */
  readonly waits: readonly number[];
  readonly requests: () => number;
}

/** Each request gets the next answer; the last one is for all that follow. */
async function asking(t: TestContext, ...answers: readonly Answer[]): Promise<Asked> {
  let requests = 0;
  const server = createServer((request, response) => {
    const answer = answers[Math.min(requests++, answers.length - 1)] ?? fine;
    answer(response, request);
  });
  server.listen(0, '127.0.0.218');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const waits: number[] = [];
  const limits = [30_000, 1_000_000];
  const clock: Clock = {
    now: () => systemClock.now(),
    monotonic: () => 0,
    sleep: async (ms, signal) => {
      // Time limits run on beside the request, and end with it.
      if (limits.includes(ms)) {
        if (signal !== undefined && !signal.aborted) await once(signal, 'abort');
        return;
      }
      waits.push(ms);
    },
  };
  const { port } = server.address() as AddressInfo;
  let tokens = 0;
  const access = accessTo(`http://127.0.0.218:${port}`, () => `token-${tokens++}`);
  const transport = new Transport({ access, clock, random: () => 0.5, userAgent: 'test' });
  t.after(() => transport.close());
  return { transport, waits, requests: () => requests };
}

function call(transport: Transport, method: ApiCall['method'] = 'GET'): Promise<string> {
  const signal = new AbortController().signal;
  return transport
    .call({ method, path: '/api/v1/services', idleMs: 1_000_000, signal })
    .then(async ({ pieces }) => {
      let text = '';
      for await (const piece of pieces) text += piece.toString();
      return text;
    });
}

const told = (seconds: number): Answer => refusing(429, { 'retry-after': String(seconds) });

test('429 is waited for as long as it says, and a little more, not all at once', async (t) => {
  const { transport, waits, requests } = await asking(t, told(2), told(7), fine);
  assert.equal(await call(transport), 'fine');
  // Half of the quarter that is left to chance.
  assert.deepEqual(waits, [2_250, 7_875]);
  assert.equal(requests(), 3);
});

test('a server that sends away for long, or for ever, is asked four times, half a minute apart', async (t) => {
  const { transport, waits, requests } = await asking(t, told(86_400));
  await assert.rejects(call(transport), { code: 'TooManyRequests' });
  assert.deepEqual(waits, [33_750, 33_750, 33_750]);
  assert.equal(requests(), 4);
  assert.equal(transport.contact().awaySinceMs, undefined);
});

test('503 with Retry-After is as 429; without, whoever asked is told at once', async (t) => {
  const busy = await asking(t, refusing(503, { 'retry-after': '1' }), fine);
  assert.equal(await call(busy.transport), 'fine');
  assert.deepEqual(busy.waits, [1_125]);
  const broken = await asking(t, refusing(503));
  await assert.rejects(call(broken.transport), { code: 'ServiceUnavailable' });
  assert.deepEqual([broken.waits, broken.requests()], [[], 1]);
  assert.notEqual(broken.transport.contact().awaySinceMs, undefined);
});

test('what changes something is not sent twice', async (t) => {
  const { transport, waits, requests } = await asking(t, told(1), fine);
  await assert.rejects(call(transport, 'POST'), { code: 'TooManyRequests' });
  assert.deepEqual([waits, requests()], [[], 1]);
});

test('a token that has expired is renewed once, and then it is refused', async (t) => {
  const only =
    (token: string): Answer =>
    (response, request) => {
      const isRight = request.headers.authorization === `Bearer ${token}`;
      (isRight ? fine : refusing(401))(response, request);
    };
  const renewed = await asking(t, only('token-1'));
  assert.equal(await call(renewed.transport), 'fine');
  assert.equal(renewed.requests(), 2);
  const refused = await asking(t, only('another'));
  await assert.rejects(call(refused.transport), (thrown: unknown) => {
    assert.ok(thrown instanceof ApiError && thrown.code === 'Unauthorized');
    assert.match(thrown.remedy ?? '', /Renew the credentials/);
    return true;
  });
  assert.equal(refused.requests(), 2);
});
