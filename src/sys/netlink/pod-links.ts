/**
 * Networks of Pods: a network namespace each, joined to this one by a pair of virtual Ethernet devices. There is no
 * bridge: this end has a route to the Pod's addresses alone, the other end sends everything here. Who is behind either
 * end is written down, so nobody asks by ARP. The namespace is held by a descriptor, so when this process is killed it
 * goes with the last process in it, and both devices with it.
 */
import { writeFileSync } from 'node:fs';
import {
  addressMessage,
  linkChangeMessage,
  linkDeleteMessage,
  linkQuery,
  linksQuery,
  linkUpMessage,
  neighbourMessage,
  netlinkProtocols,
  readLink,
  routeMessage,
  vethMessage,
  type LinkInfo,
} from '../../codec/netlink/index.ts';
import { parseCidr, parseIp, type Cidr } from '../../model/index.ts';
import { loadNamespaces, type Namespaces } from '../ffi/index.ts';
import { isNotFound, netlinkError, NetlinkError } from './errors.ts';
import { ownProtocol } from './own-number.ts';
import { loadNetlink, type NetlinkSocket, type OpenNetlink } from './socket.ts';

export interface PodLinkSpec {
  /** Who it is for, for people who list devices. */
  readonly alias: string;
  readonly addresses: readonly PodAddress[];
}

export interface PodAddress {
  readonly address: string;
  /** What this host's packets to it come from. */
  readonly from: string;
}

export interface PodLink {
  /** Runs `work` in the Pod's network: sockets it opens and programs it starts are there. */
  run<T>(work: () => T): T;
  /** Cuts it off; what still runs in it goes on without a network. */
  close(): void;
}

const prefix = 'swy-';
const farName = 'eth0';
const loopback = 1;
/** What every Pod sends to; no address of anything, only a neighbour's name. */
const gateways = { IPv4: '169.254.1.1', IPv6: 'fe80::1' } as const;
const everything = { IPv4: '0.0.0.0/0', IPv6: '::/0' } as const;

/** Rejects with FFI_UNAVAILABLE, and NETLINK codes where namespaces or such devices are refused; leaves nothing behind. */
export async function openPodLinks(): Promise<PodLinks> {
  const namespaces = await loadNamespaces();
  const open = await loadNetlink();
  rehearse(namespaces, open);
  return new PodLinks(namespaces, open);
}

/** Both ends of a pair in a namespace of their own: nobody else sees it. */
function rehearse(namespaces: Namespaces, open: OpenNetlink): void {
  const namespace = createNamespace(namespaces);
  try {
    const socket = open({ ...route, namespace: pathOf(namespace) });
    const [near, far] = [
      { name: 'near', hardware: hardwareOf(0x0e, [0, 0, 0, 0]) },
      { name: 'far', hardware: hardwareOf(0x0a, [0, 0, 0, 0]) },
    ];
    try {
      const spec = { near, far, farNamespace: namespace, group: ownProtocol };
      socket.request('make a pair of network devices', vethMessage(spec));
    } finally {
      socket.close();
    }
  } finally {
    namespaces.close(namespace);
  }
}

const route = { protocol: netlinkProtocols.route, groups: 0 } as const;

export class PodLinks {
  private readonly namespaces: Namespaces;
  private readonly open: OpenNetlink;
  private readonly host: NetlinkSocket;

  constructor(namespaces: Namespaces, open: OpenNetlink) {
    this.namespaces = namespaces;
    this.open = open;
    this.host = open(route);
  }

  /** The first address is of IPv4, and no other Pod's. Throws NETLINK codes; nothing is left behind then. */
  add({ alias, addresses }: PodLinkSpec): PodLink {
    const [first] = addresses;
    const id = [...ipOf(first?.address ?? '')];
    const ends = {
      near: { name: `${prefix}${id.slice(2).join('-')}`, hardware: hardwareOf(0x0e, id) },
      far: { name: farName, hardware: hardwareOf(0x0a, id) },
    };
    const farNamespace = createNamespace(this.namespaces);
    let near: LinkInfo | undefined;
    const close = (): void => {
      this.namespaces.close(farNamespace);
      if (near !== undefined) removeLink(this.host, near);
    };
    try {
      const pair = vethMessage({ ...ends, farNamespace, group: ownProtocol });
      this.host.request(`make the network device ${ends.near.name}`, pair);
      near = linkNamed(this.host, ends.near.name);
      this.setUpFar(farNamespace, { ...ends, addresses });
      this.setUpNear(near, { far: ends.far, addresses, alias });
    } catch (thrown) {
      close();
      throw thrown;
    }
    let isClosed = false;
    return {
      run: (work) => runWithin(this.namespaces, farNamespace, work),
      close: () => {
        if (isClosed) return;
        isClosed = true;
        close();
      },
    };
  }

  /** What earlier processes left, by name. */
  removeAll(): readonly string[] {
    return removeOwnLinks(this.host);
  }

  close(): void {
    this.host.close();
  }

  private setUpFar(namespace: number, { near, addresses }: Omit<Ends, 'far'>): void {
    const socket = this.open({ ...route, namespace: pathOf(namespace) });
    const what = 'set up the network of a Pod';
    const hasIpv6 = addresses.length > 1;
    try {
      const { index } = linkNamed(socket, farName);
      socket.request(what, linkUpMessage(loopback));
      socket.request(what, linkChangeMessage(index, { hasIpv6 }));
      socket.request(what, linkUpMessage(index));
      for (const { address } of addresses) {
        const range = wholeOf(address);
        const gateway = ipOf(gateways[range.family]);
        socket.request(what, addressMessage('add', range, index));
        const neighbour = { family: range.family, bytes: gateway };
        socket.request(what, neighbourMessage(index, neighbour, near.hardware));
        const all = rangeOf(everything[range.family]);
        const out = { range: all, kind: 'onward', device: index, gateway } as const;
        socket.request(what, routeMessage('add', out, ownProtocol));
      }
    } finally {
      socket.close();
    }
  }

  private setUpNear(
    { index, name }: LinkInfo,
    { far, addresses, alias }: Omit<Ends, 'near'> & { readonly alias: string },
  ): void {
    const hasIpv6 = addresses.length > 1;
    const what = `set up the network device ${name}`;
    this.host.request(what, linkChangeMessage(index, { alias, forwards: true, hasIpv6 }));
    this.host.request(what, linkUpMessage(index));
    if (hasIpv6) forwardSix(name);
    for (const { address, from } of addresses) {
      const range = wholeOf(address);
      this.host.request(what, neighbourMessage(index, range, far.hardware));
      const to = { range, kind: 'onward', device: index, source: ipOf(from) } as const;
      this.host.request(what, routeMessage('add', to, ownProtocol));
    }
  }
}

interface Ends {
  readonly near: { readonly name: string; readonly hardware: Uint8Array };
  readonly far: { readonly name: string; readonly hardware: Uint8Array };
  readonly addresses: readonly PodAddress[];
}

/** Takes away all devices of ours in the namespace of the socket, and returns their names. */
export function removeOwnLinks(socket: NetlinkSocket): readonly string[] {
  const own = listOwnLinks(socket);
  for (const link of own) removeLink(socket, link);
  return own.map(({ name }) => name);
}

/** It may be gone already: it goes with its namespace, and that with its last process. */
function removeLink(socket: NetlinkSocket, { name, index }: LinkInfo): void {
  try {
    socket.request(`remove the network device ${name}`, linkDeleteMessage(index));
  } catch (thrown) {
    if (!isNotFound(thrown)) throw thrown;
  }
}

export function listOwnLinks(socket: NetlinkSocket): readonly LinkInfo[] {
  const all = socket.request('list network devices', linksQuery()).map(readLink);
  return all.filter(({ name, group }) => group === ownProtocol && name.startsWith(prefix));
}

function linkNamed(socket: NetlinkSocket, name: string): LinkInfo {
  const what = `find the network device ${name}`;
  const [found] = socket.request(what, linkQuery(name));
  if (found === undefined) throw netlinkError(what, 'ENODEV');
  return readLink(found);
}

function createNamespace(namespaces: Namespaces): number {
  const made = namespaces.create();
  if (made >= 0) return made;
  const errno = namespaces.nameOf(made);
  const isRefused = errno === 'EPERM';
  throw new NetlinkError(
    isRefused ? 'NETLINK_NOT_PERMITTED' : 'NETLINK_UNSUPPORTED',
    `Cannot make a network namespace: ${errno}`,
    {
      remedy: isRefused
        ? 'Run as root, or give the program CAP_SYS_ADMIN'
        : 'Use a kernel with network namespaces (CONFIG_NET_NS)',
    },
  );
}

function runWithin<T>(namespaces: Namespaces, namespace: number, work: () => T): T {
  let done: { readonly value: T } | undefined;
  const entered = namespaces.within(pathOf(namespace), () => {
    done = { value: work() };
    return 0;
  });
  if (done === undefined) {
    throw netlinkError('enter the network of a Pod', namespaces.nameOf(entered));
  }
  return done.value;
}

/** Kernels of 6.17 and newer have this by the device; older ones only for all of the host, and that is not ours to set. */
function forwardSix(name: string): void {
  try {
    writeFileSync(`/proc/sys/net/ipv6/conf/${name}/force_forwarding`, '1');
  } catch {
    // `doctor` says what the host must set instead.
  }
}

const pathOf = (descriptor: number): string => `/proc/self/fd/${descriptor}`;

/** Of a kind that is given by whoever sets it up, and no other Pod's. */
function hardwareOf(kind: number, id: readonly number[]): Uint8Array {
  return Uint8Array.of(kind, 0x58, ...id);
}

function ipOf(address: string): Uint8Array {
  const bytes = parseIp(address);
  if (bytes === undefined) throw new RangeError(`Cannot parse the address ${address}`);
  return bytes;
}

function rangeOf(text: string): Cidr {
  const range = parseCidr(text);
  if (range === undefined) throw new RangeError(`Cannot parse the range ${text}`);
  return range;
}

function wholeOf(address: string): Cidr {
  return rangeOf(`${address}/${address.includes(':') ? 128 : 32}`);
}
