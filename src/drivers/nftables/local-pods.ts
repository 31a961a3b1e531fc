/** How this node's own Pods are told from every other source: kube-proxy's detect-local modes as rule expressions. */
import type { Expression } from '../../codec/nftables/index.ts';
import type { Cidr, IpFamily, NodeView } from '../../model/index.ts';
import { loadSource, type Family } from './family.ts';

/** As `Detection`, or by the ranges of the node itself. */
export type LocalPods = Detection | { readonly by: 'node' };

/** By the address they have, or by the interface they come in through: its name, or how it begins. */
export type Detection =
  | { readonly by: 'address'; readonly ranges: readonly Cidr[] }
  | { readonly by: 'interface'; readonly name: string }
  | { readonly by: 'interface-prefix'; readonly prefix: string };

const interfaceNameBytes = 16;
const encoder = new TextEncoder();

/** Undefined where they are not told: without a range of a family, all of its sources would be somebody else's. */
export function detectionIn(
  family: IpFamily,
  node: NodeView,
  pods: LocalPods | undefined,
): Detection | undefined {
  if (pods === undefined || !node.detectsLocalPods) return undefined;
  if (pods.by !== 'address' && pods.by !== 'node') return pods;
  const all = pods.by === 'node' ? (node.podRanges ?? []) : pods.ranges;
  const ranges = all.filter((range) => range.family === family);
  return ranges.length === 0 ? undefined : { by: 'address', ranges };
}

/**
 * `packet`: this packet comes from one, asked before anything is rewritten. `not original`: the connection's first
 * packet did not.
 */
export function localPodMatch(
  family: Family,
  pods: Detection,
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
