/** Rule expressions read back from their attributes: the other half of `writeExpression`. */
import { be32At, be64At, nestedAt, textAt, type Attributes } from '../netlink/index.ts';
import {
  comparisons,
  ctKeys,
  dynsetOps,
  firstRegister,
  metaKeys,
  payloadBases,
  verdictCodes,
  type Expression,
  type Verdict,
} from './expressions.ts';
import { data, expression, verdict } from './numbers.ts';

type Reader = (a: Attributes) => Expression;

/** By the kernel's name; attribute numbers as in `writeExpression`. */
const readers: Readonly<Record<string, Reader>> = {
  payload: (a) => ({
    kind: 'payload',
    to: register(a, 1),
    base: keyOf(payloadBases, number(a, 2)),
    offset: number(a, 3),
    length: number(a, 4),
  }),
  meta: (a) => {
    const key = keyOf(metaKeys, number(a, 2));
    if (a.has(1)) return { kind: 'meta', key, to: register(a, 1) };
    if (key !== 'priority') throw new Error(`Cannot read a rule that sets meta ${key}`);
    return { kind: 'meta set', key, from: register(a, 3) };
  },
  ct: (a) => {
    const key = keyOf(ctKeys, number(a, 2));
    if (!a.has(1) && key === 'mark') return { kind: 'ct mark set', from: register(a, 4) };
    return { kind: 'ct', key, to: register(a, 1), ...(a.has(3) ? { original: true } : {}) };
  },
  cmp: (a) => ({
    kind: 'cmp',
    from: register(a, 1),
    op: keyOf(comparisons, number(a, 2)),
    value: valueAt(a, 3),
  }),
  bitwise: (a) => ({
    kind: 'bitwise',
    from: register(a, 1),
    to: register(a, 2),
    mask: valueAt(a, 4),
    xor: valueAt(a, 5),
  }),
  immediate: (a) =>
    number(a, 1) === 0
      ? { kind: 'verdict', verdict: readVerdict(nestedAt(a, 2)) }
      : { kind: 'immediate', to: register(a, 1), value: valueAt(a, 2) },
  lookup: (a) => ({
    kind: 'lookup',
    set: textAt(a, 1) ?? '',
    from: register(a, 2),
    ...(a.has(3) ? { to: number(a, 3) === 0 ? ('verdict' as const) : register(a, 3) } : {}),
    ...((be32At(a, 5) ?? 0) === 0 ? {} : { inverted: true }),
  }),
  dynset: (a) => ({
    kind: 'dynset',
    set: textAt(a, 1) ?? '',
    op: keyOf(dynsetOps, number(a, 3)),
    key: register(a, 4),
    ...(a.has(5) ? { value: register(a, 5) } : {}),
    // The kernel lists one that was not given as 0.
    ...((be64At(a, 6) ?? 0n) === 0n ? {} : { timeoutMs: Number(be64At(a, 6)) }),
  }),
  numgen: (a) => ({
    kind: 'numgen',
    to: register(a, 1),
    modulus: number(a, 2),
    mode: number(a, 3) === 0 ? 'inc' : 'random',
    offset: number(a, 4),
  }),
  hash: (a) => ({
    kind: 'jhash',
    from: register(a, 1),
    to: register(a, 2),
    length: number(a, 3),
    modulus: number(a, 4),
    seed: number(a, 5),
    offset: number(a, 6),
  }),
  nat: (a) => ({
    kind: 'dnat',
    family: number(a, 2),
    address: register(a, 3),
    port: register(a, 5),
  }),
  masq: () => ({ kind: 'masquerade' }),
  reject: (a) => ({ kind: 'reject', icmpCode: a.get(2)?.[0] ?? 0 }),
  counter: () => ({ kind: 'counter' }),
};

/** Throws on one that `writeExpression` does not write. */
export function readExpression(attributes: Attributes): Expression {
  const name = textAt(attributes, expression.name) ?? '';
  const reader = Object.hasOwn(readers, name) ? readers[name] : undefined;
  if (reader === undefined) throw new Error(`Cannot read an expression of the kind ${name}`);
  return reader(nestedAt(attributes, expression.data));
}

/** The verdict inside of a datum. */
export function readVerdict(datum: Attributes): Verdict {
  const own = nestedAt(datum, data.verdict);
  const kind = keyOf(verdictCodes, number(own, verdict.code) | 0);
  if (kind !== 'jump' && kind !== 'goto') return { kind };
  return { kind, chain: textAt(own, verdict.chain) ?? '' };
}

function number(a: Attributes, type: number): number {
  const value = be32At(a, type);
  if (value === undefined)
    throw new Error(`Cannot read an expression without its attribute ${type}`);
  return value;
}

/** The kernel lists those that begin where one of 16 bytes does by the number of that one, from 1 on. */
function register(a: Attributes, type: number): number {
  const value = number(a, type);
  return value < firstRegister ? (value - 1) * 4 : value - firstRegister;
}

function valueAt(a: Attributes, type: number): Uint8Array {
  return nestedAt(a, type).get(data.value) ?? new Uint8Array(0);
}

function keyOf<Key extends string>(table: Readonly<Record<Key, number>>, wanted: number): Key {
  for (const key in table) if (table[key] === wanted) return key;
  throw new Error(`Cannot read the number ${wanted}: not among ${Object.keys(table).join(', ')}`);
}
