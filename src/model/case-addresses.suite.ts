/** The addresses that decision cases are about, so that a case can name them and mean either family. */
import { cidrContains, parseCidr, parseIp, type Cidr, type IpFamily } from './address.ts';

/** Every address a case can name, besides those of its endpoints. */
interface Places {
  readonly 'other-pod': string;
  readonly 'node-address': string;
  /** The node's too, but NodePorts do not answer there. */
  readonly 'second-node-address': string;
  readonly 'other-node': string;
  readonly client: string;
  /** In the same range as `client`, but not in its lower half. */
  readonly 'high-client': string;
  readonly stranger: string;
  readonly clusterIP: string;
  readonly loadBalancer: string;
  readonly 'second-loadBalancer': string;
  readonly externalIP: string;
  /** In the Service range, but no Service's. */
  readonly unallocated: string;
  readonly foreign: string;
}

export type PlaceName = keyof Places;

const places: Readonly<Record<IpFamily, Places>> = {
  IPv4: {
    'other-pod': '10.1.9.9',
    'node-address': '192.0.2.1',
    'second-node-address': '192.0.2.2',
    'other-node': '192.0.2.77',
    client: '198.51.100.7',
    'high-client': '198.51.100.200',
    stranger: '203.0.113.9',
    clusterIP: '10.96.0.10',
    loadBalancer: '198.18.0.10',
    'second-loadBalancer': '198.18.0.11',
    externalIP: '198.19.0.10',
    unallocated: '10.96.0.99',
    foreign: '100.64.0.1',
  },
  IPv6: {
    'other-pod': 'fd00:1::9:9',
    'node-address': '2001:db8:a::1',
    'second-node-address': '2001:db8:a::2',
    'other-node': '2001:db8:a::77',
    client: '2001:db8:c::7',
    'high-client': '2001:db8:c:0:8000::7',
    stranger: '2001:db8:d::9',
    clusterIP: 'fd00:96::10',
    loadBalancer: '2001:db8:1b::10',
    'second-loadBalancer': '2001:db8:1b::11',
    externalIP: '2001:db8:e::10',
    unallocated: 'fd00:96::99',
    foreign: '2001:db8:f::1',
  },
};

const rangeTexts = {
  pods: { IPv4: '10.1.0.0/16', IPv6: 'fd00:1::/32' },
  nodes: { IPv4: '192.0.2.0/24', IPv6: '2001:db8:a::/64' },
  'second-node-address': { IPv4: '192.0.2.2/32', IPv6: '2001:db8:a::2/128' },
  clients: { IPv4: '198.51.100.0/24', IPv6: '2001:db8:c::/64' },
  'lower-clients': { IPv4: '198.51.100.0/25', IPv6: '2001:db8:c::/65' },
  'only-client': { IPv4: '198.51.100.7/32', IPv6: '2001:db8:c::7/128' },
  strangers: { IPv4: '203.0.113.0/24', IPv6: '2001:db8:d::/64' },
  services: { IPv4: '10.96.0.0/16', IPv6: 'fd00:96::/112' },
  'other-family': { IPv4: '2001:db8::/32', IPv6: '192.0.0.0/8' },
} as const satisfies Record<string, Record<IpFamily, string>>;

export type RangeName = keyof typeof rangeTexts;

export function isPlace(word: string): word is PlaceName {
  return Object.hasOwn(places.IPv4, word);
}

export function isRange(word: string): word is RangeName {
  return Object.hasOwn(rangeTexts, word);
}

export function placeOf(name: PlaceName, family: IpFamily): string {
  return places[family][name];
}

export function rangeOf(name: RangeName, family: IpFamily): Cidr {
  const text = rangeTexts[name][family];
  const range = parseCidr(text);
  if (range === undefined) throw new Error(`Cannot use range ${name}: ${text} is none`);
  return range;
}

/** The name of an address of `placeOf`, if it is one. */
export function placeAt(address: string, family: IpFamily): PlaceName | undefined {
  return Object.keys(places[family])
    .filter(isPlace)
    .find((name) => places[family][name] === address);
}

/** The address of the n-th endpoint of a case. */
export function podAddress(n: number, family: IpFamily): string {
  return family === 'IPv4' ? `10.1.0.${n}` : `fd00:1::${n.toString(16)}`;
}

/** True when the named place lies in the named range; what the names say is itself under test. */
export function placeIsIn(place: PlaceName, range: RangeName, family: IpFamily): boolean {
  const bytes = parseIp(placeOf(place, family));
  return bytes !== undefined && cidrContains(rangeOf(range, family), bytes);
}
