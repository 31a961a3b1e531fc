import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChoiceState, choose } from './choose.ts';
import { decide } from './decide.ts';
import type { Decision, Flow } from './flow.ts';
import type { PickableScheduler } from './schedulers/names.ts';
import { endpointKey, type Endpoint, type VirtualServer } from './service-port.ts';
import {
  testEndpoint,
  testEndpoints,
  testFlow,
  testFrontend,
  testPlan,
  testRandom,
  testServer,
} from './testing.ts';

const timeoutSeconds = 100;

/** One ServicePort with ClientIP affinity, its Plan replaced as a test goes on. */
class Sticky {
  readonly choices: ChoiceState;
  nowMs = 0;
  private server: VirtualServer;
  private readonly random = testRandom(7);

  constructor(fields: Partial<VirtualServer> = {}, maxClients?: number) {
    this.choices = new ChoiceState(maxClients);
    this.server = testServer({ affinity: { kind: 'clientIP', timeoutSeconds }, ...fields });
  }

  set endpoints(endpoints: readonly Endpoint[]) {
    const { pools: _old, ...rest } = this.server;
    this.server = testServer({ ...rest, endpoints });
  }

  connect(
    flow: Partial<Flow> = {},
    scheduler: PickableScheduler = 'rr',
    tried?: ReadonlySet<string>,
  ): string | undefined {
    const full = testFlow(flow);
    const decision: Decision = decide(testPlan([this.server]), full);
    assert.equal(decision.kind, 'forward');
    const options = { nowMs: this.nowMs, random: this.random, scheduler };
    const chosen = choose(
      this.choices,
      decision,
      full,
      tried === undefined ? options : { ...options, tried },
    );
    return chosen === undefined ? undefined : endpointKey(chosen);
  }
}

test('affinity holds for fifteen connections in a row', () => {
  const sticky = new Sticky({ endpoints: testEndpoints(3) });
  const first = sticky.connect();
  for (let n = 0; n < 15; n++) assert.equal(sticky.connect({ sourcePort: 40_000 + n }), first);
});

test('different clients go on in turn', () => {
  const sticky = new Sticky({ endpoints: testEndpoints(3) });
  const got = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((source) => sticky.connect({ source }));
  assert.equal(new Set(got).size, 3);
});

test('the timeout slides: each connection starts it anew', () => {
  const sticky = new Sticky({ endpoints: testEndpoints(3) });
  const first = sticky.connect();
  for (let n = 0; n < 10; n++) {
    sticky.nowMs += timeoutSeconds * 1_000 - 1;
    assert.equal(sticky.connect(), first);
  }
});

test('after the timeout the client takes its turn again', () => {
  const sticky = new Sticky({ endpoints: testEndpoints(3) });
  const first = sticky.connect();
  sticky.nowMs += timeoutSeconds * 1_000;
  assert.notEqual(sticky.connect(), first);
});

test('a client moves when its endpoint goes, and stays where it moved when the endpoint comes back', () => {
  const sticky = new Sticky({ endpoints: testEndpoints(3) });
  const first = sticky.connect();
  sticky.endpoints = testEndpoints(3).filter((e) => endpointKey(e) !== first);
  const second = sticky.connect();
  assert.notEqual(second, first);
  sticky.endpoints = testEndpoints(3);
  assert.equal(sticky.connect(), second);
});

test('a client leaves an endpoint that is no longer ready', () => {
  const sticky = new Sticky({ endpoints: testEndpoints(2) });
  const first = sticky.connect();
  sticky.endpoints = testEndpoints(2).map((e) =>
    endpointKey(e) === first ? { ...e, ready: false } : e,
  );
  assert.notEqual(sticky.connect(), first);
});

test('weight 0 keeps the clients it has and takes no new ones', () => {
  const sticky = new Sticky({ endpoints: testEndpoints(2) });
  const mine = sticky.connect({ source: '192.0.2.1' });
  sticky.endpoints = testEndpoints(2).map((e) =>
    endpointKey(e) === mine ? { ...e, weight: 0 } : e,
  );
  assert.equal(sticky.connect({ source: '192.0.2.1' }), mine);
  for (let n = 2; n < 20; n++) assert.notEqual(sticky.connect({ source: `192.0.2.${n}` }), mine);
  sticky.nowMs += timeoutSeconds * 1_000;
  assert.notEqual(sticky.connect({ source: '192.0.2.1' }), mine);
});

test('affinity is shared by all frontends of the ServicePort', () => {
  const sticky = new Sticky({
    endpoints: testEndpoints(5),
    frontends: [testFrontend, { kind: 'externalIP', address: '198.51.100.1', port: 80 }],
  });
  const first = sticky.connect();
  assert.equal(sticky.connect({ destination: '198.51.100.1', entry: 'outside' }), first);
});

test('an endpoint outside the pool of the path is not used, and the path gets its own', () => {
  const [far, near] = [
    testEndpoint({ address: '10.1.0.1' }),
    testEndpoint({ address: '10.1.0.2', local: true }),
  ];
  const sticky = new Sticky({
    endpoints: [far, near],
    externalTrafficPolicy: 'Local',
    frontends: [testFrontend, { kind: 'externalIP', address: '198.51.100.1', port: 80 }],
  });
  while (sticky.connect({ source: '203.0.113.9' }) !== endpointKey(far))
    sticky.nowMs += timeoutSeconds * 1_000;
  const outside: Partial<Flow> = {
    source: '203.0.113.9',
    destination: '198.51.100.1',
    entry: 'outside',
  };
  assert.equal(sticky.connect(outside), endpointKey(near));
});

test('at the bound a newcomer costs the longest silent client its affinity, nothing else', () => {
  const sticky = new Sticky({ endpoints: testEndpoints(3) }, 100);
  for (let n = 0; n < 250; n++) assert.ok(sticky.connect({ source: `192.0.2.${n}` }));
  assert.equal(sticky.choices.affinity.size, 100);
});

test('without affinity nothing is remembered', () => {
  const sticky = new Sticky({ endpoints: testEndpoints(3), affinity: { kind: 'none' } });
  sticky.connect();
  assert.equal(sticky.choices.affinity.size, 0);
});

for (const scheduler of ['rr', 'wrr', 'random', 'lc', 'sh', 'dh', 'mh', 'p2c'] as const) {
  test(`${scheduler}: a connection that tried an endpoint in vain gets each of the others once`, () => {
    const plain = new Sticky({ endpoints: testEndpoints(4), affinity: { kind: 'none' } });
    const tried = new Set<string>();
    for (let n = 0; n < 4; n++) {
      const next = plain.connect({}, scheduler, tried);
      assert.ok(next !== undefined && !tried.has(next));
      tried.add(next);
    }
    assert.equal(plain.connect({}, scheduler, tried), undefined);
  });
}

test('a sticky client whose endpoint refuses is moved for good', () => {
  const sticky = new Sticky({ endpoints: testEndpoints(3) });
  const first = sticky.connect()!;
  const second = sticky.connect({}, 'rr', new Set([first]));
  assert.notEqual(second, first);
  assert.equal(sticky.connect(), second);
});
