import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jhash, jhashWord, scaleHash } from './jhash.ts';
import { hashAddress } from './schedulers/hash-address.ts';

const text = new TextEncoder().encode('Four score and seven years ago');

test("Bob Jenkins' published vectors", () => {
  assert.equal(jhash(text, 0), 0x17770551);
  assert.equal(jhash(text, 1), 0xcd628161);
  assert.equal(jhash(new Uint8Array(0), 0), 0xdeadbeef);
});

// From a C program around the kernel's own macros: bytes i * 37 + 11, every length from 0 to 40, seed 0x53574944.
const byLength = [
  0x32050833, 0x8bdf8d53, 0x523ee710, 0x683a1427, 0x54f31507, 0xa2a3066a, 0x57c6788a, 0x5104f163,
  0xfd84f19e, 0x12461a08, 0x4866ddb3, 0x59770459, 0xa60fc703, 0xc233b086, 0xbc4999ea, 0x0421a535,
  0x87ffebc7, 0x1e3ec404, 0x4b87057d, 0xfd729d59, 0x7669d23c, 0xdec44feb, 0x1668fb70, 0x8cc88cc5,
  0x5dc625bd, 0x48ea2a45, 0xc91d832b, 0x089069b7, 0xd32cf74d, 0x9201c940, 0x1be037fc, 0x24f20d62,
  0x727dd59e, 0x69254ae3, 0x9161bd01, 0x3bf93cf4, 0x512c169b, 0xd5128f4d, 0x0e82fda2, 0x437451d0,
  0x581fb114,
];

test('every length hashes as in C', () => {
  const bytes = Uint8Array.from({ length: 40 }, (_, i) => i * 37 + 11);
  assert.deepEqual(
    byLength.map((_, length) => jhash(bytes.subarray(0, length), 0x53574944)),
    byLength,
  );
});

test('a word hashes as its four bytes', () => {
  const bytes = Uint8Array.of(10, 1, 2, 3);
  assert.equal(jhash(bytes, 0), 0xca44a027);
  assert.equal(jhashWord(10 | (1 << 8) | (2 << 16) | (3 << 24), 0), 0xca44a027);
});

test('a hash is scaled by the high half of the product', () => {
  for (const hash of [0, 1, 0x7fffffff, 0x80000000, 0xffffffff]) {
    for (const size of [1, 2, 3, 1009, 131_071]) {
      assert.equal(scaleHash(hash, size), Number((BigInt(hash) * BigInt(size)) >> 32n));
    }
  }
});

test('an address hashes the same however its text is read, and in both families', () => {
  assert.equal(
    hashAddress('10.1.2.3', 1009),
    scaleHash(jhash(Uint8Array.of(10, 1, 2, 3), 0x53574944), 1009),
  );
  const v6 = new Uint8Array(16);
  v6[0] = 0xfd;
  v6[15] = 1;
  assert.equal(hashAddress('fd00::1', 1009), scaleHash(jhash(v6, 0x53574944), 1009));
  assert.ok(hashAddress('not an address', 7) < 7);
});
