/**
 * ClientIP affinity: for each timeout in use a map of `Service . client -> endpoint`, filled and refreshed by the
 * packets themselves, and the chain that asks it. An entry counts while its endpoint is a member of the pool that
 * is asked; a map that is full costs a client its affinity, never its connection.
 */
import type { Expression, RuleSpec, SetSpec } from '../../codec/nftables/index.ts';
import type { PoolName } from '../../model/index.ts';
import { loadSource, word, type Family } from './family.ts';
import { affinityTag } from './frame.ts';
import { maxAffinityEndpoints } from './placement.ts';

/** Of all Services with one timeout. */
export const maxClients = 65_536;
const zero = word(0);
/** The part of a pool's or an endpoint's number that says whose it is. */
const serviceMask = word(affinityTag - maxAffinityEndpoints);
const tagMask = word(affinityTag);

export function affinitySet(family: Family, timeoutSeconds: number): SetSpec {
  return {
    name: affinityName(timeoutSeconds),
    key: ['mark', family.addressType],
    data: ['mark'],
    dynamic: { size: maxClients },
  };
}

export function affinityChain(timeoutSeconds: number, pool: PoolName): string {
  return `${affinityName(timeoutSeconds)}-${pool}`;
}

export function affinityName(timeoutSeconds: number): string {
  return `affinity-${timeoutSeconds}`;
}

/**
 * Comes in with a pool's tagged number in the mark and leaves with an endpoint's there. What a rule finds in a map
 * goes through the mark to the next one: nft 1.0.6 dies of listing a rule that uses it as a key at once.
 */
export function affinityRules(
  family: Family,
  timeoutSeconds: number,
  pool: PoolName,
): readonly RuleSpec[] {
  const set = affinityName(timeoutSeconds);
  const timeoutMs = timeoutSeconds * 1_000;
  const [mark, key, client] = [0, 1, 2];
  const loadMark: Expression = { kind: 'ct', key: 'mark', to: mark };
  const setMark: Expression = { kind: 'ct mark set', from: mark };
  const toService: Expression = {
    kind: 'bitwise',
    from: mark,
    to: key,
    mask: serviceMask,
    xor: zero,
  };
  const loadKey: Expression[] = [loadMark, toService, loadSource(family, client)];
  const write = { kind: 'dynset', set, key, value: mark } as const;
  const rules: (readonly Expression[])[] = [
    [...loadKey, { kind: 'lookup', set, from: key, to: mark }, setMark],
    [
      loadMark,
      { kind: 'bitwise', from: mark, to: key, mask: tagMask, xor: zero },
      { kind: 'cmp', op: 'eq', from: key, value: zero },
      { kind: 'lookup', set: `members-${pool}`, from: mark },
      ...loadKey,
      { ...write, op: 'update', timeoutMs },
      { kind: 'verdict', verdict: { kind: 'return' } },
    ],
    [...loadKey, { ...write, op: 'delete' }],
    [loadMark, { ...toService, to: mark }, setMark],
    [loadMark, { kind: 'lookup', set: `affinity-${pool}`, from: mark, to: 'verdict' }],
    [loadMark, { kind: 'lookup', set: 'turns', from: mark, to: mark }, setMark],
    [...loadKey, { ...write, op: 'add', timeoutMs }],
  ];
  const chain = affinityChain(timeoutSeconds, pool);
  return rules.map((expressions) => ({ chain, expressions }));
}

/** By way of numgen: unlike an immediate it does not make the kernel check the whole table again. */
export function constant(value: number, to: number): Expression {
  return { kind: 'numgen', mode: 'inc', modulus: 1, offset: value, to };
}
