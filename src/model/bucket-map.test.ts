import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import { BucketMap } from './bucket-map.ts';

test('behaves as a Map does, and older versions stay as they were', () => {
  const key = fc.constantFrom(...Array.from({ length: 40 }, (_, i) => `key-${i}`));
  const change = fc.tuple(key, fc.option(fc.integer(), { nil: undefined }));
  fc.assert(
    fc.property(fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 30 }), (rounds) => {
      let map = BucketMap.empty<number>();
      const model = new Map<string, number>();
      const versions: [BucketMap<number>, Map<string, number>][] = [];
      for (const changes of rounds) {
        map = map.with(changes);
        for (const [k, v] of changes) {
          if (v === undefined) model.delete(k);
          else model.set(k, v);
        }
        versions.push([map, new Map(model)]);
      }
      for (const [version, want] of versions) {
        assert.equal(version.size, want.size);
        assert.deepEqual(new Map(version), want);
        for (const [k, v] of want) assert.equal(version.get(k), v);
      }
    }),
  );
});

test('grows to 100,000 entries, and a change then touches one bucket only', () => {
  const map = BucketMap.from(
    Array.from({ length: 100_000 }, (_, i) => [`default/s-${i}`, i] as const),
  );
  assert.equal(map.size, 100_000);
  assert.equal(map.get('default/s-77777'), 77_777);
  const changed = map.with([['default/s-5', -1]]);
  const buckets = (m: BucketMap<number>): readonly unknown[] =>
    (m as unknown as { buckets: readonly unknown[] }).buckets;
  const before = buckets(map);
  const after = buckets(changed);
  assert.equal(after.filter((b, i) => b !== before[i]).length, 1);
  assert.ok(before.length <= 2_048, `${before.length} buckets are copied for each change`);
  assert.equal(changed.get('default/s-5'), -1);
  assert.equal(map.get('default/s-5'), 5);
});
