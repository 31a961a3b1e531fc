/**
 * `hash:` by something of the request: Maglev's table, walked on from an endpoint that has more than its bounded
 * share (Mirrokni et al., consistent hashing with bounded loads), so that one busy key cannot drown an endpoint.
 */
import { jhash, planHashSeed, scaleHash } from '../jhash.ts';
import type { Loads } from '../schedulers/loads.ts';
import { cookieValues } from './cookies.ts';
import { pathOf } from './match-request.ts';
import type { HttpRequest } from './route.ts';

export type HashSource =
  | { readonly kind: 'header' | 'cookie' | 'query'; readonly name: string }
  | { readonly kind: 'path' | 'source' };

export interface HashRule {
  readonly by: HashSource;
  /** How many times the mean load an endpoint may have; 1.25 lets it have a quarter more. */
  readonly bound: number;
}

export const defaultHashBound = 1.25;

const encoder = new TextEncoder();

/** What is hashed; undefined when the request does not have it, and then the scheduler chooses. */
export function hashText(by: HashSource, request: HttpRequest): string | undefined {
  switch (by.kind) {
    case 'header':
      return request.header(by.name);
    case 'cookie': {
      const field = request.header('cookie');
      return field === undefined ? undefined : cookieValues(field, by.name)[0];
    }
    case 'query':
      return queryValue(request.path, by.name);
    case 'path':
      return pathOf(request.path);
    case 'source':
      return request.client.address;
  }
}

export function hashOfText(text: string): number {
  return jhash(encoder.encode(text), planHashSeed);
}

/** The first of that name, not decoded: the same bytes are the same key. */
function queryValue(target: string, name: string): string | undefined {
  let at = target.indexOf('?') + 1;
  if (at === 0) return undefined;
  while (at <= target.length) {
    const ampersand = target.indexOf('&', at);
    const end = ampersand < 0 ? target.length : ampersand;
    if (target.startsWith(name, at)) {
      if (at + name.length === end) return '';
      if (target[at + name.length] === '=') return target.slice(at + name.length + 1, end);
    }
    at = end + 1;
  }
  return undefined;
}

/** What a hash is looked up in. */
export interface BoundedRing {
  /** Slot -> candidate, as Maglev fills it. */
  readonly ring: Uint32Array;
  /** Candidate -> its place in `loads`. */
  readonly slots: Uint32Array;
  readonly weights: Uint32Array;
  readonly loads: Loads;
}

/**
 * The candidate for a hash: the one whose slot it is, or the next along the table whose load stays within its
 * share of `bound` times everybody's. -1 when the table is empty or `passOver` says so of all of them.
 */
export function pickBounded(
  { ring, slots, weights, loads }: BoundedRing,
  { hash, bound }: { readonly hash: number; readonly bound: number },
  passOver: (candidate: number) => boolean,
): number {
  if (ring.length === 0) return -1;
  let open = 1;
  let weight = 0;
  for (const [candidate, slot] of slots.entries()) {
    if (weights[candidate] === 0 || passOver(candidate)) continue;
    open += loads.open(slot);
    weight += weights[candidate] ?? 0;
  }
  if (weight === 0) return -1;
  let at = scaleHash(hash, ring.length);
  for (let step = 0; step < ring.length; step++) {
    const candidate = ring[at] ?? 0;
    const most = Math.ceil((bound * open * (weights[candidate] ?? 0)) / weight);
    if (!passOver(candidate) && loads.open(slots[candidate] ?? 0) < most) return candidate;
    at = at + 1 === ring.length ? 0 : at + 1;
  }
  return -1;
}
