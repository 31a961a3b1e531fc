/** Endpoints that failed and endpoints that are new, as the router of a ServicePort treats them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointKey, type Endpoint } from '../model/index.ts';
import { testEndpoints, testRandom, testServer } from '../model/testing.ts';
import { createFakeClock, type FakeClock } from '../sys/index.ts';
import type { RequestFacts, RequestRouter, Routed } from './router.ts';
import type { RequestServer } from './request-server.ts';
import { ServiceRouter } from './service-router.ts';
import { SharedChoices } from './shared-choices.ts';

const request: RequestFacts = {
  method: 'GET',
  scheme: 'http',
  authority: 'shop.example',
  path: '/',
  header: () => undefined,
  client: { address: '192.0.2.1', port: 1 },
  attempt: 0,
  tried: [],
};

function serverOf(endpoints: readonly Endpoint[], slowStartMs = 0): RequestServer {
  const pools = { cluster: endpoints, local: [], hasAny: true };
  return {
    ...testServer({ endpoints }),
    perRequest: {
      affinity: 'none',
      cookie: undefined,
      hash: undefined,
      protocol: 'http/1.1',
      tlsSecret: undefined,
      retry: { retries: 2, on: ['reset'], responseTimeoutMs: 10_000 },
      slowStartMs,
      trustedProxies: [],
      pools,
    },
  };
}

interface Started {
  /** Takes note of the ServicePort as it is now. */
  readonly follow: (server: RequestServer) => void;
  readonly router: RequestRouter;
  readonly clock: FakeClock;
}

function startOne(server: RequestServer): Started {
  const clock = createFakeClock(0);
  const service = new ServiceRouter(server, { clock, random: testRandom(3) });
  const follow = (next: RequestServer): void => service.follow(next, []);
  follow(server);
  return { follow, router: service.router('cluster'), clock };
}

/** The routers of two threads over one memory, which have the requests in turn. */
function startTwo(server: RequestServer): Started {
  const clock = createFakeClock(0);
  const common = { random: testRandom(3), threads: 2 };
  const own = new SharedChoices({ ...common, thread: 0 });
  own.expect(1);
  const first = new ServiceRouter(server, { clock, random: common.random, shared: own });
  let second: ServiceRouter | undefined;
  const follow = (next: RequestServer): void => {
    first.follow(next, []);
    assert.ok(own.rendering !== undefined);
    const told = structuredClone({ server: next, rendering: own.rendering });
    const { words } = told.rendering;
    second ??= new ServiceRouter(told.server, {
      clock,
      random: common.random,
      shared: new SharedChoices({ ...common, thread: 1, words }),
    });
    assert.equal(first.isKnown, false);
    second.follow(told.server, [], told.rendering);
    assert.equal(first.isKnown, true);
  };
  follow(server);
  let turn = 0;
  const route = (asked: RequestFacts): Routed => {
    const service = turn++ % 2 === 0 ? first : second;
    assert.ok(service !== undefined);
    return service.router('cluster').route(asked);
  };
  return { follow, router: { route }, clock };
}

/** Registers a check for one thread and for two. */
function check(
  what: string,
  run: (start: (server: RequestServer) => Started) => void | Promise<void>,
): void {
  for (const [threads, start] of [
    ['one thread', startOne],
    ['two threads', startTwo],
  ] as const) {
    void test(`${threads}: ${what}`, () => run(start));
  }
}

/** How many of `count` requests each endpoint gets; `fails`: those of these endpoints end with a refused connect. */
function shares(
  router: RequestRouter,
  count: number,
  fails: ReadonlySet<string> = new Set(),
): Map<string, number> {
  const got = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const routed = router.route(request);
    assert.ok(routed.kind === 'forward');
    const { key } = routed.endpoint;
    got.set(key, (got.get(key) ?? 0) + 1);
    const failed = fails.has(key);
    routed.ended({
      status: failed ? undefined : 200,
      latencyMs: 1,
      failure: failed ? 'connect' : undefined,
    });
  }
  return got;
}

check(
  'an endpoint that fails is set aside after one request, and asked again later',
  async (start) => {
    const endpoints = testEndpoints(4);
    const { router, clock } = start(serverOf(endpoints));
    const bad = endpointKey(endpoints[1] ?? assert.fail());
    assert.equal(shares(router, 400, new Set([bad])).get(bad), 1);
    await clock.advance(1_300);
    assert.equal(
      shares(router, 400, new Set([bad])).get(bad),
      1,
      'once more, then aside for longer',
    );
    await clock.advance(1_300);
    assert.equal(shares(router, 400, new Set([bad])).get(bad), undefined);
    await clock.advance(1_300);
    assert.equal(shares(router, 400).get(bad), 100, 'one answer and it has its share');
  },
);

check('when all fail, half of them stay in use', (start) => {
  const endpoints = testEndpoints(6);
  const { router } = start(serverOf(endpoints));
  const all = new Set(endpoints.map(endpointKey));
  shares(router, 600, all);
  const got = shares(router, 600, all);
  assert.equal(got.size, 3);
  assert.equal(
    [...got.values()].reduce((sum, each) => sum + each),
    600,
  );
});

check(
  'an endpoint that drops out of the Plan and comes back is not held to what it was',
  (start) => {
    const endpoints = testEndpoints(4);
    const { follow, router } = start(serverOf(endpoints));
    const bad = endpointKey(endpoints[0] ?? assert.fail());
    shares(router, 40, new Set([bad]));
    follow(serverOf(endpoints.slice(1)));
    assert.equal(shares(router, 30).size, 3);
    follow(serverOf(endpoints));
    assert.equal(shares(router, 40).get(bad), 10);
  },
);

check('slow start: a new endpoint comes to its share little by little', async (start) => {
  const endpoints = testEndpoints(4);
  const fresh = endpointKey(endpoints[3] ?? assert.fail());
  const { follow, router, clock } = start(serverOf(endpoints.slice(0, 3), 10_000));
  follow(serverOf(endpoints, 10_000));
  const parts: number[] = [];
  for (let second = 0; second <= 10; second += 5) {
    parts.push((shares(router, 4_000).get(fresh) ?? 0) / 1_000);
    await clock.advance(5_000);
  }
  const [first = 0, middle = 0, last = 0] = parts;
  assert.ok(first > 0 && first < 0.25, `first ${first}`);
  assert.ok(middle > first && middle < 0.85, `middle ${middle}`);
  assert.equal(last, 1);
});

check('turns are exact, weighted ones too', (start) => {
  const endpoints = testEndpoints(3).map((each, i) => ({ ...each, weight: 3 - i }));
  const even = start({ ...serverOf(endpoints), scheduler: 'rr' });
  assert.deepEqual([...shares(even.router, 300).values()], [100, 100, 100]);
  const uneven = start({ ...serverOf(endpoints), scheduler: 'wrr' });
  const got = shares(uneven.router, 300);
  assert.deepEqual(
    endpoints.map((each) => got.get(endpointKey(each))),
    [150, 100, 50],
  );
});

check('p2c by latency leaves who answers slowly', (start) => {
  const endpoints = testEndpoints(2);
  const { router } = start({ ...serverOf(endpoints), scheduler: 'p2c-latency' });
  const slow = endpointKey(endpoints[0] ?? assert.fail());
  const got = new Map<string, number>();
  for (let i = 0; i < 100; i++) {
    const routed = router.route(request);
    assert.ok(routed.kind === 'forward');
    const { key } = routed.endpoint;
    got.set(key, (got.get(key) ?? 0) + 1);
    routed.ended({ status: 200, latencyMs: key === slow ? 500 : 1 });
  }
  assert.ok((got.get(slow) ?? 0) <= 10, `it had ${got.get(slow)}`);
});

check('a hash is walked on from an endpoint that has more than its share', (start) => {
  const endpoints = testEndpoints(4);
  const server = serverOf(endpoints);
  const hash = { by: { kind: 'path' }, bound: 1.25 } as const;
  const { router } = start({ ...server, perRequest: { ...server.perRequest, hash } });
  const open = new Map<string, number>();
  for (let i = 0; i < 40; i++) {
    const routed = router.route(request);
    assert.ok(routed.kind === 'forward');
    open.set(routed.endpoint.key, (open.get(routed.endpoint.key) ?? 0) + 1);
  }
  // Of 40 that are open, nobody may have more than a quarter more than 10.
  assert.ok(Math.max(...open.values()) <= 13, [...open.values()].join());
});

test('what a thread had open is taken off when it is no more', () => {
  const endpoints = testEndpoints(2);
  const common = { random: testRandom(3), threads: 2 };
  const own = new SharedChoices({ ...common, thread: 0 });
  const clock = createFakeClock(0);
  const server: RequestServer = { ...serverOf(endpoints), scheduler: 'lc' };
  const first = new ServiceRouter(server, { clock, random: common.random, shared: own });
  first.follow(server, []);
  assert.ok(own.rendering !== undefined);
  const { words } = own.rendering;
  const dying = new SharedChoices({ ...common, thread: 1, words });
  const second = new ServiceRouter(server, { clock, random: common.random, shared: dying });
  second.follow(server, [], own.rendering);
  for (let i = 0; i < 6; i++) second.router('cluster').route(request);
  for (let i = 0; i < 4; i++) first.router('cluster').route(request);
  const opens = (): number[] =>
    [...first.count.observe(endpoints).values()].map(({ open }) => open ?? 0);
  assert.deepEqual(opens(), [5, 5]);
  // It dies while it chooses, and nobody waits for it.
  dying.enter();
  own.bury(1);
  assert.equal(
    opens().reduce((sum, each) => sum + each),
    4,
  );
});

test('an endpoint has its place until no thread can choose it any more', () => {
  const endpoints = testEndpoints(3);
  const [gone, kept, late] = endpoints;
  assert.ok(gone !== undefined && kept !== undefined && late !== undefined);
  const shared = new SharedChoices({ random: testRandom(3), threads: 2, thread: 0 });
  const clock = createFakeClock(0);
  const service = new ServiceRouter(serverOf([gone, kept]), {
    clock,
    random: testRandom(4),
    shared,
  });
  const placesOf = (which: readonly Endpoint[]): readonly number[] => {
    service.follow(serverOf(which), []);
    return [...(shared.rendering?.places ?? [])];
  };
  shared.expect(1);
  assert.deepEqual(placesOf([gone, kept]), [0, 1]);
  assert.deepEqual(placesOf([kept]), [1]);
  assert.deepEqual(placesOf([kept, late]), [1, 2], 'the other thread has not learned of it');
  shared.bury(1);
  assert.deepEqual(placesOf([kept, late]), [1, 2]);
  const another = { ...late, port: 99 };
  assert.deepEqual(placesOf([kept, late, another]), [1, 2, 0]);
});
