/**
 * Rule expressions as data: what each loads, compares or does, with registers of 4 bytes numbered from 0 to 15.
 * A rule is a list of them; the kernel runs them until one says no.
 */
import type { NetlinkWriter } from '../netlink/index.ts';
import { data, expression, verdict } from './numbers.ts';

export type Verdict =
  | { readonly kind: 'accept' | 'drop' | 'return' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string };

export type Comparison = 'eq' | 'neq' | 'lt' | 'lte' | 'gt' | 'gte';

/** Keys of `meta` and `ct`, as the kernel numbers them. */
export const metaKeys = { priority: 2, mark: 3, iifname: 6, l4proto: 16 } as const;
export const ctKeys = {
  state: 0,
  status: 2,
  mark: 3,
  protoDst: 12,
  srcIp: 19,
  dstIp: 20,
  srcIp6: 21,
  dstIp6: 22,
} as const;
export const payloadBases = { network: 1, transport: 2 } as const;

export type Expression =
  | {
      readonly kind: 'payload';
      readonly base: keyof typeof payloadBases;
      readonly offset: number;
      readonly length: number;
      readonly to: number;
    }
  | { readonly kind: 'meta'; readonly key: keyof typeof metaKeys; readonly to: number }
  | { readonly kind: 'meta set'; readonly key: 'priority'; readonly from: number }
  | {
      readonly kind: 'ct';
      readonly key: keyof typeof ctKeys;
      /** Of the connection's first packet, whatever way this one goes. */
      readonly original?: boolean;
      readonly to: number;
    }
  | { readonly kind: 'ct mark set'; readonly from: number }
  | {
      readonly kind: 'cmp';
      readonly op: Comparison;
      readonly from: number;
      readonly value: Uint8Array;
    }
  | {
      readonly kind: 'bitwise';
      readonly from: number;
      readonly to: number;
      readonly mask: Uint8Array;
      readonly xor: Uint8Array;
    }
  | { readonly kind: 'immediate'; readonly to: number; readonly value: Uint8Array }
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | {
      readonly kind: 'lookup';
      readonly set: string;
      readonly from: number;
      /** Absent for a set; `verdict` for a verdict map. */
      readonly to?: number | 'verdict';
      readonly inverted?: boolean;
    }
  | {
      readonly kind: 'dynset';
      readonly op: 'add' | 'update' | 'delete';
      readonly set: string;
      readonly key: number;
      readonly value?: number;
      readonly timeoutMs?: number;
    }
  | {
      readonly kind: 'numgen';
      readonly mode: 'inc' | 'random';
      readonly modulus: number;
      readonly offset: number;
      readonly to: number;
    }
  | {
      readonly kind: 'jhash';
      readonly from: number;
      readonly length: number;
      readonly modulus: number;
      readonly seed: number;
      readonly offset: number;
      readonly to: number;
    }
  | {
      readonly kind: 'dnat';
      readonly family: number;
      readonly address: number;
      readonly port: number;
    }
  | { readonly kind: 'masquerade' }
  | { readonly kind: 'reject'; readonly icmpCode: number }
  | { readonly kind: 'counter' };

export const comparisons = { eq: 0, neq: 1, lt: 2, lte: 3, gt: 4, gte: 5 } as const;
export const dynsetOps = { add: 0, update: 1, delete: 2 } as const;
const verdictRegister = 0;
/** NFT_REG32_00: registers of 4 bytes start here. */
export const firstRegister = 8;
export const verdictCodes = { drop: 0, accept: 1, jump: -3, goto: -4, return: -5 } as const;
/** NF_NAT_RANGE_PROTO_RANDOM_FULLY: a source port by chance, as racing connections would collide on the next free one. */
const randomFully = 1 << 4;
const lookupInverted = 1;

const register = (index: number): number => firstRegister + index;

export function writeVerdict(w: NetlinkWriter, wanted: Verdict): void {
  w.nested(data.verdict, () => {
    w.be32(verdict.code, verdictCodes[wanted.kind]);
    if ('chain' in wanted) w.text(verdict.chain, wanted.chain);
  });
}

function writeValue(w: NetlinkWriter, type: number, value: Uint8Array): void {
  w.nested(type, () => w.attribute(data.value, value));
}

/** The kernel's name of an expression, and its attributes. */
export function writeExpression(w: NetlinkWriter, e: Expression): void {
  w.text(expression.name, kernelName(e));
  w.nested(expression.data, () => writeBody(w, e));
}

function kernelName(e: Expression): string {
  switch (e.kind) {
    case 'meta set':
      return 'meta';
    case 'ct mark set':
      return 'ct';
    case 'verdict':
      return 'immediate';
    case 'jhash':
      return 'hash';
    case 'dnat':
      return 'nat';
    case 'masquerade':
      return 'masq';
    case 'payload':
    case 'meta':
    case 'ct':
    case 'cmp':
    case 'bitwise':
    case 'immediate':
    case 'lookup':
    case 'dynset':
    case 'numgen':
    case 'reject':
    case 'counter':
      return e.kind;
  }
}

/** Attribute numbers are those of the kernel's enum of the expression's name, NFTA_LOOKUP_SET and so on. */
function writeBody(w: NetlinkWriter, e: Expression): void {
  switch (e.kind) {
    case 'payload':
      w.be32(1, register(e.to));
      w.be32(2, payloadBases[e.base]);
      w.be32(3, e.offset);
      w.be32(4, e.length);
      return;
    case 'meta':
      w.be32(1, register(e.to));
      w.be32(2, metaKeys[e.key]);
      return;
    case 'meta set':
      w.be32(2, metaKeys[e.key]);
      w.be32(3, register(e.from));
      return;
    case 'ct':
      w.be32(1, register(e.to));
      w.be32(2, ctKeys[e.key]);
      if (e.original === true) w.u8(3, 0);
      return;
    case 'ct mark set':
      w.be32(2, ctKeys.mark);
      w.be32(4, register(e.from));
      return;
    case 'cmp':
      w.be32(1, register(e.from));
      w.be32(2, comparisons[e.op]);
      writeValue(w, 3, e.value);
      return;
    case 'bitwise':
      w.be32(1, register(e.from));
      w.be32(2, register(e.to));
      w.be32(3, e.mask.length);
      writeValue(w, 4, e.mask);
      writeValue(w, 5, e.xor);
      return;
    case 'immediate':
      w.be32(1, register(e.to));
      writeValue(w, 2, e.value);
      return;
    case 'verdict':
      w.be32(1, verdictRegister);
      w.nested(2, () => writeVerdict(w, e.verdict));
      return;
    case 'lookup':
    case 'dynset':
    case 'numgen':
    case 'jhash':
    case 'dnat':
    case 'masquerade':
    case 'reject':
    case 'counter':
      writeStatefulBody(w, e);
  }
}

type Stateful = Extract<
  Expression,
  {
    kind: 'lookup' | 'dynset' | 'numgen' | 'jhash' | 'dnat' | 'masquerade' | 'reject' | 'counter';
  }
>;

function writeStatefulBody(w: NetlinkWriter, e: Stateful): void {
  switch (e.kind) {
    case 'lookup':
      w.text(1, e.set);
      w.be32(2, register(e.from));
      if (e.to !== undefined) w.be32(3, e.to === 'verdict' ? verdictRegister : register(e.to));
      if (e.inverted === true) w.be32(5, lookupInverted);
      return;
    case 'dynset':
      w.text(1, e.set);
      w.be32(3, dynsetOps[e.op]);
      w.be32(4, register(e.key));
      if (e.value !== undefined) w.be32(5, register(e.value));
      if (e.timeoutMs !== undefined) w.be64(6, BigInt(e.timeoutMs));
      return;
    case 'numgen':
      w.be32(1, register(e.to));
      w.be32(2, e.modulus);
      w.be32(3, e.mode === 'inc' ? 0 : 1);
      w.be32(4, e.offset);
      return;
    case 'jhash':
      w.be32(1, register(e.from));
      w.be32(2, register(e.to));
      w.be32(3, e.length);
      w.be32(4, e.modulus);
      w.be32(5, e.seed);
      w.be32(6, e.offset);
      w.be32(7, 0);
      return;
    case 'dnat':
      w.be32(1, 1);
      w.be32(2, e.family);
      w.be32(3, register(e.address));
      w.be32(5, register(e.port));
      return;
    case 'masquerade':
      w.be32(1, randomFully);
      return;
    case 'reject':
      w.be32(1, 0);
      w.u8(2, e.icmpCode);
      return;
    case 'counter':
      return;
  }
}
