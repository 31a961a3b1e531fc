/** Requests about devices, read back attribute by attribute, and devices as the kernel lists them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  linkChangeMessage,
  linkDeleteMessage,
  linkUpMessage,
  neighbourMessage,
  readLink,
  vethMessage,
} from './links.ts';
import { nestedAt, readAttributes, readMessages, textAt } from './reader.ts';

const hardware = Uint8Array.of(2, 0, 0, 0, 0, 1);

function only(bytes: Uint8Array): { readonly type: number; readonly body: Uint8Array } {
  const [message, ...others] = readMessages(bytes);
  assert.ok(message);
  assert.deepEqual(others, []);
  return message;
}

test('both ends of a pair are in one request, the far one with its namespace', () => {
  const far = { name: 'eth0', hardware: Uint8Array.of(2, 0, 0, 0, 0, 2) };
  const spec = { near: { name: 'swy-1-2', hardware }, far, farNamespace: 300, group: 183 };
  const message = only(vethMessage(spec));
  assert.equal(message.type, 16);
  assert.deepEqual(readLink({ ...message, flags: 0, sequence: 0 }), {
    index: 0,
    name: 'swy-1-2',
    group: 183,
  });
  const info = nestedAt(readAttributes(message.body, 16), 18);
  assert.equal(textAt(info, 1), 'veth');
  const peer = nestedAt(info, 2).get(1);
  assert.ok(peer);
  const attributes = readAttributes(peer, 16);
  assert.equal(textAt(attributes, 3), 'eth0');
  assert.deepEqual([...(attributes.get(1) ?? [])], [2, 0, 0, 0, 0, 2]);
  assert.deepEqual([...(attributes.get(28) ?? [])], [44, 1, 0, 0]);
});

test('a device is named by its number, and only what is wanted is changed', () => {
  const up = only(linkUpMessage(258)).body;
  assert.deepEqual([...up.subarray(4)], [2, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
  const removed = only(linkDeleteMessage(258));
  assert.deepEqual([removed.type, ...removed.body.subarray(4, 8)], [17, 2, 1, 0, 0]);
  const plain = only(linkChangeMessage(3, { alias: 'a Pod' })).body;
  assert.deepEqual([...readAttributes(plain, 16).keys()], [20]);
  const changed = only(linkChangeMessage(3, { forwards: true, hasIpv6: true })).body;
  assert.deepEqual([...changed.subarray(8, 16)], [0, 0, 0, 0, 0, 0, 0, 0]);
  const families = nestedAt(readAttributes(changed, 16), 26);
  assert.deepEqual([...(nestedAt(nestedAt(families, 2), 1).get(1) ?? [])], [1, 0, 0, 0]);
  assert.deepEqual([...(nestedAt(families, 10).get(8) ?? [])], [1]);
});

test('a neighbour is there for good', () => {
  const bytes = Uint8Array.of(10, 97, 0, 1);
  const { type, body } = only(neighbourMessage(7, { family: 'IPv4', bytes }, hardware));
  assert.equal(type, 28);
  assert.deepEqual([...body.subarray(0, 12)], [2, 0, 0, 0, 7, 0, 0, 0, 0x80, 0, 0, 0]);
  const attributes = readAttributes(body, 12);
  assert.deepEqual([attributes.get(1), attributes.get(2)], [bytes, hardware]);
});

test('what is cut off is no device', () => {
  const whole = only(
    vethMessage({
      near: { name: 'a', hardware },
      far: { name: 'b', hardware },
      farNamespace: 3,
      group: 183,
    }),
  );
  for (let length = 0; length < whole.body.length; length++) {
    const body = whole.body.subarray(0, length);
    const { name, group } = readLink({ ...whole, flags: 0, sequence: 0, body });
    assert.ok(['', 'a'].includes(name) && [0, 183].includes(group));
  }
});
