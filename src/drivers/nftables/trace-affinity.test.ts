/** ClientIP affinity by the rules themselves, with time that is told: what clocks and machines make slow or unsure. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { RuleSpec } from '../../codec/nftables/index.ts';
import {
  emptyPlan,
  nextPlan,
  type Endpoint,
  type Plan,
  type VirtualServer,
} from '../../model/index.ts';
import { clusterIp, externalIp, testEndpoint, testNode, testServer } from '../conformance/index.ts';
import { stageDelta, stageWhole, type Standing } from './apply.ts';
import { tracePacket } from './trace-packet.suite.ts';
import { keyText, TracedTables } from './trace-tables.suite.ts';

const at = { address: '10.96.0.1', port: 80 };
const external = { address: '198.19.0.1', port: 80 };
const [a, b, c] = ['10.1.0.1', '10.1.0.2', '10.1.0.3'].map((address) =>
  testEndpoint({ address, port: 8080 }),
) as [Endpoint, Endpoint, Endpoint];
const seconds = 100;

/** The driver's commits and a client's connections, on a clock of their own. */
class Node {
  nowMs = 0;
  private readonly tables = new TracedTables();
  private readonly turns = new WeakMap<RuleSpec, number>();
  private plan: Plan = emptyPlan(testNode());
  private standing: Standing | undefined;

  serve(...endpoints: readonly Endpoint[]): this {
    const server: VirtualServer = testServer([clusterIp(at), externalIp(external)], {
      endpoints,
      affinity: { kind: 'clientIP', timeoutSeconds: seconds },
    });
    const next = nextPlan(this.plan, { set: [server], remove: [] });
    assert.ok(next !== undefined);
    const { standing } = this;
    const staged =
      standing === undefined
        ? stageWhole(next.plan, { random: () => 0, localPods: undefined })
        : stageDelta(standing, next.plan, { delta: next.delta, localPods: undefined });
    this.tables.commit(staged.batch.finish());
    this.standing = staged.settle();
    this.plan = next.plan;
    return this;
  }

  connect(source: string, to = at): string {
    const flow = {
      protocol: 'TCP',
      source,
      sourcePort: 40_000,
      destination: to.address,
      destinationPort: to.port,
      entry: 'outside',
    } as const;
    const { tables, nowMs, turns } = this;
    const traced = tracePacket(
      tables,
      { flow, comesThrough: 'outside', ownAddresses: [] },
      { nowMs, turns, random: () => 0 },
    );
    assert.equal(traced.mark, 0);
    return traced.ending === 'forward' ? traced.address : traced.ending;
  }

  /** As many clients as the map takes. */
  fill(): void {
    const set = this.tables.table(2, 'switchyard').sets.get(`affinity-${seconds}`);
    assert.ok(set?.size !== undefined);
    const expiresMs = this.nowMs + seconds * 1_000;
    for (let i = 0; i < set.size; i++) {
      const key = Uint8Array.of(1, 0, 0, 0x40, 10, i >> 16, i >> 8, i);
      set.elements.set(keyText(key), { key, expiresMs, data: key.slice(0, 4) });
    }
  }

  after(passed: number): this {
    this.nowMs += passed * 1_000;
    return this;
  }
}

const client = '198.51.100.7';

test('it holds over frontends, for each client by itself', () => {
  const node = new Node().serve(a, b, c);
  const first = node.connect(client);
  const others = ['198.51.100.8', '198.51.100.9'].map((one) => node.connect(one));
  assert.equal(new Set([first, ...others]).size, 3);
  for (let i = 0; i < 5; i++) assert.equal(node.connect(client, i % 2 ? at : external), first);
});

test('every connection makes it last as long again', () => {
  const node = new Node().serve(a, b, c);
  const first = node.connect(client);
  for (let i = 0; i < 10; i++) assert.equal(node.after(seconds - 1).connect(client), first);
});

test('it ends when nobody has come for its time', () => {
  const node = new Node().serve(a, b, c);
  const first = node.connect(client);
  assert.notEqual(node.after(seconds).connect(client), first);
});

test('a client whose endpoint has gone gets another one, and stays there when it is back', () => {
  const node = new Node().serve(a, b, c);
  const first = node.connect(client);
  node.serve(...[a, b, c].filter(({ address }) => address !== first));
  const second = node.connect(client);
  assert.notEqual(second, first);
  node.serve(a, b, c);
  for (let i = 0; i < 5; i++) assert.equal(node.after(seconds - 1).connect(client), second);
});

test('what is left of an endpoint that has gone never names another one', () => {
  const node = new Node().serve(a, b);
  const first = node.connect(client);
  const [gone, other] = first === a.address ? [a, b] : [b, a];
  node.serve(other);
  node.serve(other, c);
  // The entry still says the number of the one that has gone.
  const seen = new Set(['198.51.100.1', '198.51.100.2', client].map((one) => node.connect(one)));
  assert.ok(!seen.has(gone.address));
  node.serve(other, c, gone);
  const now = node.connect(client);
  for (let i = 0; i < 4; i++) assert.equal(node.connect(client), now);
});

test('an endpoint of weight 0 keeps its clients and gets no new ones', () => {
  const node = new Node().serve(a, b);
  const first = node.connect(client);
  node.serve(...[a, b].map((one) => (one.address === first ? { ...one, weight: 0 } : one)));
  assert.equal(node.connect(client), first);
  for (let i = 1; i < 6; i++) assert.notEqual(node.connect(`198.51.100.${100 + i}`), first);
});

test('a map that is full costs a client its affinity, not its connection', () => {
  const node = new Node().serve(a, b);
  node.fill();
  const seen = new Set([1, 2].map(() => node.connect(client)));
  assert.deepEqual(seen, new Set([a.address, b.address]));
  assert.equal(node.after(seconds).connect(client), node.connect(client));
});
