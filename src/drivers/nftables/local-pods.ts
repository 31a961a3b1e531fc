/** How this node's own Pods are told from every other source: kube-proxy's detect-local modes as rule expressions. */
import type { Expression } from '../../codec/nftables/index.ts';
import type { Cidr } from '../../model/index.ts';
import { loadSource, type Family } from './family.ts';

/** By the address they have, or by the interface they come in through: its name, or how it begins. */
export type LocalPods =
  | { readonly by: 'address'; readonly ranges: readonly Cidr[] }
  | { readonly by: 'interface'; readonly name: string }
  | { readonly by: 'interface-prefix'; readonly prefix: string };

const interfaceNameBytes = 16;
const encoder = new TextEncoder();

/**
 * `packet`: this packet comes from one, asked before anything is rewritten. `not original`: the connection's first
 * packet did not.
 */
export function localPodMatch(
  family: Family,
  pods: LocalPods,
  asked: 'packet' | 'not original',
): readonly Expression[] {
  const inverted = asked === 'not original';
  switch (pods.by) {
    case 'address': {
      const load: Expression = inverted
        ? { kind: 'ct', key: family.originalSource, original: true, to: 0 }
        : loadSource(family, 0);
      return [load, { kind: 'lookup', set: 'local-pods', from: 0, inverted }];
    }
    case 'interface':
      return throughInterface(padName(pods.name), inverted);
    case 'interface-prefix':
      return throughInterface(encoder.encode(pods.prefix), inverted);
  }
}

function throughInterface(value: Uint8Array, inverted: boolean): readonly Expression[] {
  return [
    { kind: 'meta', key: 'iifname', to: 0 },
    { kind: 'cmp', op: inverted ? 'neq' : 'eq', from: 0, value },
  ];
}

function padName(name: string): Uint8Array {
  const padded = new Uint8Array(interfaceNameBytes);
  encoder.encodeInto(name, padded);
  return padded;
}
