/** What one Service and its EndpointSlices mean for names. Pure; made when first asked for after a change. */
import type { EndpointSlice, Service } from '../kube/index.ts';
import { canonicalIp, familyOf } from '../model/index.ts';
import { dashedNameOf } from './reverse-name.ts';

/** Canonical, by family, each once. */
export interface Addresses {
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
}

/** One port of the Service, or of one ready endpoint: what an SRV record tells. */
export interface PortTarget {
  /** Empty for an unnamed port. */
  readonly port: string;
  /** Lower case: `tcp`. */
  readonly protocol: string;
  readonly number: number;
  /** The endpoint's name below the Service's; undefined: the Service itself. */
  readonly host: string | undefined;
  readonly address: string;
}

export interface ServiceView {
  readonly service: Service;
  readonly kind: 'clusterIP' | 'headless' | 'externalName';
  /** What the Service's own name resolves to. */
  readonly addresses: Addresses;
  /** The names of its ready endpoints, below its own. */
  readonly hosts: ReadonlyMap<string, Addresses>;
  readonly targets: readonly PortTarget[];
  /** Per endpoint, for queries below an endpoint's name; the same as `targets` when headless. */
  readonly endpointTargets: readonly PortTarget[];
  /** True when a newer view took its place: whatever was made from this one is out of date. */
  stale: boolean;
}

export function viewService(service: Service, slices: readonly EndpointSlice[]): ServiceView {
  const { type, clusterIP, clusterIPs } = service.spec ?? {};
  const none = { service, hosts: new Map(), targets: [], endpointTargets: [], stale: false };
  if (type === 'ExternalName') return { ...none, kind: 'externalName', addresses: group([]) };
  const endpoints = readyEndpoints(slices);
  const hosts = new Map<string, Addresses>();
  for (const [host, list] of Map.groupBy(endpoints, (endpoint) => endpoint.host)) {
    hosts.set(host, group(list.map(({ address }) => address)));
  }
  const endpointTargets = endpoints.flatMap(({ host, address, slice }) =>
    (slice.ports ?? []).flatMap(({ name = '', protocol = 'TCP', port }) =>
      port === undefined
        ? []
        : [{ port: name, protocol: protocol.toLowerCase(), number: port, host, address }],
    ),
  );
  const common = { service, hosts, endpointTargets, stale: false };
  if (clusterIP === 'None') {
    const addresses = group(endpoints.map(({ address }) => address));
    return { ...common, kind: 'headless', addresses, targets: endpointTargets };
  }
  const ips = clusterIPs ?? (clusterIP === undefined ? [] : [clusterIP]);
  const own = ips.flatMap((ip) => canonicalIp(ip) ?? []);
  const targets = (service.spec?.ports ?? []).flatMap(({ name = '', protocol = 'TCP', port }) =>
    own.map((address) => ({
      port: name,
      protocol: protocol.toLowerCase(),
      number: port,
      host: undefined,
      address,
    })),
  );
  return { ...common, kind: 'clusterIP', addresses: group(own), targets };
}

interface ReadyEndpoint {
  readonly host: string;
  readonly address: string;
  readonly slice: EndpointSlice;
}

/** In the order of the slices' names, so that the same objects give the same answers. */
function readyEndpoints(slices: readonly EndpointSlice[]): readonly ReadyEndpoint[] {
  const sorted = slices.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  return sorted.flatMap((slice) =>
    (slice.endpoints ?? []).flatMap(({ addresses, hostname, conditions }) => {
      // Unknown counts as ready (the API's own words); publishNotReadyAddresses has made it true already.
      if (conditions?.ready === false) return [];
      // Only the first address of an endpoint has a meaning.
      const address = canonicalIp(addresses[0] ?? '');
      if (address === undefined) return [];
      const host = hostname === undefined || hostname === '' ? dashedNameOf(address) : hostname;
      return [{ host: host.toLowerCase(), address, slice }];
    }),
  );
}

function group(addresses: readonly string[]): Addresses {
  const unique = [...new Set(addresses)];
  return {
    ipv4: unique.filter((address) => familyOf(address) === 'IPv4'),
    ipv6: unique.filter((address) => familyOf(address) === 'IPv6'),
  };
}
