import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import { emptyPlan, findFrontend, nextPlan, type Plan } from './plan.ts';
import type { Frontend, VirtualServer } from './service-port.ts';
import { testEndpoints, testFrontend, testNode, testPlan, testServer } from './testing.ts';

test('nothing differs: no next Plan', () => {
  const server = testServer();
  const plan = testPlan([server]);
  assert.equal(
    nextPlan(plan, { set: [server], remove: ['default/none:http/TCP/IPv4'] }),
    undefined,
  );
});

test('a Delta names what was added, updated and removed, and the revision grows', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name, i) =>
    testServer({ name, frontends: [{ ...testFrontend, port: 80 + i }] }),
  );
  const plan = testPlan([a!, b!]);
  const changed = { ...b!, endpoints: testEndpoints(1) };
  const next = nextPlan(plan, { set: [changed, c!], remove: [a!.id] });
  assert.ok(next);
  assert.deepEqual(next.delta, {
    fromRevision: 1,
    toRevision: 2,
    added: [c],
    updated: [{ before: b, after: changed }],
    removed: [a],
    nodeChanged: false,
  });
  assert.equal(next.plan.revision, 2);
  assert.equal(findFrontend(next.plan, 'TCP', '10.96.0.10', 80), undefined);
  assert.equal(findFrontend(plan, 'TCP', '10.96.0.10', 80)?.server, a);
});

test('of two that claim a frontend the first by id has it, and the other follows when it goes', () => {
  const a = testServer({ name: 'a' });
  const b = testServer({ name: 'b' });
  const plan = testPlan([b, a]);
  assert.equal(findFrontend(plan, 'TCP', '10.96.0.10', 80)?.server, a);
  const next = nextPlan(plan, { set: [], remove: [a.id] });
  assert.equal(findFrontend(next!.plan, 'TCP', '10.96.0.10', 80)?.server, b);
});

test('a NodePort is found at each NodePort address of its family, and nowhere else', () => {
  const nodePort: Frontend = { kind: 'nodePort', address: undefined, port: 30_080 };
  const node = { ...testNode, nodePortAddresses: ['192.0.2.1', '192.0.2.9', 'fd00::1'] };
  const server = testServer({ frontends: [testFrontend, nodePort] }, node);
  const plan = testPlan([server], node);
  assert.equal(findFrontend(plan, 'TCP', '192.0.2.9', 30_080)?.frontend, nodePort);
  assert.equal(findFrontend(plan, 'TCP', 'fd00::1', 30_080), undefined);
  assert.equal(findFrontend(plan, 'TCP', '192.0.2.2', 30_080), undefined);
  assert.equal(findFrontend(plan, 'UDP', '192.0.2.9', 30_080), undefined);
});

test('Plans made change by change find exactly what a Plan made at once finds', () => {
  const server = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    ports: fc.uniqueArray(fc.integer({ min: 80, max: 83 }), { minLength: 1, maxLength: 3 }),
  });
  const change = fc.record({
    set: fc.array(server, { maxLength: 3 }),
    remove: fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 2 }),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
      let plan = emptyPlan(testNode);
      const model = new Map<string, VirtualServer>();
      for (const { set, remove } of changes) {
        const gone = remove.filter((name) => !set.some((s) => s.name === name));
        const servers = [...new Map(set.map((s) => [s.name, s])).values()].map(({ name, ports }) =>
          testServer({ name, frontends: ports.map((port) => ({ ...testFrontend, port })) }),
        );
        const ids = gone.map((name) => testServer({ name }).id);
        for (const id of ids) model.delete(id);
        for (const s of servers) model.set(s.id, s);
        plan = nextPlan(plan, { set: servers, remove: ids })?.plan ?? plan;
      }
      assert.deepEqual(shape(plan), shape(testPlan([...model.values()])));
    }),
  );
});

function shape(plan: Plan): unknown {
  const sorted = <V>(map: Iterable<readonly [string, V]>): unknown =>
    [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    servers: sorted(plan.servers),
    frontends: sorted(plan.frontends),
  };
}
