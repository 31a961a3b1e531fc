/**
 * Hand-made Endpoints -> the endpoints of the EndpointSlices that mirror them. Pure; follows Kubernetes'
 * endpointslicemirroring controller: a group for each subset's ports and address family, 1,000 of each subset.
 */
import {
  labels,
  wellKnownAnnotations,
  type EndpointAddress,
  type Endpoints,
  type EndpointSubset,
  type Service,
  type SliceEndpoint,
  type SlicePort,
} from '../kube/index.ts';
import { canonicalIp, familyOf, type IpFamily } from '../model/index.ts';
import { endpointId, portsKey, type EndpointGroup } from './desired-endpoints.ts';

export interface Mirrored {
  readonly groups: Readonly<Record<IpFamily, ReadonlyMap<string, EndpointGroup>>>;
  /** Addresses beyond what a subset may have. */
  readonly skipped: number;
  /** Addresses that are none. */
  readonly invalid: number;
}

const maxPerSubset = 1_000;

/** Only what somebody made for a Service without a selector, and did not keep for himself. */
export function isMirrored(service: Service | undefined, endpoints: Endpoints): boolean {
  const { labels: own, annotations } = endpoints.metadata;
  if (service === undefined || service.spec?.selector !== undefined) return false;
  if (annotations?.[wellKnownAnnotations.leader] !== undefined) return false;
  return !/^(1|t|true)$/i.test(own?.[labels.skipMirror] ?? '');
}

export function mirroredEndpoints({ subsets = [] }: Endpoints): Mirrored {
  const groups = { IPv4: new Map<string, Group>(), IPv6: new Map<string, Group>() };
  let skipped = 0;
  let invalid = 0;
  for (const subset of subsets) {
    let room = maxPerSubset;
    for (const [address, ready] of addressesOf(subset)) {
      const ip = canonicalIp(address.ip);
      if (ip === undefined) invalid++;
      else if (room === 0) skipped++;
      else {
        room--;
        const endpoint = endpointOf(address, { ip, ready });
        groupOf(groups[familyOf(ip)], subset).endpoints.set(endpointId(endpoint), endpoint);
      }
    }
  }
  return { groups, skipped, invalid };
}

type Group = EndpointGroup & { readonly endpoints: Map<string, SliceEndpoint> };

/** The ready ones come first: they are the last to have no room. */
function addressesOf({
  addresses = [],
  notReadyAddresses = [],
}: EndpointSubset): readonly (readonly [EndpointAddress, boolean])[] {
  return [
    ...addresses.map((address) => [address, true] as const),
    ...notReadyAddresses.map((address) => [address, false] as const),
  ];
}

function groupOf(groups: Map<string, Group>, { ports = [] }: EndpointSubset): Group {
  const wanted: readonly SlicePort[] = ports.map(({ name = '', protocol = 'TCP', ...port }) => ({
    name,
    protocol,
    ...port,
  }));
  const key = portsKey(wanted);
  const group = groups.get(key) ?? { ports: wanted, endpoints: new Map<string, SliceEndpoint>() };
  groups.set(key, group);
  return group;
}

function endpointOf(
  { hostname, nodeName, targetRef }: EndpointAddress,
  { ip, ready }: { readonly ip: string; readonly ready: boolean },
): SliceEndpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  };
}
