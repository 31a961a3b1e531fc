/** What an instance that forwards in the kernel has there beside the tables of its driver: found, and taken away. */
import { formatCidr, formatIp, parseCidr, type Cidr } from '../model/index.ts';
import { interfaceAddresses } from '../sys/index.ts';
import { loadNetlink, OwnRoutes } from '../sys/netlink/index.ts';
import { AppError } from './errors.ts';
import { PodEgress } from './pod-egress.ts';

/** Where we listen ourselves, and what our packets to Pods come from. */
export const ownAddress = '10.97.255.254';
export const ownSecondAddress = 'fd53:7764:a61::1';
/** Of the loopback device: what the kernel writes as the client of a connection that it masquerades to this host. */
export const deviceAddresses = [
  range(`${ownAddress}/32`),
  range(`${ownSecondAddress}/128`),
] as const;

export interface HostBelongings {
  readonly routes: OwnRoutes;
  readonly egress: PodEgress;
  /** What was removed, as people name it; all by default. */
  remove(what?: What): readonly string[];
  /** What `remove` would remove. */
  find(what?: What): readonly string[];
  close(): void;
}

interface What {
  /** Networks of Pods are left alone: nobody makes those of Pods that run again. */
  readonly sparesPods: boolean;
}

export async function openHostBelongings(): Promise<HostBelongings> {
  const open = await loadNetlink();
  const [routes, egress] = [new OwnRoutes(open), new PodEgress(open)];
  return {
    routes,
    egress,
    remove: ({ sparesPods } = { sparesPods: false }) => {
      const tables = sparesPods ? [] : egress.remove();
      const links = sparesPods ? [] : routes.removeLinks();
      const addresses = deviceAddresses.filter((address) => routes.removeAddress(address));
      return inWords({ tables, links, ranges: routes.removeAll(), addresses });
    },
    find: ({ sparesPods } = { sparesPods: false }) => {
      const tables = sparesPods ? [] : egress.tables();
      const links = sparesPods ? [] : routes.links();
      const there = interfaceAddresses();
      const addresses = deviceAddresses.filter(({ bytes }) => there.includes(formatIp(bytes)));
      const ranges = routes.list().map(({ range: to }) => formatCidr(to));
      return inWords({ tables, links, ranges, addresses });
    },
    close: () => {
      routes.close();
      egress.close();
    },
  };
}

interface Found {
  readonly tables: readonly string[];
  readonly links: readonly string[];
  readonly ranges: readonly string[];
  readonly addresses: readonly Cidr[];
}

function inWords({ tables, links, ranges, addresses }: Found): readonly string[] {
  return [
    ...tables,
    ...links.map((name) => `the network device ${name} of a Pod`),
    ...ranges.map((to) => `the route to ${to}`),
    ...addresses.map((address) => `the address ${formatCidr(address)} of the loopback device`),
  ];
}

export function range(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new AppError('START_FAILED', `Cannot parse range ${text}`);
  return parsed;
}
