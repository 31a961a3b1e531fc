/** The fields an intermediary has to know, found by their octets without making text of them. */
import { folded } from './octets.ts';

const names = [
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'proxy-authenticate',
  'te',
  'upgrade',
  'http2-settings',
  'expect',
  'cookie',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'forwarded',
] as const;

export type KnownField = (typeof names)[number];

/** A number for each; 0 is any other field. */
export function fieldId(name: KnownField): number {
  return names.indexOf(name) + 1;
}

const mostNames = 256;
const rows: (Uint8Array | undefined)[] = Array.from({ length: mostNames }, () => undefined);
const ids = new Uint8Array(mostNames);

/** One step of the hash that `identify` looks up; starts at 0. */
export function hashStep(hash: number, octet: number): number {
  return (Math.imul(hash, 31) + octet) | 0;
}

function slotOf(hash: number, length: number): number {
  return (hash ^ (hash >>> 9) ^ length) & (mostNames - 1);
}

names.forEach((name, index) => {
  const octets = Uint8Array.from(name, (character) => character.charCodeAt(0));
  let slot = slotOf(octets.reduce(hashStep, 0), octets.length);
  while (rows[slot] !== undefined) slot = (slot + 1) & (mostNames - 1);
  rows[slot] = octets;
  ids[slot] = index + 1;
});

/** The id of the field name from `start` to `end`, whose folded octets have this hash. */
export function identify(bytes: Uint8Array, start: number, end: number, hash: number): number {
  let slot = slotOf(hash, end - start);
  for (let row = rows[slot]; row !== undefined; row = rows[slot]) {
    if (isName(bytes, start, end, row)) return ids[slot]!;
    slot = (slot + 1) & (mostNames - 1);
  }
  return 0;
}

function isName(bytes: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) if (folded[bytes[start + i]!] !== name[i]) return false;
  return true;
}
