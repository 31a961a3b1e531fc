/** A time is the same text whatever was asked for before it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTimestamp } from './timestamp.ts';

test('times are cut to the second', () => {
  const base = Date.UTC(2026, 10, 22, 9, 30);
  assert.equal(formatTimestamp(base), '2026-11-22T09:30:00Z');
  assert.equal(formatTimestamp(base + 999), '2026-11-22T09:30:00Z');
  assert.equal(formatTimestamp(base + 1_000), '2026-11-22T09:30:01Z');
  assert.equal(formatTimestamp(base), '2026-11-22T09:30:00Z');
  assert.equal(formatTimestamp(0), '1970-01-01T00:00:00Z');
});
