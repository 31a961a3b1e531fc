/**
 * The hash of the specification: Linux's jhash (Bob Jenkins' lookup3) over network-order bytes, reduced to a
 * range by the high half of a product. nft's `jhash ... mod M seed S` computes the same, so every driver and
 * every node agrees (include/linux/jhash.h, reciprocal_scale in include/linux/math.h).
 *
 * The kernel reads words in the host's byte order; this is the little-endian one of x86-64 and arm64.
 */

/** The seed of every hash in a Plan; fixed, so that all nodes agree, and unlike the kernel's default of 0. */
export const planHashSeed = 0x5357_4944;

const rotate = (x: number, k: number): number => (x << k) | (x >>> (32 - k));

/** 32 bits, unsigned. */
export function jhash(bytes: Uint8Array, seed: number): number {
  let left = bytes.length;
  let at = 0;
  let a = (0xdeadbeef + left + seed) | 0;
  let b = a;
  let c = a;
  while (left > 12) {
    a = (a + word(bytes, at)) | 0;
    b = (b + word(bytes, at + 4)) | 0;
    c = (c + word(bytes, at + 8)) | 0;
    a = (a - c) ^ rotate(c, 4);
    c = (c + b) | 0;
    b = (b - a) ^ rotate(a, 6);
    a = (a + c) | 0;
    c = (c - b) ^ rotate(b, 8);
    b = (b + a) | 0;
    a = (a - c) ^ rotate(c, 16);
    c = (c + b) | 0;
    b = (b - a) ^ rotate(a, 19);
    a = (a + c) | 0;
    c = (c - b) ^ rotate(b, 4);
    b = (b + a) | 0;
    left -= 12;
    at += 12;
  }
  if (left === 0) return c >>> 0;
  a = (a + word(bytes, at)) | 0;
  b = (b + word(bytes, at + 4)) | 0;
  c = (c + word(bytes, at + 8)) | 0;
  return final(a, b, c);
}

/** jhash of four bytes given as one little-endian word: an IPv4 address without making an array. */
export function jhashWord(value: number, seed: number): number {
  const start = (0xdeadbeef + 4 + seed) | 0;
  return final((start + value) | 0, start, start);
}

/** A hash brought into 0..size-1 as the kernel's reciprocal_scale does. */
export function scaleHash(hash: number, size: number): number {
  // Exact while the product stays below 2^53: sizes up to 2^21, far above the longest ring.
  return Math.floor((hash * size) / 0x1_0000_0000);
}

/** Little-endian, as if zeros stood behind the end. */
function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  );
}

function final(a0: number, b0: number, c0: number): number {
  let a = a0;
  let b = b0;
  let c = c0;
  c = ((c ^ b) - rotate(b, 14)) | 0;
  a = ((a ^ c) - rotate(c, 11)) | 0;
  b = ((b ^ a) - rotate(a, 25)) | 0;
  c = ((c ^ b) - rotate(b, 16)) | 0;
  a = ((a ^ c) - rotate(c, 4)) | 0;
  b = ((b ^ a) - rotate(a, 14)) | 0;
  c = ((c ^ b) - rotate(b, 24)) | 0;
  return c >>> 0;
}
