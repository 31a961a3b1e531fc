import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fc } from '../../../test/support/properties.ts';
import { buildMaglev } from '../schedulers/maglev.ts';
import { EndpointLoads } from '../schedulers/loads.ts';
import { endpointKey, plainRequestRules, type Endpoint } from '../service-port.ts';
import { testCookie, testEndpoints, testRandom, testServer } from '../testing.ts';
import { RequestChoices, type ChooseRequest } from './choose-request.ts';
import { decideRequest, type ForwardRequest } from './decide-request.ts';
import { hashOfText, pickBounded, type HashRule } from './hash-rule.ts';
import { matchesAll, type HttpRequest, type RequestBackend } from './route.ts';
import { createSessions, sessionToken, TokenCache } from './sessions.ts';

const key = new Uint8Array(32).fill(7);
const id = 'default/web:http/TCP/IPv4';
const asked: ChooseRequest = { nowMs: 0, client: '192.0.2.1', destination: '10.0.0.1', tried: [] };

function decide(
  candidates: readonly Endpoint[],
  how: {
    hash?: HashRule;
    sticky?: boolean;
    header?: string;
    scheduler?: RequestBackend['scheduler'];
  },
): ForwardRequest {
  const sessions = createSessions(candidates, {
    cookie: testCookie,
    scope: 'default/web',
    keys: [key],
    tokens: new TokenCache(),
  });
  const backend: RequestBackend = {
    id,
    pool: 'cluster',
    candidates,
    scheduler: how.scheduler ?? 'rr',
    hash: how.hash,
    sessions: how.sticky === true ? sessions : undefined,
  };
  const request: HttpRequest = {
    method: 'GET',
    authority: 'shop.example',
    path: '/',
    header: (name) => (name === 'cookie' || name === 'x-user' ? how.header : undefined),
    client: { address: '192.0.2.1' },
  };
  const routes = [{ name: 'all', match: matchesAll, targets: [{ weight: 1, backend }] }];
  const decision = decideRequest(routes, request, { random: () => 0 });
  assert.ok(decision.kind === 'forward');
  return decision;
}

describe('a session', () => {
  const pool = testEndpoints(3).map((each, i) => ({ ...each, podUid: `uid-${i}` }));
  const [first, second] = pool;
  assert.ok(first !== undefined && second !== undefined);
  const header = `sid=${sessionToken(key, 'default/web', second)}`;

  test('is kept, and no cookie is sent again', () => {
    const choices = new RequestChoices(testRandom(1));
    const chosen = choices.choose(decide(pool, { sticky: true, header }), asked);
    assert.deepEqual(chosen, { endpoint: second, setCookie: undefined });
  });

  test('moves when its endpoint fails the request, and the cookie is rewritten', () => {
    const choices = new RequestChoices(testRandom(1));
    const tried = [endpointKey(second)];
    const chosen = choices.choose(decide(pool, { sticky: true, header }), { ...asked, tried });
    assert.ok(chosen !== undefined && chosen.endpoint !== second);
    const token = sessionToken(key, 'default/web', chosen.endpoint);
    assert.equal(chosen.setCookie, `sid=${token}; Path=/; SameSite=Lax; HttpOnly`);
  });

  test('follows its Pod, not an address that another Pod has now', () => {
    const reused = [first, { ...second, podUid: 'uid-new' }];
    const decision = decide(reused, { sticky: true, header });
    assert.equal(decision.held, undefined);
    const moved = [{ ...first, podUid: 'uid-1' }, second];
    const swapped = decide([moved[0] ?? first], { sticky: true, header });
    assert.equal(swapped.held?.endpoint.address, first.address);
  });

  test('is the same for ports and Services apart', () => {
    assert.notEqual(
      sessionToken(key, 'default/web', first),
      sessionToken(key, 'default/api', first),
    );
    const other = { ...first, port: 9090 };
    assert.notEqual(
      sessionToken(key, 'default/web', first),
      sessionToken(key, 'default/web', other),
    );
    assert.match(sessionToken(key, 'default/web', first), /^[\w-]{16}$/);
  });
});

test('who failed is set aside, and at least half stay in use', () => {
  const choices = new RequestChoices(testRandom(3));
  const pool = testEndpoints(4);
  for (const endpoint of pool) choices.loadOf(id, endpoint).failed(0);
  const seen = new Set<string>();
  for (let i = 0; i < 100; i++) {
    seen.add(choices.choose(decide(pool, {}), asked)?.endpoint.address ?? '');
  }
  assert.equal(seen.size, 2);
});

test('every endpoint is tried once, then none is left', () => {
  for (const hash of [undefined, { by: { kind: 'source' }, bound: 1.25 } as const]) {
    const choices = new RequestChoices(testRandom(5));
    const pool = testEndpoints(4);
    const tried: string[] = [];
    for (let attempt = 0; attempt < 4; attempt++) {
      const decision = decide(pool, hash === undefined ? {} : { hash });
      const chosen = choices.choose(decision, { ...asked, tried });
      assert.ok(chosen !== undefined && !tried.includes(endpointKey(chosen.endpoint)));
      tried.push(endpointKey(chosen.endpoint));
    }
    assert.equal(choices.choose(decide(pool, {}), { ...asked, tried }), undefined);
  }
});

test('a load-based scheduler sees requests that are open, and latency those that are over', () => {
  const choices = new RequestChoices(testRandom(7));
  const pool = testEndpoints(3);
  const [slow, ...others] = pool;
  assert.ok(slow !== undefined);
  const load = choices.loadOf(id, slow);
  load.opened();
  for (let i = 0; i < 10; i++) {
    assert.notEqual(choices.choose(decide(pool, { scheduler: 'lc' }), asked)?.endpoint, slow);
  }
  load.closed();
  load.answered({ latencyMs: 500, nowMs: 0 });
  for (const other of others) choices.loadOf(id, other).answered({ latencyMs: 5, nowMs: 0 });
  let slowGot = 0;
  for (let i = 0; i < 300; i++) {
    const chosen = choices.choose(decide(pool, { scheduler: 'p2c-latency' }), asked);
    if (chosen?.endpoint === slow) slowGot++;
  }
  assert.equal(slowGot, 0, 'of two the slow one is never the better');
});

test('a new endpoint begins at a tenth of its share and ends at the whole', () => {
  const choices = new RequestChoices(testRandom(11));
  const pool = testEndpoints(2);
  const [old, fresh] = pool;
  assert.ok(old !== undefined && fresh !== undefined);
  const server = (endpoints: readonly Endpoint[]): Parameters<RequestChoices['follow']>[0] => {
    const plain = testServer({ endpoints });
    return {
      ...plain,
      perRequest: { ...plainRequestRules, slowStartMs: 10_000, pools: plain.pools },
    };
  };
  choices.follow(server([old]), 0);
  choices.follow(server(pool), 0);
  const share = (nowMs: number): number => {
    let got = 0;
    for (let i = 0; i < 1_000; i++) {
      if (choices.choose(decide(pool, {}), { ...asked, nowMs })?.endpoint === fresh) got++;
    }
    return got / 1_000;
  };
  // `decide` makes a new array each time, so each choice starts at a random turn: halves, not exactly.
  assert.ok(share(0) < 0.15, 'at first');
  const middle = share(5_000);
  assert.ok(middle > 0.2 && middle < 0.45, `half way: ${middle}`);
  assert.ok(Math.abs(share(10_000) - 0.5) < 0.06, 'at the end');
});

describe('a bounded hash', () => {
  const ringOf = (endpoints: readonly Endpoint[], loads = new EndpointLoads()) => ({
    ring: buildMaglev(
      endpoints.map(endpointKey),
      endpoints.map(({ weight }) => weight),
    ),
    slots: Uint32Array.from(endpoints, (each) => loads.slotOf(each)),
    weights: Uint32Array.from(endpoints, ({ weight }) => weight),
    loads,
  });
  const nobody = (): boolean => false;

  test('one busy key never gives an endpoint more than its bound', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 400 }),
        fc.constantFrom(1.05, 1.25, 2),
        fc.array(fc.constantFrom('hot', 'a', 'b', 'c'), { minLength: 1, maxLength: 20 }),
        (count, requests, bound, keys) => {
          const ring = ringOf(testEndpoints(count));
          for (let i = 0; i < requests; i++) {
            const hash = hashOfText(keys[i % keys.length] ?? '');
            const chosen = pickBounded(ring, { hash, bound }, nobody);
            assert.ok(chosen >= 0);
            const slot = ring.slots[chosen] ?? 0;
            ring.loads.opened(slot);
            assert.ok(ring.loads.open(slot) <= Math.ceil((bound * (i + 1)) / count));
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  test('without load it is the endpoint of the table, and losing one moves few others', () => {
    const pool = testEndpoints(10);
    const all = ringOf(pool);
    const gone = 3;
    const less = ringOf(pool.filter((_, i) => i !== gone));
    let moved = 0;
    for (let i = 0; i < 5_000; i++) {
      const hash = hashOfText(`user-${i}`);
      const before = pool[pickBounded(all, { hash, bound: 1.25 }, nobody)];
      const index = pickBounded(less, { hash, bound: 1.25 }, nobody);
      const after = pool.filter((_, k) => k !== gone)[index];
      if (before !== pool[gone] && before !== after) moved++;
    }
    assert.ok(moved < 5_000 * 0.05, `${moved} moved`);
  });

  test('weights are shares of the load, and who is passed over gets nothing', () => {
    const pool = testEndpoints(2).map((each, i) => ({ ...each, weight: i === 0 ? 3 : 1 }));
    const ring = ringOf(pool);
    for (let i = 0; i < 400; i++) {
      const chosen = pickBounded(ring, { hash: hashOfText('hot'), bound: 1.001 }, nobody);
      ring.loads.opened(ring.slots[chosen] ?? 0);
    }
    const open = [...ring.slots].map((slot) => ring.loads.open(slot));
    assert.ok(Math.abs((open[0] ?? 0) - 300) <= 2, open.join());
    assert.equal(
      pickBounded(ring, { hash: 1, bound: 1.25 }, () => true),
      -1,
    );
    assert.equal(
      pickBounded(ring, { hash: 1, bound: 1.25 }, (i) => i === 0),
      1,
    );
  });
});
