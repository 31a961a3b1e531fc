/** The hash schedulers' hash: an address given as text, hashed as its network-order bytes. */
import { parseIp } from '../address.ts';
import { jhash, jhashWord, planHashSeed, scaleHash } from '../jhash.ts';

/** 0..size-1; the same on every node and in every driver. Text that is no address hashes as no bytes. */
export function hashAddress(address: string, size: number): number {
  const word = ipv4Word(address);
  const hash =
    word === undefined
      ? jhash(parseIp(address) ?? new Uint8Array(0), planHashSeed)
      : jhashWord(word, planHashSeed);
  return scaleHash(hash, size);
}

/** The four bytes of canonical IPv4 text as a little-endian word, without allocating; undefined for other text. */
function ipv4Word(text: string): number | undefined {
  let word = 0;
  let part = 0;
  let shift = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 46) {
      word |= part << shift;
      shift += 8;
      part = 0;
    } else if (code >= 48 && code <= 57) {
      part = part * 10 + code - 48;
    } else {
      return undefined;
    }
  }
  return shift === 24 ? word | (part << 24) : undefined;
}
