/** Every scheduler, and the hashes, by real requests over real connections, in one thread and in two: who answered how many. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request, type ServerResponse } from 'node:http';
import { test, type TestContext } from 'node:test';
import { plainRequestRules, schedulerFacts, type HashRule } from '../model/index.ts';
import type { SchedulerName, SocketAddress } from '../model/index.ts';
import { testEndpoint, testServer } from '../model/testing.ts';
import { silentLogger } from '../obs/index.ts';
import { systemClock } from '../sys/index.ts';
import { createEngine, type StreamEngine } from '../sys/net/index.ts';
import { createGatewayThreads } from './gateway-threads.ts';
import type { RequestServer } from './request-server.ts';
import { cannotRun, runnings, type Running } from './service-gateway-rig.suite.ts';
import { elsewhereOf } from './service-ports.ts';
import { ServiceRouter } from './service-router.ts';
import { startGateway } from './testing.ts';

const host = '127.0.87.9';

interface Ask {
  readonly from?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface World {
  /** The number of the endpoint that answered. */
  readonly ask: (how?: Ask) => Promise<number>;
  /** So many requests, one after the other: how many each endpoint answered. */
  readonly counts: (requests: number, how?: (i: number) => Ask) => Promise<readonly number[]>;
  /** So many at once, none answered before all are at an endpoint: how many each has. */
  readonly held: (requests: number, how?: Ask) => Promise<readonly number[]>;
}

interface Service {
  readonly scheduler: SchedulerName;
  readonly weights?: readonly number[];
  readonly hash?: HashRule;
  /** How long each endpoint takes to answer. */
  readonly delaysMs?: readonly number[];
}

async function startWorld(t: TestContext, service: Service, running: Running): Promise<World> {
  const { scheduler, weights = [1, 1, 1], hash, delaysMs = [] } = service;
  const waiting: { readonly endpoint: number; readonly response: ServerResponse }[] = [];
  let isHolding = false;
  let arrived = Promise.withResolvers<void>();
  const endpoints = await Promise.all(
    weights.map(async (weight, i) => {
      const server = createServer((_, response) => {
        if (!isHolding) return void setTimeout(() => response.end(String(i)), delaysMs[i] ?? 0);
        waiting.push({ endpoint: i, response });
        arrived.resolve();
      });
      server.listen(0, host);
      await once(server, 'listening');
      t.after(() => {
        server.closeAllConnections();
        server.close();
      });
      const { port } = server.address() as SocketAddress;
      return testEndpoint({ address: host, port, weight });
    }),
  );
  const pools = { cluster: endpoints, local: [], hasAny: true };
  const server: RequestServer = {
    ...testServer({ endpoints, scheduler }),
    perRequest: { ...plainRequestRules, hash, pools },
  };
  const address = await startServing(t, server, (await createEngine(running)).engine);
  const ask = async ({ from, path = '/', headers = {} }: Ask = {}): Promise<number> => {
    const to = { host: address.address, port: address.port, path, headers, agent: false };
    const answer = Promise.withResolvers<string>();
    const asked = request({ ...to, localAddress: from }, (response) => {
      response.setEncoding('utf8').once('data', (text: string) => answer.resolve(text));
    });
    asked.once('error', answer.reject).end();
    return Number(await answer.promise);
  };
  const tally = (numbers: readonly number[]): readonly number[] =>
    weights.map((_, i) => numbers.filter((each) => each === i).length);
  return {
    ask,
    counts: async (requests, how = () => ({})) => {
      const all: number[] = [];
      for (let i = 0; i < requests; i++) all.push(await ask(how(i)));
      return tally(all);
    },
    held: async (requests, how) => {
      isHolding = true;
      const answers: Promise<number>[] = [];
      for (let i = 0; i < requests; i++) {
        arrived = Promise.withResolvers();
        answers.push(ask(how));
        await arrived.promise;
      }
      isHolding = false;
      for (const { endpoint, response } of waiting.splice(0)) response.end(String(endpoint));
      return tally(await Promise.all(answers));
    },
  };
}

async function startServing(
  t: TestContext,
  server: RequestServer,
  engine: StreamEngine,
): Promise<SocketAddress> {
  const bounds = { accessLogShare: 0, maxEndpointConnections: 64, maxWaiting: 64 };
  const common = { random: Math.random, log: silentLogger, ...bounds };
  const threads = createGatewayThreads(engine, common);
  const shared = threads?.share(server.id);
  const router = new ServiceRouter(server, { ...common, clock: systemClock, shared });
  router.follow(server, []);
  threads?.follow(server, []);
  const port = { id: server.id, tls: undefined, trustedProxies: [], acceptProxyProtocol: false };
  const order = { ...port, serves: { server: server.id, pool: 'cluster' } } as const;
  const { address } = await startGateway(t, engine, {
    ...port,
    router: router.router('cluster'),
    elsewhere: elsewhereOf(order, () => false),
    options: { threads },
  });
  return address;
}

/** Registers a check for one thread and for two. */
function check(what: string, service: Service, run: (world: World) => Promise<void>): void {
  for (const { running, skip } of ways) {
    void test(`${what}, ${running.workers} threads`, { skip, timeout: 60_000 }, async (t) => {
      await run(await startWorld(t, service, running));
    });
  }
}

const ways = await Promise.all(
  runnings.map(async (running) => ({ running, skip: (await cannotRun(running)) ?? false })),
);

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);
const sources = Array.from({ length: 40 }, (_, i) => `127.0.87.${100 + i}`);

/** One client stays where it is, and clients are spread. */
async function bySource({ ask }: World): Promise<void> {
  const homes = new Map<string, number>();
  for (const from of sources) homes.set(from, await ask({ from }));
  for (const from of sources) assert.equal(await ask({ from }), homes.get(from), from);
  assert.equal(new Set(homes.values()).size, 3);
}

const weighted = [3, 2, 1];
const schedulers: Readonly<
  Partial<
    Record<
      SchedulerName,
      Omit<Service, 'scheduler'> & { readonly run: (world: World) => Promise<void> }
    >
  >
> = {
  rr: {
    run: async ({ ask, counts }) => {
      const turn = [await ask(), await ask(), await ask()];
      assert.deepEqual([await ask(), await ask(), await ask()], turn, 'in turn');
      assert.deepEqual(await counts(12), [4, 4, 4]);
    },
  },
  wrr: {
    weights: weighted,
    run: async ({ counts }) => assert.deepEqual(await counts(12), [6, 4, 2]),
  },
  random: {
    run: async ({ counts }) => {
      // Six standard deviations from the mean: once in a thousand million runs.
      for (const count of await counts(300)) assert.ok(count > 51 && count < 149, `${count}`);
    },
  },
  lc: { run: async ({ held }) => assert.deepEqual(await held(9), [3, 3, 3]) },
  wlc: {
    weights: weighted,
    run: async ({ held }) => assert.deepEqual(await held(12), [6, 4, 2]),
  },
  sed: {
    weights: [6, 1, 1],
    run: async ({ held }) => assert.deepEqual(await held(3), [3, 0, 0], 'the strong one first'),
  },
  nq: {
    weights: [6, 1, 1],
    run: async ({ held }) => assert.deepEqual(await held(3), [1, 1, 1], 'idle ones first'),
  },
  // Of two, both are looked at: the less busy one always gets it.
  p2c: { weights: [1, 1], run: async ({ held }) => assert.deepEqual(await held(8), [4, 4]) },
  'p2c-latency': {
    weights: [1, 1],
    delaysMs: [40, 0],
    run: async ({ counts }) => {
      const [slow = 0, quick = 0] = await counts(40);
      assert.ok(slow > 0 && slow * 2 < quick, `${slow} of the slow one, ${quick} of the quick one`);
    },
  },
  sh: { run: bySource },
  mh: { run: bySource },
  dh: {
    run: async ({ counts }) => {
      const got = await counts(20, (i) => ({ from: sources[i] ?? host }));
      assert.equal(Math.max(...got), 20, 'by where they go to, which is one address');
    },
  },
};

for (const [scheduler, { run, ...service }] of Object.entries(schedulers)) {
  check(scheduler, { scheduler: scheduler as SchedulerName, ...service }, run);
}

test('every scheduler that is no IPVS module is in the table', () => {
  const ours = Object.entries(schedulerFacts).filter(([, { ipvsOnly }]) => !ipvsOnly);
  assert.deepEqual(Object.keys(schedulers).toSorted(), ours.map(([name]) => name).toSorted());
});

const hashes: Readonly<Record<string, { by: HashRule['by']; keyed: (key: string) => Ask }>> = {
  header: {
    by: { kind: 'header', name: 'x-user' },
    keyed: (key) => ({ headers: { 'x-user': key } }),
  },
  cookie: {
    by: { kind: 'cookie', name: 'user' },
    keyed: (key) => ({ headers: { cookie: `theme=dark; user=${key}` } }),
  },
  query: { by: { kind: 'query', name: 'user' }, keyed: (key) => ({ path: `/?a=1&user=${key}` }) },
  path: { by: { kind: 'path' }, keyed: (key) => ({ path: `/${key}?at=${Math.random()}` }) },
};

for (const [kind, { by, keyed }] of Object.entries(hashes)) {
  const hash = { by, bound: 1.25 };
  check(`hash by ${kind}, with a bound`, { scheduler: 'rr', hash }, async (world) => {
    const { ask, held, counts } = world;
    const homes = new Map<string, number>();
    const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
    for (const key of keys) homes.set(key, await ask(keyed(key)));
    for (const key of keys) assert.equal(await ask(keyed(key)), homes.get(key), key);
    assert.equal(new Set(homes.values()).size, 3, 'keys are spread');
    const busy = await held(12, keyed('k0'));
    assert.equal(sum(busy), 12);
    // Of 12 that are open a mean endpoint has 4, and one may have a quarter more.
    assert.ok(Math.max(...busy) <= 5, `one busy key is at ${busy.join(' ')}`);
    if (kind !== 'path') assert.deepEqual(await counts(9), [3, 3, 3], 'nothing to hash: in turn');
  });
}
