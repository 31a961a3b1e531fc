/** Entries as the kernel writes them. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { listAttributes, readMessages } from '../netlink/index.ts';
import { deleteRequest, entryQuery, readEntry, type Tuple } from './index.ts';

const tuples: Readonly<Record<string, Tuple>> = {
  IPv4: {
    family: 'IPv4',
    protocol: 17,
    source: '10.0.0.1',
    sourcePort: 4_000,
    destination: '10.96.0.1',
    destinationPort: 53,
  },
  IPv6: {
    family: 'IPv6',
    protocol: 6,
    source: 'fd00::1',
    sourcePort: 65_535,
    destination: 'fd96::1',
    destinationPort: 1,
  },
};

for (const [name, tuple] of Object.entries(tuples)) {
  test(`${name}: what is asked for is what an answer of the same bytes says`, () => {
    const [asked] = [...readMessages(entryQuery(tuple))];
    assert.ok(asked !== undefined);
    // An answer has the other direction as well: made of the same attribute under its other number.
    const [original] = listAttributes(asked.body, 4);
    assert.ok(original !== undefined);
    const reply = Uint8Array.from(asked.body.subarray(4));
    reply[2] = 2;
    const body = Uint8Array.from([...asked.body, ...reply]);
    const entry = readEntry({ ...asked, body });
    assert.deepEqual(entry?.original, tuple);
    assert.deepEqual(entry?.reply, tuple);
    assert.equal(entry?.destinationRewritten, false);
    assert.equal(entry?.bytes, undefined);
    const [forgotten] = [...readMessages(deleteRequest({ ...entry, id: 7 }))];
    assert.ok(forgotten !== undefined && forgotten.body.length > asked.body.length);
  });
}

test('half an entry is none', () => {
  const [asked] = [...readMessages(entryQuery(tuples['IPv4']!))];
  assert.ok(asked !== undefined);
  assert.equal(readEntry(asked), undefined);
});
