/** Names of Pods by their address: `10-0-0-1.NAMESPACE.pod`. */
import { familyOf } from '../model/index.ts';
import { addressOfDashedName } from './reverse-name.ts';
import { addressesFor, nxdomain, positive, type Asked, type ZoneAnswer } from './zone-answer.ts';
import type { World } from './world.ts';

export function resolvePod(
  world: World,
  asked: Asked,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): ZoneAnswer {
  const mode = world.options.pods;
  if (asked.labels.length > 3) return nxdomain(world, asked, 'too-many-labels');
  if (mode === 'disabled') return nxdomain(world, asked, 'pods-disabled');
  if (!world.hasNamespace(namespace)) return nxdomain(world, asked, 'no-namespace');
  const address = addressOfDashedName(name);
  if (address === undefined) return nxdomain(world, asked, 'no-pod');
  if (mode === 'verified' && !world.hasPod(namespace, address)) {
    return nxdomain(world, asked, 'no-pod');
  }
  const isIpv4 = familyOf(address) === 'IPv4';
  const addresses = { ipv4: isIpv4 ? [address] : [], ipv6: isIpv4 ? [] : [address] };
  return positive(world, asked, 'pod', addressesFor(asked, addresses));
}
