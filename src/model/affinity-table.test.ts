import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import { AffinityTable } from './affinity-table.ts';

test('an entry holds until its time is over', () => {
  const table = new AffinityTable();
  table.set('192.0.2.1', { endpoint: 'a', expiresAtMs: 1_000, nowMs: 0 });
  assert.equal(table.get('192.0.2.1', 999), 'a');
  assert.equal(table.get('192.0.2.1', 1_000), undefined);
  assert.equal(table.size, 0);
});

test('at the bound the client that connected longest ago is forgotten', () => {
  const table = new AffinityTable(2);
  table.set('1', { endpoint: 'a', expiresAtMs: 9_000, nowMs: 0 });
  table.set('2', { endpoint: 'b', expiresAtMs: 9_000, nowMs: 0 });
  table.set('1', { endpoint: 'a', expiresAtMs: 9_000, nowMs: 0 });
  table.set('3', { endpoint: 'c', expiresAtMs: 9_000, nowMs: 0 });
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
        table.set(`c${s.client}`, {
          endpoint: entry.endpoint,
          expiresAtMs: entry.until,
          nowMs: now,
        });
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

test('clients that never come back are swept away by those that do', () => {
  const table = new AffinityTable();
  for (let n = 0; n < 1_000; n++)
    table.set(`old-${n}`, { endpoint: 'a', expiresAtMs: 100, nowMs: 0 });
  for (let n = 0; n < 500; n++) table.set('new', { endpoint: 'a', expiresAtMs: 300, nowMs: 200 });
  assert.equal(table.size, 1);
});
