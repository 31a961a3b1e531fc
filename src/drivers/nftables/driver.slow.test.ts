/** The driver beside its packets: counters, lost tables, refused commits, tables of others. */
import assert from 'node:assert/strict';
import test, { after, type TestContext } from 'node:test';
import {
  CodedError,
  emptyPlan,
  endpointKey,
  nextPlan,
  type Driver,
  type EndpointCounters,
  type Plan,
} from '../../model/index.ts';
import { createFakeClock, type FakeClock } from '../../sys/index.ts';
import { createLogger } from '../../obs/index.ts';
import { loadNetlink, type OpenNetlink } from '../../sys/netlink/index.ts';
import {
  clusterIp,
  externalIp,
  namespacesMissing,
  openNamespaces,
  testEndpoint,
  testNode,
  testServer,
  type NamespaceWorld,
} from '../conformance/index.ts';
import { createNftablesDriver, type NftablesOptions } from './index.ts';

const missing = namespacesMissing('nft');
const never = new AbortController().signal;

if (missing !== undefined) {
  test('the nftables driver', { skip: missing }, () => undefined);
} else {
  const world = await openNamespaces('IPv4');
  after(() => world.close());
  describeIn(world);
}

interface Made {
  readonly driver: Driver;
  readonly clock: FakeClock;
  /** What was logged. */
  readonly lines: readonly string[];
}

function make(
  t: TestContext,
  world: NamespaceWorld,
  { atStop = 'remove', openNetlink }: Partial<Pick<NftablesOptions, 'atStop' | 'openNetlink'>> = {},
): Made {
  const clock = createFakeClock();
  const lines: string[] = [];
  const driver = createNftablesDriver({
    clock,
    random: () => 0.5,
    log: createLogger({
      level: 'info',
      format: 'json',
      clock,
      write: (line) => void lines.push(line),
    }),
    namespace: world.namespace,
    atStop,
    openNetlink,
  });
  t.after(() => driver.stop(AbortSignal.abort()));
  return { driver, clock, lines };
}

function planOf(names: readonly string[], before: Plan = emptyPlan(testNode())): Plan {
  const set = names.map((name, i) =>
    testServer([clusterIp({ address: `10.96.9.${i + 1}`, port: 80 })], {
      name,
      endpoints: [testEndpoint({ address: '10.244.1.9', port: 8080 })],
    }),
  );
  return nextPlan(before, { set, remove: [] })?.plan ?? before;
}

function describeIn(world: NamespaceWorld): void {
  const listed = (): string => world.inNode('nft', 'list', 'ruleset');

  test('rules read well: every chain of a Service names it', async (t) => {
    const { driver } = make(t, world);
    await driver.apply(planOf(['web']), undefined, never);
    assert.match(
      listed(),
      /chain pool-default\/web\/tcp-cluster \{\s+comment "default\/web:\/TCP\/IPv4"/,
    );
    assert.doesNotMatch(listed(), /meta mark set/);
  });

  test('cleaning up leaves nothing behind', async (t) => {
    const { driver } = make(t, world);
    await driver.apply(planOf(['web']), undefined, never);
    await driver.stop(AbortSignal.abort());
    assert.equal(listed(), '');
  });

  test('a lost table comes back, and what it served with it', async (t) => {
    const { driver, clock } = make(t, world);
    await driver.apply(planOf(['web']), undefined, never);
    const whole = listed();
    world.inNode('nft', 'flush', 'ruleset');
    assert.equal(listed(), '');
    await clock.advance(500);
    assert.equal(listed().length, whole.length);
    world.inNode('nft', 'delete', 'table', 'ip6', 'switchyard');
    await clock.advance(500);
    assert.equal(listed().length, whole.length);
  });

  test('a table of our name that is not ours is left alone', async (t) => {
    world.inNode('nft', 'add', 'table', 'ip', 'switchyard');
    t.after(() => world.inNode('nft', 'flush', 'ruleset'));
    const { driver } = make(t, world);
    await assert.rejects(driver.apply(planOf(['web']), undefined, never), {
      code: 'NFTABLES_TABLE_FOREIGN',
    });
    assert.equal(listed(), 'table ip switchyard {\n}\n');
  });

  test('the next run takes over what the last one left', async (t) => {
    const first = make(t, world, { atStop: 'leave' });
    await first.driver.apply(planOf(['web', 'old']), undefined, never);
    await first.driver.stop(AbortSignal.abort());
    assert.match(listed(), /default\/old/);
    const second = make(t, world);
    await second.driver.apply(planOf(['web']), undefined, never);
    assert.match(listed(), /default\/web/);
    assert.doesNotMatch(listed(), /default\/old/);
  });

  test('the probe tries all that rules are made of, and leaves no trace of it', async (t) => {
    const { driver } = make(t, world);
    assert.deepEqual(await driver.probe(), []);
    assert.equal(listed(), '');
    await driver.apply(planOf(['web']), undefined, never);
    const whole = listed();
    assert.deepEqual(await driver.probe(), []);
    assert.equal(listed(), whole);
  });

  test('a change touches its Service alone', async (t) => {
    const { driver } = make(t, world);
    const many = planOf(Array.from({ length: 100 }, (_, i) => `web-${i}`));
    await driver.apply(many, undefined, never);
    const next = nextPlan(many, {
      set: [
        testServer([clusterIp({ address: '10.96.9.1', port: 80 })], {
          name: 'web-0',
          endpoints: ['10.244.1.9', '10.244.1.10'].map((address) =>
            testEndpoint({ address, port: 8080 }),
          ),
        }),
      ],
      remove: [],
    });
    assert.ok(next !== undefined);
    const report = await driver.apply(next.plan, next.delta, never);
    assert.ok(report.operations < 12, `${report.operations} operations`);
  });

  test('a small change asks the kernel for no list, however many Services there are', async (t) => {
    const asked: string[] = [];
    const open = await loadNetlink();
    const openNetlink: OpenNetlink = (options) => {
      const socket = open(options);
      return {
        onMessages: (...how) => socket.onMessages(...how),
        close: () => socket.close(),
        request: (what, bytes) => {
          asked.push(`${what}${isDump(bytes) ? ', all' : ''}`);
          return socket.request(what, bytes);
        },
        dump: (what, bytes, visit) => {
          asked.push(`${what}${isDump(bytes) ? ', all' : ''}`);
          socket.dump(what, bytes, visit);
        },
      };
    };
    const { driver } = make(t, world, { openNetlink });
    let plan = planOf(Array.from({ length: 50 }, (_, i) => `web-${i}`));
    await driver.apply(plan, undefined, never);
    for (const [n, [protocol, expected]] of (
      [
        ['TCP', ['read counters', 'commit rules']],
        // The kernel compares each with the one place it is asked for.
        ['UDP', ['read counters', 'commit rules', 'list connections, all']],
      ] as const
    ).entries()) {
      for (const port of [8_081, 8_082]) {
        const server = testServer([clusterIp({ address: `10.96.8.${n}`, port: 80 })], {
          name: `changed-${protocol}`,
          protocol,
          endpoints: [testEndpoint({ address: '10.244.1.9', port })],
        });
        const next = nextPlan(plan, { set: [server], remove: [] });
        assert.ok(next !== undefined);
        asked.length = 0;
        await driver.apply(next.plan, next.delta, never);
        ({ plan } = next);
      }
      assert.deepEqual(asked, expected);
    }
  });

  test('a refused commit leaves the old rules, is logged whole, and the next one is whole', async (t) => {
    const { driver, lines } = make(t, world);
    const plan = planOf(['web']);
    await driver.apply(plan, undefined, never);
    // Somebody took a chain of ours away: what we know of the kernel is wrong.
    world.inNode('nft', 'delete element ip switchyard services { 10.96.9.1 . tcp . 80 }');
    world.inNode('nft', 'delete chain ip switchyard pool-default/web/tcp-cluster');
    const before = listed();
    const removed = nextPlan(plan, { set: [], remove: [...plan.servers].map(([id]) => id) });
    assert.ok(removed !== undefined);
    const culprit = 'delete element ip switchyard services { 10.96.9.1 . tcp . 80 : ';
    await assert.rejects(driver.apply(removed.plan, removed.delta, never), (error) => {
      assert.ok(error instanceof CodedError);
      assert.equal(error.code, 'NFTABLES_REFUSED');
      assert.ok(error.message.includes(culprit), error.message);
      return true;
    });
    assert.equal(listed(), before);
    assert.equal(lines.length, 1);
    const [logged = ''] = lines;
    for (const part of [culprit, 'delete chain ip switchyard pool-default/web/tcp-cluster']) {
      assert.ok(logged.includes(part), logged);
    }
    await driver.apply(removed.plan, removed.delta, never);
    assert.doesNotMatch(listed(), /default\/web/);
    assert.equal(lines.length, 1);
  });

  test('of two Services at one address the first has it until it goes', async (t) => {
    const { driver } = make(t, world);
    const place = { address: '10.9.9.9', port: 80 };
    const endpoints = [testEndpoint({ address: '10.244.1.9', port: 8080 })];
    const [a, b] = ['a', 'b'].map((name) => testServer([externalIp(place)], { name, endpoints }));
    assert.ok(a !== undefined && b !== undefined);
    const both = nextPlan(emptyPlan(testNode()), { set: [a, b], remove: [] });
    assert.ok(both !== undefined);
    const report = await driver.apply(both.plan, undefined, never);
    assert.deepEqual(
      report.failures.map(({ code }) => code),
      ['NFTABLES_FRONTEND_TAKEN'],
    );
    assert.match(listed(), /10\.9\.9\.9 \. tcp \. 80 : jump pool-default\/a\//);
    const less = nextPlan(both.plan, { set: [], remove: [a.id] });
    assert.ok(less !== undefined);
    assert.deepEqual((await driver.apply(less.plan, less.delta, never)).failures, []);
    assert.match(listed(), /10\.9\.9\.9 \. tcp \. 80 : jump pool-default\/b\//);
  });

  test('connections are counted by endpoint, also over changes', async (t) => {
    const { driver } = make(t, world);
    const backends = await Promise.all(['a', 'b'].map((name) => world.backend('TCP', name)));
    t.after(() => Promise.all(backends.map((backend) => backend.close())));
    const at = await world.freePlace('TCP');
    const [first, second] = backends.map(({ at: place }) => testEndpoint(place));
    assert.ok(first !== undefined && second !== undefined);
    const server = testServer([clusterIp(at)], { endpoints: [first, second] });
    const plan = nextPlan(emptyPlan(testNode(world.node)), { set: [server], remove: [] });
    assert.ok(plan !== undefined);
    await driver.apply(plan.plan, undefined, never);
    for (let i = 0; i < 6; i++) await world.client.ask('TCP', at);
    const counts = (): number[] =>
      [...(driver.observe().endpoints.get(server.id)?.values() ?? [])].map((c) => c.connections);
    assert.deepEqual(counts(), [3, 3]);
    const turned = {
      ...server,
      endpoints: [second, first],
      pools: { ...server.pools, cluster: [second, first] },
    };
    const next = nextPlan(plan.plan, { set: [turned], remove: [] });
    assert.ok(next !== undefined);
    await driver.apply(next.plan, next.delta, never);
    for (let i = 0; i < 4; i++) await world.client.ask('TCP', at);
    assert.deepEqual(counts(), [5, 5]);
  });

  test('open connections and bytes are known by endpoint, where the kernel counts', async (t) => {
    const { driver } = make(t, world);
    const backend = await world.backend('TCP', 'a');
    t.after(() => backend.close());
    const at = await world.freePlace('TCP');
    const endpoint = testEndpoint(backend.at);
    const server = testServer([clusterIp(at)], { endpoints: [endpoint] });
    const plan = nextPlan(emptyPlan(testNode(world.node)), { set: [server], remove: [] });
    assert.ok(plan !== undefined);
    const seen = (): EndpointCounters | undefined =>
      driver.observe().endpoints.get(server.id)?.get(endpointKey(endpoint));
    await driver.apply(plan.plan, undefined, never);
    // More ends without a count than it takes to stop listening for them.
    for (let i = 0; i < 100; i++) await world.client.ask('TCP', at);
    world.inNode('conntrack', '-D', '-p', 'tcp');
    const uncounted = await world.client.hold(at);
    assert.equal(seen()?.open, 1);
    assert.equal(seen()?.bytesIn, undefined);
    assert.equal(driver.observe().bytesUnknown, 'accounting-off');
    world.inNode('sysctl', '-qw', 'net.netfilter.nf_conntrack_acct=1');
    t.after(() => world.inNode('sysctl', '-qw', 'net.netfilter.nf_conntrack_acct=0'));
    // The kernel tells the end of those alone that began while somebody listened.
    const first = await world.client.hold(at);
    assert.notEqual(seen()?.bytesIn, undefined);
    const held = await world.client.hold(at);
    await held.repeat('x'.repeat(1_000));
    const open = seen();
    assert.equal(open?.open, 3);
    assert.ok((open.bytesIn ?? 0) > 1_000 && (open.bytesOut ?? 0) > 1_000);
    assert.equal(driver.observe().bytesUnknown, undefined);
    for (const one of [first, held, uncounted]) one.close();
    await until(() => seen()?.open === 0);
    // Its bytes stay when the kernel forgets it, and those of the next come on top.
    world.inNode('conntrack', '-D', '-p', 'tcp');
    const next = await world.client.hold(at);
    await next.repeat('x'.repeat(1_000));
    await until(() => (seen()?.bytesIn ?? 0) >= (open.bytesIn ?? 0) + 1_000);
    next.close();
    assert.equal(seen()?.connections, 104);
  });
}

/** NLM_F_DUMP. */
function isDump(bytes: Uint8Array): boolean {
  return (new DataView(bytes.buffer, bytes.byteOffset).getUint16(6, true) & 0x300) === 0x300;
}

async function until(isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!isTrue()) {
    assert.ok(performance.now() < deadline, 'it never comes true');
    await new Promise(setImmediate);
  }
}
