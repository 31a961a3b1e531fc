/**
 * Clients and backends that behave badly, each with each: whatever they do, others are served meanwhile, the
 * account is settled, and every descriptor comes back.
 */
import assert from 'node:assert/strict';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import test, { after, before, type TestContext } from 'node:test';
import {
  emptyPlan,
  nextPlan,
  type Driver,
  type Plan,
  type Replay,
  type SocketAddress,
  type VirtualServer,
} from '../../model/index.ts';
import { silentLogger } from '../../obs/index.ts';
import { systemClock } from '../../sys/index.ts';
import { createEngine, createPortableUdp, type EngineOptions } from '../../sys/net/index.ts';
import { openSockets, until } from '../../sys/net/testing.ts';
import {
  ask,
  clusterIp,
  freePort,
  startBackend,
  testEndpoint,
  testNode,
  testServer,
} from '../conformance/index.ts';
import { createUserspaceDriver } from './driver.ts';

const big = Buffer.alloc(4 * 1024 * 1024, 'x');
const host = '127.9.80.1';

/** What one side does with its socket. */
type Behaviour = (socket: Socket) => void;

const clients: Readonly<Record<string, Behaviour>> = {
  'speaks and ends': (socket) => void socket.resume().end('hello'),
  'ends at once': (socket) => void socket.resume().end(),
  'resets at once': (socket) => void socket.resetAndDestroy(),
  'closes at once': (socket) => void socket.destroy(),
  'says nothing': (socket) => void socket.resume(),
  'never reads': (socket) => void socket.write('hello'),
  'sends byte by byte': (socket) => byteByByte(socket.resume()),
  'sends much and never ends': (socket) => void socket.resume().write(big),
  'resets while it sends': (socket) => {
    socket.write(big);
    afterTurns(5, () => socket.resetAndDestroy());
  },
  'sends much, ends and never reads': (socket) => void socket.end(big),
};

const backends: Readonly<Record<string, Behaviour | undefined>> = {
  'is not there': undefined,
  'repeats everything': (socket) => void socket.pipe(socket),
  'closes at once': (socket) => void socket.destroy(),
  'resets at once': (socket) => void socket.resetAndDestroy(),
  'says nothing and never reads': () => undefined,
  'reads and says nothing': (socket) => void socket.resume(),
  'ends first and reads on': (socket) => void socket.resume().end('greeting'),
  'floods and ends': (socket) => void socket.resume().end(big),
  'floods and never ends': (socket) => void socket.resume().write(big),
  'answers byte by byte': (socket) => byteByByte(socket.resume()),
  'resets at the first word': (socket) => void socket.once('data', () => socket.resetAndDestroy()),
  'resets after its answer': (socket) =>
    void socket.once('data', () => socket.write('answer', () => socket.resetAndDestroy())),
};

/** What a well-behaved client that says `hello` and ends gets of each backend. */
const outcomes: Readonly<Record<string, string>> = {
  'is not there': 'ECONNRESET',
  'repeats everything': 'hello',
  'resets at once': 'ECONNRESET',
  'ends first and reads on': 'greeting',
  'floods and ends': `${big.length} bytes`,
  'answers byte by byte': 'byte by byte',
  'resets at the first word': 'ECONNRESET',
};

let driver: Driver;
let plan: Plan;
let good: Awaited<ReturnType<typeof startBackend>>;
let goodAt: SocketAddress;

interface World {
  readonly at: SocketAddress;
  readonly server: VirtualServer;
  closeAll(): void;
}

async function serve(
  t: TestContext,
  behaviour: Behaviour | undefined,
  replay: Replay,
): Promise<World> {
  const open = new Set<Socket>();
  const listener: Server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => open.delete(socket));
    // A peer that ended is answered by an end, once what is to be said is said.
    socket.once('end', () => afterTurns(30, () => socket.end()));
    behaviour?.(socket);
  });
  listener.listen(0, '127.9.80.2');
  await once(listener, 'listening');
  const address = listener.address();
  assert.ok(typeof address === 'object' && address !== null);
  const endpoint = testEndpoint({ address: address.address, port: address.port });
  if (behaviour === undefined) listener.close();
  const closeAll = (): void => {
    for (const socket of open) socket.destroy();
  };
  t.after(() => {
    closeAll();
    listener.close();
  });
  const at = { address: host, port: await freePort(host) };
  const server = testServer([clusterIp(at)], { name: 'nasty', endpoints: [endpoint], replay });
  await set(server);
  return { at, server, closeAll };
}

async function set(...servers: readonly VirtualServer[]): Promise<void> {
  const next = nextPlan(plan, { set: servers, remove: [] })!;
  plan = next.plan;
  const report = await driver.apply(next.plan, next.delta, new AbortController().signal);
  assert.deepEqual(report.failures, []);
}

function openAt(server: VirtualServer): number {
  let open = 0;
  for (const counters of driver.observe().endpoints.get(server.id)?.values() ?? []) {
    open += counters.open ?? 0;
  }
  return open;
}

/** Everything it hears, or how it failed. */
async function politeClient(at: SocketAddress): Promise<string> {
  const socket = connect({ ...hostOf(at), allowHalfOpen: true });
  const parts: Buffer[] = [];
  let failure: string | undefined;
  socket.on('data', (bytes: Buffer) => parts.push(bytes));
  socket.on('error', (error: NodeJS.ErrnoException) => (failure = error.code));
  socket.end('hello');
  if (!socket.closed) await once(socket, 'close').catch(() => undefined);
  const all = Buffer.concat(parts);
  return failure ?? (all.length > 100 ? `${all.length} bytes` : String(all));
}

function byteByByte(socket: Socket): void {
  const bytes = Buffer.from('byte by byte');
  const next = (at: number): void => {
    if (socket.destroyed) return;
    if (at === bytes.length) return void socket.end();
    socket.write(bytes.subarray(at, at + 1));
    setImmediate(next, at + 1);
  };
  next(0);
}

function afterTurns(count: number, work: () => void): void {
  void turns(count).then(work);
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

function hostOf({ address, port }: SocketAddress): {
  readonly host: string;
  readonly port: number;
} {
  return { host: address, port };
}

async function udpSocket(t: TestContext, address: string): Promise<UdpSocket> {
  const socket = createSocket('udp4');
  let open = true;
  socket.once('close', () => (open = false));
  t.after(() => {
    if (open) socket.close();
  });
  socket.on('error', () => undefined);
  socket.bind(0, address);
  await once(socket, 'listening');
  return socket;
}

/** Every client with every backend, on one engine, with or without words that are said again. */
export function nastySuite(how: EngineOptions, replay: Replay): void {
  before(async () => {
    driver = createUserspaceDriver({
      engine: (await createEngine(how)).engine,
      udp: createPortableUdp(),
      clock: systemClock,
      random: Math.random,
      log: silentLogger,
      udpIdleMs: 60_000,
      maxFlows: 8,
    });
    plan = emptyPlan(testNode());
    good = await startBackend('good', { address: '127.9.80.3', port: 0 });
    goodAt = { address: host, port: await freePort(host) };
    await set(
      testServer([clusterIp(goodAt)], { name: 'good', endpoints: [testEndpoint(good.at)] }),
    );
  });

  after(async () => {
    await driver.stop(AbortSignal.abort());
    await good.close();
  });

  for (const [backendName, backend] of Object.entries(backends)) {
    test(`a backend that ${backendName}`, { timeout: 60_000 }, async (t) => {
      const world = await serve(t, backend, replay);
      for (const [clientName, client] of Object.entries(clients)) {
        await t.test(`and a client that ${clientName}`, async () => {
          const socketsBefore = openSockets();
          const socket = connect({ ...hostOf(world.at), allowHalfOpen: true });
          socket.on('error', () => undefined);
          socket.once('connect', () => client(socket));
          await turns(60);
          assert.deepEqual(await ask(goodAt), { kind: 'answered', name: 'good' });
          socket.destroy();
          world.closeAll();
          await until(() => openSockets() <= socketsBefore, 'every descriptor comes back');
          await until(() => openAt(world.server) === 0, 'the account is settled');
        });
      }
      const outcome = outcomes[backendName];
      if (outcome !== undefined) assert.equal(await politeClient(world.at), outcome);
    });
  }

  /** UDP: what a client sends, and what comes of it. */
  test('UDP that is not as it should be', { timeout: 60_000 }, async (t) => {
    const echo = await udpSocket(t, '127.9.80.5');
    echo.on('message', (bytes, { address, port }) => echo.send(bytes, port, address));
    const dead = await udpSocket(t, '127.9.80.6');
    const nowhere = { address: '127.9.80.6', port: dead.address().port };
    dead.close();
    const { address, port } = echo.address();
    const at = { address: host, port: await freePort(host) };
    const udp = (...endpoints: readonly SocketAddress[]): VirtualServer =>
      testServer([clusterIp(at)], {
        name: 'nasty',
        protocol: 'UDP',
        endpoints: endpoints.map((endpoint) => testEndpoint(endpoint)),
      });
    await set(udp({ address, port }));
    const client = await udpSocket(t, '127.0.0.1');
    const say = (bytes: Buffer): Promise<Buffer> => {
      client.send(bytes, at.port, at.address, () => undefined);
      return once(client, 'message').then(([answer]) => answer as Buffer);
    };

    for (const length of [0, 1, 65_507]) {
      await t.test(`a datagram of ${length} bytes is answered`, async () => {
        assert.equal((await say(Buffer.alloc(length, 1))).length, length);
      });
    }

    await t.test('an answer to many senders at once finds each of them', async () => {
      const many = await Promise.all(Array.from({ length: 8 }, () => udpSocket(t, '127.0.0.1')));
      const answers = many.map(async (socket, i) => {
        socket.send(`client ${i}`, at.port, at.address);
        const [answer] = (await once(socket, 'message')) as [Buffer];
        return String(answer);
      });
      assert.deepEqual(
        await Promise.all(answers),
        many.map((_, i) => `client ${i}`),
      );
    });

    await t.test('a flood of new clients keeps to the bound, and others are served', async () => {
      for (let i = 0; i < 50; i++) {
        const socket = await udpSocket(t, '127.0.0.1');
        socket.send('x', at.port, at.address);
        socket.once('message', () => socket.close());
      }
      assert.equal(String(await say(Buffer.from('still there'))), 'still there');
      assert.ok(openAt(udp()) <= 8, `${openAt(udp())} flows`);
    });

    await t.test('a client that is gone when its answer comes hurts nobody', async () => {
      const gone = await udpSocket(t, '127.0.0.1');
      await new Promise<void>((resolve) => gone.send('x', at.port, at.address, () => resolve()));
      gone.close();
      await turns(20);
      assert.equal(String(await say(Buffer.from('still there'))), 'still there');
    });

    await t.test('a datagram from a stranger to the flow is not taken for an answer', async () => {
      assert.equal(String(await say(Buffer.from('me'))), 'me');
      const stranger = await udpSocket(t, '127.0.0.1');
      const heard: string[] = [];
      client.on('message', (bytes) => heard.push(String(bytes)));
      for (let candidate = port - 20; candidate < port + 20; candidate++) {
        stranger.send('not the backend', candidate, '127.0.0.1', () => undefined);
      }
      assert.equal(String(await say(Buffer.from('me again'))), 'me again');
      assert.deepEqual(heard, ['me again']);
      client.removeAllListeners('message');
    });

    await t.test('to nowhere: lost, counted, and another endpoint has the next', async () => {
      await set(udp(nowhere, { address, port }));
      const answers: string[] = [];
      client.on('message', (bytes) => answers.push(String(bytes)));
      const failures = (): number | undefined =>
        driver.observe().endpoints.get(udp().id)?.get(`${nowhere.address}:${nowhere.port}`)
          ?.failures;
      for (let i = 0; i < 4; i++) {
        const fresh = await udpSocket(t, '127.0.0.1');
        fresh.send('x', at.port, at.address);
        await turns(20);
        fresh.close();
      }
      await until(() => (failures() ?? 0) >= 1, 'the refusal is counted');
      client.removeAllListeners('message');
      assert.equal(String(await say(Buffer.from('served'))), 'served');
    });

    await t.test('only nowhere: lost without harm, and served when somebody comes', async () => {
      await set(udp(nowhere));
      for (let i = 0; i < 20; i++) {
        client.send('lost', at.port, at.address);
        await turns(3);
      }
      await set(udp({ address, port }));
      assert.equal(String(await say(Buffer.from('found'))), 'found');
    });

    await t.test('when the Service goes its sockets go', async () => {
      await set(udp());
      const refused = await udpSocket(t, '127.0.0.1');
      refused.connect(at.port, at.address);
      await once(refused, 'connect');
      const failure = once(refused, 'message').catch((error: NodeJS.ErrnoException) => error.code);
      refused.send('x', () => undefined);
      assert.equal(await failure, 'ECONNREFUSED');
      assert.equal(openAt(udp()), 0);
    });
  });
}
