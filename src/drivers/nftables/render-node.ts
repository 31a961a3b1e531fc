/** What a table knows of its node: its addresses, where NodePorts answer, the Service ranges, where local Pods are. */
import type { Cidr, IpFamily, NodeView } from '../../model/index.ts';
import { familyOf } from '../../model/index.ts';
import { addressBytes, families } from './family.ts';
import type { Detection } from './local-pods.ts';
import type { PieceElement, Pieces } from './render.ts';

export function renderNode(
  family: IpFamily,
  node: NodeView,
  localPods: Detection | undefined,
): Pieces {
  const addresses = (set: string, list: readonly string[]): PieceElement[] =>
    [...new Set(list)]
      .filter((address) => familyOf(address) === family)
      .map((address) => ({ set, key: addressBytes(address) }));
  const elements = [
    ...addresses('node-ips', node.addresses),
    ...addresses('node-port-ips', node.nodePortAddresses),
    ...intervals('service-ranges', family, node.serviceRanges),
    ...(localPods?.by === 'address' ? intervals('local-pods', family, localPods.ranges) : []),
  ];
  return { chains: [], elements, affinitySeconds: undefined };
}

/** A range is two elements: its first address, and the first one behind it. Ranges inside of others are left out. */
function intervals(set: string, family: IpFamily, ranges: readonly Cidr[]): PieceElement[] {
  const bounds = ranges
    .filter((range) => range.family === family)
    .map((range) => boundsOf(range, families[family].addressBytes))
    .toSorted((a, b) => (a.first < b.first || (a.first === b.first && a.end > b.end) ? -1 : 1));
  const elements: PieceElement[] = [];
  let covered = -1n;
  const last = 1n << BigInt(families[family].addressBytes * 8);
  for (const { first, end } of bounds) {
    if (end <= covered) continue;
    covered = end;
    const size = families[family].addressBytes;
    elements.push({ set, key: bytesOf(first, size) });
    if (end < last) elements.push({ set, key: bytesOf(end, size), intervalEnd: true });
  }
  return elements;
}

function boundsOf({ bytes, prefix }: Cidr, size: number): { first: bigint; end: bigint } {
  const whole = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const rest = BigInt(size * 8 - prefix);
  const first = (whole >> rest) << rest;
  return { first, end: first + (1n << rest) };
}

function bytesOf(value: bigint, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) =>
    Number((value >> BigInt(8 * (size - 1 - i))) & 0xffn),
  );
}
