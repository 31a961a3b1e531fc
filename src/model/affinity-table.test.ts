import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AffinityTable } from './affinity-table.ts';

test('an entry holds until its time is over', () => {
  const table = new AffinityTable();
  table.set('192.0.2.1', 'a', 1_000);
  assert.equal(table.get('192.0.2.1', 999), 'a');
  assert.equal(table.get('192.0.2.1', 1_000), undefined);
  assert.equal(table.size, 0);
});

test('at the bound the client that connected longest ago is forgotten', () => {
  const table = new AffinityTable(2);
  table.set('1', 'a', 9_000);
  table.set('2', 'b', 9_000);
  table.set('1', 'a', 9_000);
  table.set('3', 'c', 9_000);
  assert.equal(table.size, 2);
  assert.equal(table.get('2', 0), undefined);
  assert.equal(table.get('1', 0), 'a');
  assert.equal(table.get('3', 0), 'c');
});

test('never larger than its bound, and never wrong about what it still knows', () => {
  const step = fc.record({ client: fc.nat(9), endpoint: fc.nat(3), wait: fc.nat(50) });
  fc.assert(
    fc.property(fc.array(step), fc.integer({ min: 1, max: 5 }), (steps, bound) => {
      const table = new AffinityTable(bound);
      const last = new Map<string, { endpoint: string; until: number }>();
      let now = 0;
      for (const s of steps) {
        now += s.wait;
        const entry = { endpoint: `e${s.endpoint}`, until: now + 100 };
        table.set(`c${s.client}`, entry.endpoint, entry.until);
        last.set(`c${s.client}`, entry);
        assert.ok(table.size <= bound);
        for (const [client, { endpoint, until }] of last) {
          const got = table.get(client, now);
          assert.ok(got === undefined || (got === endpoint && until > now));
        }
        assert.equal(table.get(`c${s.client}`, now), entry.endpoint);
      }
      table.sweep(now + 1_000);
      assert.equal(table.size, 0);
    }),
  );
});
