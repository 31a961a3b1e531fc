/** Endpoints that failed and endpoints that are new, as the router of a ServicePort treats them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointKey, type Endpoint } from '../model/index.ts';
import { testEndpoints, testRandom, testServer } from '../model/testing.ts';
import { createFakeClock, type FakeClock } from '../sys/index.ts';
import type { RequestFacts, RequestRouter } from './router.ts';
import type { RequestServer } from './request-server.ts';
import { ServiceRouter } from './service-router.ts';

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

function startRouter(server: RequestServer): {
  readonly service: ServiceRouter;
  readonly router: RequestRouter;
  readonly clock: FakeClock;
} {
  const clock = createFakeClock(0);
  const service = new ServiceRouter(server, { clock, random: testRandom(3) });
  service.follow(server, []);
  return { service, router: service.router('cluster'), clock };
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

test('an endpoint that fails is set aside after one request, and asked again later', async () => {
  const endpoints = testEndpoints(4);
  const { router, clock } = startRouter(serverOf(endpoints));
  const bad = endpointKey(endpoints[1] ?? assert.fail());
  assert.equal(shares(router, 400, new Set([bad])).get(bad), 1);
  await clock.advance(1_300);
  assert.equal(shares(router, 400, new Set([bad])).get(bad), 1, 'once more, then aside for longer');
  await clock.advance(1_300);
  assert.equal(shares(router, 400, new Set([bad])).get(bad), undefined);
  await clock.advance(1_300);
  assert.equal(shares(router, 400).get(bad), 100, 'one answer and it has its share');
});

test('when all fail, half of them stay in use', () => {
  const endpoints = testEndpoints(6);
  const { router } = startRouter(serverOf(endpoints));
  const all = new Set(endpoints.map(endpointKey));
  shares(router, 600, all);
  const got = shares(router, 600, all);
  assert.equal(got.size, 3);
  assert.equal(
    [...got.values()].reduce((sum, each) => sum + each),
    600,
  );
});

test('an endpoint that drops out of the Plan and comes back is not held to what it was', () => {
  const endpoints = testEndpoints(4);
  const { service, router } = startRouter(serverOf(endpoints));
  const bad = endpointKey(endpoints[0] ?? assert.fail());
  shares(router, 40, new Set([bad]));
  service.follow(serverOf(endpoints.slice(1)), []);
  assert.equal(shares(router, 30).size, 3);
  service.follow(serverOf(endpoints), []);
  assert.equal(shares(router, 40).get(bad), 10);
});

test('slow start: a new endpoint comes to its share little by little', async () => {
  const endpoints = testEndpoints(4);
  const fresh = endpointKey(endpoints[3] ?? assert.fail());
  const { service, router, clock } = startRouter(serverOf(endpoints.slice(0, 3), 10_000));
  service.follow(serverOf(endpoints, 10_000), []);
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
