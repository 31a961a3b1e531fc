/** Probes keep the kubelet's times and thresholds; exec and gRPC probes ask real programs and servers. */
import assert from 'node:assert/strict';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import type { Probe } from '../kube/index.ts';
import type { Clock } from '../model/index.ts';
import { createFakeClock, systemClock } from '../sys/index.ts';
import { createPortableEngine, type NetEngine } from '../sys/net/index.ts';
import { runProbe, type ProbeTarget } from './probe.ts';

const portable = createPortableEngine();

function target(clock: Clock, engine: NetEngine = portable): ProbeTarget {
  const address = '127.0.0.1';
  const env = { WHO: 'probe' };
  const within: ProbeTarget['within'] = (work) => work();
  return { address, container: undefined, env, folder: undefined, within, engine, clock };
}

/** An engine whose connections succeed or fail as told, and the times they were asked for. */
function scripted(
  clock: Clock,
  answers: readonly boolean[],
): { readonly engine: NetEngine; readonly askedAt: number[] } {
  const askedAt: number[] = [];
  const engine: NetEngine = {
    ...portable,
    connect: async (...given) => {
      askedAt.push(clock.now());
      if (answers[askedAt.length - 1] === true) {
        return { ...(await refused(given)), destroy: () => undefined };
      }
      throw new Error('refused');
    },
  };
  // Only `destroy` of a connection is used: nothing is connected.
  const refused = async (_given: unknown): Promise<Awaited<ReturnType<NetEngine['connect']>>> =>
    Object.create(null) as Awaited<ReturnType<NetEngine['connect']>>;
  return { engine, askedAt };
}

interface Case {
  readonly probe: Probe;
  /** What each asking finds. */
  readonly answers: string;
  /** Seconds of each asking. */
  readonly asked: readonly number[];
  /** What was told, and at which second. */
  readonly turns: readonly string[];
}

const tcpSocket = { port: 1 };

const cases: Readonly<Record<string, Case>> = {
  'every 10 s, at once, well at the first success, sick at the third failure in a row': {
    probe: { tcpSocket },
    answers: '+--+---',
    asked: [0, 10, 20, 30, 40, 50, 60],
    turns: ['well 0', 'well 30', 'sick 60'],
  },
  'not before its initial delay, and then by its own period': {
    probe: { tcpSocket, initialDelaySeconds: 5, periodSeconds: 2 },
    answers: '-++',
    asked: [5, 7, 9],
    turns: ['well 7', 'well 9'],
  },
  'as many successes in a row as it asks for': {
    probe: { tcpSocket, periodSeconds: 1, successThreshold: 3 },
    answers: '++-+++',
    asked: [0, 1, 2, 3, 4, 5],
    turns: ['well 5'],
  },
  'one failure is enough where it says so': {
    probe: { tcpSocket, periodSeconds: 1, failureThreshold: 1 },
    answers: '+-+',
    asked: [0, 1, 2],
    turns: ['well 0', 'sick 1', 'well 2'],
  },
  'a period of 0 counts as one second': {
    probe: { tcpSocket, periodSeconds: 0 },
    answers: '+++',
    asked: [0, 1, 2],
    turns: ['well 0', 'well 1', 'well 2'],
  },
};

for (const [title, { probe, answers, asked, turns }] of Object.entries(cases)) {
  test(`asks ${title}`, async () => {
    const clock = createFakeClock();
    const found = Array.from(answers).map((sign) => sign === '+');
    const { engine, askedAt } = scripted(clock, found);
    const told: string[] = [];
    const stop = new AbortController();
    const running = runProbe({
      probe,
      target: target(clock, engine),
      signal: stop.signal,
      onTurn: (isWell) => {
        told.push(`${isWell ? 'well' : 'sick'} ${clock.now() / 1_000}`);
        return false;
      },
    });
    for (let ms = 0; askedAt.length < found.length && ms < 200_000; ms += 500) {
      await clock.advance(500);
    }
    stop.abort();
    await running;
    assert.deepEqual(
      askedAt.map((ms) => ms / 1_000),
      asked,
    );
    assert.deepEqual(told, turns);
  });
}

/** The first word of a probe that fails at once. */
async function first(probe: Probe): Promise<string> {
  let said = 'nothing';
  await runProbe({
    probe: { ...probe, failureThreshold: 1 },
    target: target(systemClock),
    signal: AbortSignal.timeout(20_000),
    onTurn: (isWell, why) => {
      said = isWell ? 'well' : (why ?? 'no reason');
      return true;
    },
  });
  return said;
}

const node = (script: string): Probe => ({
  exec: { command: [process.execPath, '-e', script] },
  timeoutSeconds: 10,
});

test('exec: the exit code counts, the environment is the Pod’s, the last line tells why', async () => {
  assert.equal(await first(node('process.exit(process.env.WHO === "probe" ? 0 : 1)')), 'well');
  const said = await first(node('console.error("disk full"); process.exitCode = 4'));
  assert.equal(said, 'command ended with code 4: disk full');
  assert.match(await first({ exec: { command: ['/no/such/program'] } }), /Cannot start/);
});

test('exec: one that takes longer than its timeout is ended and counts as failed', async () => {
  const probe = { ...node('setInterval(() => {}, 1000)'), timeoutSeconds: 1 };
  assert.equal(await first(probe), 'command timed out after 1000 ms');
});

/** A gRPC health server: serving `shop`, not serving `bakery`, and knowing no other. */
async function healthServer(t: TestContext): Promise<number> {
  const server = createServer();
  server.on('stream', (stream: ServerHttp2Stream) => {
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('end', () => {
      const asked = Buffer.concat(parts).subarray(7).toString();
      const head = { ':status': 200, 'content-type': 'application/grpc' };
      if (asked !== 'shop' && asked !== 'bakery') {
        stream.respond({ ...head, 'grpc-status': '5' }, { endStream: true });
        return;
      }
      stream.respond(head, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.from([0, 0, 0, 0, 2, 0x08, asked === 'shop' ? 1 : 2]));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test('gRPC: serving is well; not serving, unknown services and nobody there are not', async (t) => {
  const port = await healthServer(t);
  const ask = (service: string): Promise<string> =>
    first({ grpc: { port, service }, timeoutSeconds: 10 });
  assert.equal(await ask('shop'), 'well');
  assert.equal(await ask('bakery'), 'service unhealthy (responded with "NOT_SERVING")');
  assert.notEqual(await ask('unknown'), 'well');
  assert.match(await first({ grpc: { port: 1 }, timeoutSeconds: 10 }), /ECONNREFUSED/);
});
