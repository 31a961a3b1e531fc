/** Whatever the revisions, they come out as they went in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import { packRevisions, unpackRevisions } from './packed-revisions.ts';

const text = fc.string({ unit: 'binary' });

test('packed and unpacked, revisions are what they were', () => {
  const revision = fc.record({
    version: fc.maxSafeNat(),
    kind: text,
    namespace: text,
    name: text,
    deleted: fc.boolean(),
    object: text,
  });
  fc.assert(
    fc.property(fc.array(revision), (revisions) => {
      const packed = structuredClone(packRevisions(revisions));
      assert.deepEqual(
        unpackRevisions(packed).map((one) => ({ ...one })),
        revisions.map((one) => ({ ...one })),
      );
    }),
  );
});
