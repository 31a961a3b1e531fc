/**
 * What the userspace driver promises under load, with real sockets and real processes and on either engine: nobody
 * fails who had a live endpoint, and nothing is left behind. `npm run soak` runs the long counts.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import process from 'node:process';
import { after, before, test, type TestContext } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createUserspaceDriver } from '../../src/drivers/userspace/index.ts';
import {
  clusterIp,
  freePort,
  testEndpoint,
  testNode,
  testServer,
} from '../../src/drivers/conformance/index.ts';
import {
  emptyPlan,
  endpointKey,
  nextPlan,
  type Driver,
  type Endpoint,
  type Plan,
  type Replay,
  type SocketAddress,
} from '../../src/model/index.ts';
import { silentLogger } from '../../src/obs/index.ts';
import { systemClock } from '../../src/sys/index.ts';
import {
  createEngine,
  createPortableUdp,
  type EngineOptions,
  type NetEngine,
} from '../../src/sys/net/index.ts';

const soak = process.env['SWITCHYARD_SOAK'] === '1';
const linux = process.platform === 'linux' ? false : 'needs all of 127/8, which only Linux has';
const mebibyte = 1024 * 1024;
const serviceAddress = '127.9.90.1';

function createDriver(engine: NetEngine, maxFlows?: number): Driver {
  return createUserspaceDriver({
    engine,
    udp: createPortableUdp(),
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    maxFlows,
  });
}

class World {
  readonly driver: Driver;
  readonly at: SocketAddress;
  private plan: Plan = emptyPlan(testNode());

  constructor(driver: Driver, at: SocketAddress) {
    this.driver = driver;
    this.at = at;
  }

  async set(endpoints: readonly Endpoint[], replay: Replay = 'none'): Promise<void> {
    const next = nextPlan(this.plan, {
      set: [testServer([clusterIp(this.at)], { endpoints, replay })],
      remove: [],
    })!;
    this.plan = next.plan;
    await this.driver.apply(next.plan, next.delta, new AbortController().signal);
  }

  /** True while the driver has anything to do with an endpoint. */
  uses(endpoint: Endpoint): boolean {
    const [counters] = this.driver.observe().endpoints.values();
    return counters?.has(endpointKey(endpoint)) === true;
  }
}

let world: World;

interface Outcome {
  readonly number: number;
  readonly failure: string | undefined;
}

/** One request on a connection of its own: said, ended, repeated whole, ended. */
async function request(number: number): Promise<Outcome> {
  const { address: host, port } = world.at;
  // Many addresses to come from, so that ports do not run out before TIME_WAIT is over.
  const localAddress = `127.0.9.${1 + (number % 200)}`;
  const socket = connect({ host, port, localAddress, allowHalfOpen: true });
  const word = `request ${number}`;
  let heard = '';
  let failure: string | undefined;
  socket.setTimeout(20_000, () => socket.destroy(new Error('silent for 20 s')));
  socket.on('data', (bytes) => (heard += String(bytes)));
  socket.on('error', (error: NodeJS.ErrnoException) => (failure = error.code ?? error.message));
  socket.end(word);
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  if (failure === undefined && heard !== word) failure = `heard ${JSON.stringify(heard)}`;
  return { number, failure };
}

interface Load {
  readonly count: number;
  readonly concurrency: number;
  /** Called when so many have begun; what it does goes on beside the load. */
  readonly onBegun?: (begun: number) => void;
}

/** Returns those that failed. */
async function load({ count, concurrency, onBegun }: Load): Promise<readonly Outcome[]> {
  const failed: Outcome[] = [];
  let begun = 0;
  const lane = async (): Promise<void> => {
    while (begun < count) {
      onBegun?.(begun);
      const outcome = await request(begun++);
      if (outcome.failure !== undefined) failed.push(outcome);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return failed;
}

const echo = `
  const { createServer } = require('node:net');
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  server.listen({ port: 0, host: process.argv[1], backlog: 1024 }, () => console.log(server.address().port));
`;

async function startProcess(
  t: TestContext,
  address: string,
): Promise<{ readonly child: ChildProcess; readonly endpoint: Endpoint }> {
  const child = spawn(process.execPath, ['-e', echo, address], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, endpoint: testEndpoint({ address, port: Number(String(line)) }) };
}

interface LocalBackend {
  readonly endpoint: Endpoint;
  close(): Promise<void>;
}

async function startLocal(t: TestContext, address: string): Promise<LocalBackend> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  server.listen({ port: 0, host: address, backlog: 1024 });
  await once(server, 'listening');
  const bound = server.address();
  assert.ok(typeof bound === 'object' && bound !== null);
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  t.after(close);
  return { endpoint: testEndpoint({ address, port: bound.port }), close };
}

async function until(ready: () => boolean, what: string, limitMs = 20_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!ready()) {
    assert.ok(performance.now() < deadline, `not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

const descriptors = (): number => readdirSync('/proc/self/fd').length;

const collect = ((): (() => void) => {
  setFlagsFromString('--expose_gc');
  return runInNewContext('gc') as () => void;
})();

function heapBytes(): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Kills one of three backends in the middle of 10,000 requests, one connection each, 32 at once. */
async function killUnderLoad(
  t: TestContext,
  replay: Replay,
): Promise<{ readonly failed: readonly Outcome[]; readonly lastAtRisk: number }> {
  const started = await Promise.all([1, 2, 3].map((n) => startProcess(t, `127.9.91.${n}`)));
  await world.set(
    started.map(({ endpoint }) => endpoint),
    replay,
  );
  const [victim] = started;
  assert.ok(victim !== undefined);
  let lastAtRisk = 10_000;
  let begun = 0;
  victim.child.once('exit', () => (lastAtRisk = begun));
  const failed = await load({
    count: 10_000,
    concurrency: 32,
    onBegun: () => {
      if (begun++ === 5_000) victim.child.kill('SIGKILL');
    },
  });
  const { connections = 0, failures = 0 } =
    [...world.driver.observe().endpoints.values()][0]?.get(endpointKey(victim.endpoint)) ?? {};
  assert.ok(connections > 1_000, 'the victim had its share');
  t.diagnostic(
    `${failed.length} of 10,000 failed; the killed process had taken ${connections}, then failed ${failures}`,
  );
  return { failed, lastAtRisk };
}

/** Connections and changes where `npm run soak` does not ask for more; the engine that `up` takes has the most. */
const short = { portable: [20_000, 200], epoll: [200_000, 1_000] } as const;

export function enduranceSuite(how: EngineOptions & { readonly prefer: NetEngine['name'] }): void {
  const { prefer } = how;
  before(async () => {
    const { engine } = await createEngine(how);
    const at = { address: serviceAddress, port: await freePort(serviceAddress) };
    world = new World(createDriver(engine), at);
  });

  after(async () => {
    await world.driver.stop(AbortSignal.abort());
  });

  test(
    'a backend is killed under 10,000 requests that may be said again: none fails',
    { skip: linux },
    async (t) => {
      for (let round = 0; round < (soak ? 20 : 1); round++) {
        const { failed } = await killUnderLoad(t, 'first-bytes');
        assert.deepEqual(failed, []);
      }
    },
  );

  test(
    'a backend is killed under 10,000 requests said once: only what it had been given is lost',
    { skip: linux },
    async (t) => {
      const { failed, lastAtRisk } = await killUnderLoad(t, 'none');
      // Until the kernel has taken the process down it still accepts in its name.
      const later = failed.filter(({ number }) => number > lastAtRisk);
      assert.deepEqual(later, [], 'whoever came later is served');
      const atRisk = 32 + lastAtRisk - 5_000;
      assert.ok(failed.length <= atRisk / 2, `${failed.length} of ${atRisk} failed`);
    },
  );

  test(
    'all backends are replaced ten times under load: no request fails',
    { skip: linux },
    async (t) => {
      let backends = await Promise.all([1, 2, 3].map((n) => startLocal(t, `127.9.92.${n}`)));
      await world.set(backends.map(({ endpoint }) => endpoint));
      let begun = 0;
      let done = false;
      const replaceAll = async (): Promise<void> => {
        for (let round = 0; round < 10; round++) {
          for (const old of backends) {
            const next = begun + 300;
            await until(() => begun >= next, '300 more requests');
            const fresh = await startLocal(t, old.endpoint.address);
            backends = backends.map((each) => (each === old ? fresh : each));
            const endpoints = backends.map(({ endpoint }) => endpoint);
            await world.set([...endpoints, { ...old.endpoint, ready: false, terminating: true }]);
            await world.set(endpoints);
            // As a Pod does: it stops listening once nobody is on the way to it any more.
            await until(() => !world.uses(old.endpoint), 'the old backend is left');
            await old.close();
          }
        }
      };
      const replacing = replaceAll().finally(() => (done = true));
      const failed: Outcome[] = [];
      const count = 500;
      while (!done)
        failed.push(...(await load({ count, concurrency: 32, onBegun: () => begun++ })));
      await replacing;
      t.diagnostic(`30 backends replaced under ${begun} requests`);
      assert.deepEqual(failed, []);
    },
  );

  test(
    'endpoints change all the time, some of them dead: nobody fails, nothing is left',
    { skip: linux },
    async (t) => {
      const [count, changes] = soak ? [1_000_000, 5_000] : short[prefer];
      const live = await Promise.all([1, 2, 3, 4].map((n) => startLocal(t, `127.9.93.${n}`)));
      const dead = await Promise.all(
        [5, 6].map(async (n) => {
          const address = `127.9.93.${n}`;
          return testEndpoint({ address, port: await freePort(address) });
        }),
      );
      let state = 1;
      const chance = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
      const some = (): readonly Endpoint[] => {
        const kept = live.filter(() => chance() < 0.5).map(({ endpoint }) => endpoint);
        const one = live[Math.floor(chance() * live.length)]!.endpoint;
        return [...new Set([one, ...kept]), ...dead.filter(() => chance() < 0.5)];
      };
      let applying: Promise<unknown> = world.set(some());
      await applying;
      const warm = await load({ count: 2_000, concurrency: 32 });
      const descriptorsBefore = descriptors();
      const heapBefore = heapBytes();
      let changed = 0;
      const failed = await load({
        count,
        concurrency: 32,
        onBegun: (begun) => {
          if (begun % Math.ceil(count / changes) !== 0) return;
          changed++;
          applying = applying.then(() => world.set(some()));
        },
      });
      await applying;
      assert.deepEqual([...warm, ...failed], []);
      await until(() => descriptors() <= descriptorsBefore, 'every descriptor comes back');
      const grown = (heapBytes() - heapBefore) / mebibyte;
      t.diagnostic(`${count} connections, ${changed} changes, heap ${grown.toFixed(1)} MiB more`);
      assert.ok(grown < 8, `${grown.toFixed(1)} MiB more on the heap`);
    },
  );

  test('much each way to a slow reader: memory stays flat', { skip: linux }, async (t) => {
    const total = (soak ? 1024 : 256) * mebibyte;
    const served = Promise.withResolvers<void>();
    const backend = createServer({ allowHalfOpen: true }, (socket) => {
      exchange(socket).then(served.resolve, served.reject);
    });
    const got = { client: 0, backend: 0 };
    let highest = 0;
    const sample = (): void => {
      highest = Math.max(highest, process.memoryUsage.rss());
    };
    /** Sends everything, and reads in sips: after each it looks away for some turns of the event loop. */
    const exchange = async (socket: Socket, side: keyof typeof got = 'backend'): Promise<void> => {
      const block = Buffer.alloc(256 * 1024, 7);
      const send = async (): Promise<void> => {
        for (let sent = 0; sent < total; sent += block.length) {
          if (!socket.write(block)) await once(socket, 'drain');
        }
        socket.end();
      };
      socket.on('data', (bytes: Buffer) => {
        got[side] += bytes.length;
        sample();
        socket.pause();
        void turns(3).then(() => socket.resume());
      });
      const ended = once(socket, 'end');
      await Promise.all([send(), ended]);
    };
    backend.listen(0, '127.9.94.1');
    await once(backend, 'listening');
    t.after(() => backend.close());
    const bound = backend.address();
    assert.ok(typeof bound === 'object' && bound !== null);
    await world.set([testEndpoint({ address: bound.address, port: bound.port })]);
    collect();
    const rssBefore = process.memoryUsage.rss();
    const { address: host, port } = world.at;
    const client = connect({ host, port, allowHalfOpen: true });
    await Promise.all([exchange(client, 'client'), served.promise]);
    const grown = (highest - rssBefore) / mebibyte;
    t.diagnostic(
      `${total / mebibyte} MiB each way, at most ${grown.toFixed(0)} MiB more in memory`,
    );
    assert.deepEqual(got, { client: total, backend: total });
    assert.ok(grown < 100, `${grown.toFixed(0)} MiB more in memory`);
  });

  test(
    'UDP clients come and go: each is answered, flows keep to their bound, nothing is left',
    { skip: linux },
    async (t) => {
      const [count, maxFlows] = [soak ? 500_000 : 20_000, 256];
      const descriptorsBefore = descriptors();
      const { engine } = await createEngine({ prefer });
      const driver = createDriver(engine, maxFlows);
      t.after(() => driver.stop(AbortSignal.abort()));
      const backends = await Promise.all(
        [1, 2, 3].map(async (n) => {
          const socket = createSocket('udp4');
          socket.on('message', (bytes, { port, address }) => socket.send(bytes, port, address));
          socket.bind(0, `127.9.96.${n}`);
          await once(socket, 'listening');
          return socket;
        }),
      );
      const endpoints = backends.map((socket) => testEndpoint(socket.address()));
      const at = { address: '127.9.96.9', port: await freePort('127.9.96.9') };
      const server = testServer([clusterIp(at)], { protocol: 'UDP', endpoints });
      const { plan } = nextPlan(emptyPlan(testNode()), { set: [server], remove: [] })!;
      await driver.apply(plan, undefined, new AbortController().signal);
      let begun = 0;
      const lane = async (): Promise<void> => {
        while (begun < count) {
          const word = `client ${begun++}`;
          const socket = createSocket('udp4');
          const signal = AbortSignal.timeout(20_000);
          const answer = once(socket, 'message', { signal });
          socket.send(word, at.port, at.address);
          const [bytes] = (await answer) as [Buffer];
          assert.equal(String(bytes), word);
          socket.close();
        }
      };
      const startedMs = performance.now();
      await Promise.all(Array.from({ length: 32 }, lane));
      const perSecond = count / ((performance.now() - startedMs) / 1000);
      const [counters] = driver.observe().endpoints.values();
      const each = [...(counters?.values() ?? [])];
      const open = each.reduce((sum, counted) => sum + (counted.open ?? 0), 0);
      t.diagnostic(`${count} clients, ${perSecond.toFixed(0)} a second, ${open} flows at the end`);
      assert.ok(open <= maxFlows, `${open} flows`);
      const shares = each.map(({ connections }) => connections);
      // A port that a later client gets again within the bound is the same flow, and takes no turn.
      assert.ok(Math.max(...shares) - Math.min(...shares) <= 1, `spread: ${shares.join(' ')}`);
      await driver.stop(new AbortController().signal);
      for (const socket of backends) socket.close();
      await until(() => descriptors() <= descriptorsBefore, 'every descriptor comes back');
    },
  );
}
