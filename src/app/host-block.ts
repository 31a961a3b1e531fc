/**
 * The addresses of an instance whose driver forwards in the kernel: clusters' usual Service range and a range of Pods
 * beside it, both with routes of ours through the loopback device. Where Pods have no networks of their own their
 * addresses are the host's, so programs listen at them without namespaces, and CAP_NET_ADMIN is all it takes.
 *
 * One instance a network namespace: the claim is a listening socket, as the rules are in one place as well.
 */
import { addressInRange, formatCidr, type Cidr } from '../model/index.ts';
import type { Logger } from '../obs/index.ts';
import { isTaken, type OwnRoutes, type PodLinks } from '../sys/netlink/index.ts';
import { listenStreams, NetError, type Listener, type NetEngine } from '../sys/net/index.ts';
import type { AddressBlock } from './address-block.ts';
import { AppError } from './errors.ts';
import {
  deviceAddresses,
  openHostBelongings,
  ownAddress,
  ownSecondAddress,
  range,
} from './host-belongings.ts';
import type { Egress } from './pod-egress.ts';
import { openPodNetwork } from './pod-network.ts';

export const hostServiceRange = range('10.96.0.0/16');
const secondaryRange = range('fd53:7764:a60::/112');
/** A half is Pods', the last address but one is where we listen ourselves. */
const ownRange = range('10.97.0.0/16');
const podRange = range('10.97.0.0/17');
const farPodRange = range('10.97.128.0/18');
/** What is the host's own also where Pods have networks: those of other clusters, and where we listen. */
const ownHalf = range('10.97.128.0/17');
const secondaryPodRange = range('fd53:7764:a62::/112');
const claimPort = 52_777;

/** Of Pods with networks: the second family's range, and what our own packets to them come from. */
const podPlaces = {
  secondary: secondaryPodRange,
  from: { IPv4: ownAddress, IPv6: ownSecondAddress },
  nameServer: addressInRange(hostServiceRange, 10),
} as const;

type RouteSpec = Parameters<OwnRoutes['add']>[0];

export interface HostParts {
  /** Pods' networks; undefined: their addresses are the host's own. */
  readonly links: PodLinks | undefined;
  /** Of the instance. */
  readonly folder: string;
  readonly log: Logger;
}

/** Rejects with HOST_RANGE_TAKEN, KERNEL_TAKEN and NETLINK codes; nothing is left behind then. */
export async function claimHostBlock(
  engine: NetEngine,
  {
    hasIpv6,
    links,
    folder,
    log,
  }: HostParts & { readonly hasIpv6: (engine: NetEngine) => Promise<boolean> },
): Promise<AddressBlock> {
  const parts = await openHostBelongings();
  const { routes, egress } = parts;
  let claim: Listener | undefined;
  try {
    const secondary = (await hasIpv6(engine)) ? secondaryRange : undefined;
    const wanted = wantedRoutes({ hasPodNetworks: links !== undefined, secondary });
    // Without it nobody could listen there.
    addRoute(routes, wanted.first);
    claim = await claimKernel(engine);
    // Of a killed instance, which may have had its Pods elsewhere.
    routes.removeLinks();
    egress.remove();
    routes.removeAll([wanted.first, ...wanted.others]);
    for (const address of deviceAddresses) {
      if (address.family === 'IPv4' || secondary !== undefined) routes.addAddress(address);
    }
    for (const spec of wanted.others) addRoute(routes, spec);
    if (links !== undefined) egress.set(egressOf(secondary));
    const held = claim;
    const places = { ...podPlaces, hasIpv6: secondary !== undefined, folder, log };
    const podNetwork = links && (await openPodNetwork(links, places));
    const giveUp = async (): Promise<void> => {
      await held.close();
      parts.remove();
      parts.close();
      await podNetwork?.close();
    };
    let released: Promise<void> | undefined;
    // A start that fails releases it with what was started, and then itself.
    const release = (): Promise<void> => (released ??= giveUp());
    const own = { podRange, farPodRange, podNetwork, ownAddress, claim, release };
    return { serviceRange: hostServiceRange, secondaryRange: secondary, ...own };
  } catch (thrown) {
    await claim?.close();
    // Those of the instance that runs are its own.
    if (!isAnotherRunning(thrown)) parts.remove();
    parts.close();
    links?.close();
    throw thrown;
  }
}

/** Services and Pods are reached as oneself, the world as this host. */
function egressOf(secondary: Cidr | undefined): readonly Egress[] {
  const four = { from: podRange, within: range('10.96.0.0/15') };
  const six = { from: secondaryPodRange, within: range('fd53:7764::/32') };
  return secondary === undefined ? [four] : [four, six];
}

interface Wanted {
  /** Where Pods have no networks, they are at it as well. */
  readonly first: RouteSpec;
  readonly others: readonly RouteSpec[];
}

function wantedRoutes({
  hasPodNetworks,
  secondary,
}: {
  readonly hasPodNetworks: boolean;
  readonly secondary: Cidr | undefined;
}): Wanted {
  const [{ bytes: source }] = deviceAddresses;
  // Each Pod has a route of its own; who is gone is known to be gone.
  const gone = secondary === undefined ? [podRange] : [podRange, secondaryPodRange];
  return {
    first: { range: hasPodNetworks ? ownHalf : ownRange, kind: 'local' },
    others: [
      { range: hostServiceRange, kind: 'onward', source },
      ...(secondary === undefined ? [] : [{ range: secondary, kind: 'local' } as const]),
      ...(hasPodNetworks ? gone.map((range) => ({ range, kind: 'unreachable' }) as const) : []),
    ],
  };
}

/** Whether an instance that runs has them. */
export async function isHostBlockClaimed(): Promise<boolean> {
  try {
    const at = { address: ownAddress, port: claimPort };
    await (await listenStreams(at, (stream) => stream.destroy())).close();
    return false;
  } catch (thrown) {
    if (!(thrown instanceof NetError)) throw thrown;
    return thrown.code === 'NET_ADDRESS_IN_USE';
  }
}

async function claimKernel(engine: NetEngine): Promise<Listener> {
  const at = { address: ownAddress, port: claimPort };
  try {
    return await engine.listen(at, (connection) => connection.destroy());
  } catch (cause) {
    if (!(cause instanceof NetError) || cause.code !== 'NET_ADDRESS_IN_USE') throw cause;
    throw new AppError(
      'KERNEL_TAKEN',
      'Cannot forward in the kernel: another instance of Switchyard does so on this host',
      { cause, remedy: 'Stop that instance, or start this one with --mode userspace' },
    );
  }
}

function isAnotherRunning(thrown: unknown): boolean {
  return thrown instanceof AppError && thrown.code === 'KERNEL_TAKEN';
}

function addRoute(routes: OwnRoutes, spec: RouteSpec): void {
  try {
    routes.add(spec);
  } catch (cause) {
    if (!isTaken(cause)) throw cause;
    const taken = formatCidr(spec.range);
    throw new AppError(
      'HOST_RANGE_TAKEN',
      `Cannot have the addresses ${taken}: this host has a route of somebody else there`,
      {
        cause,
        remedy: `Look whose it is with: ip route show ${taken}; or start with --mode userspace`,
      },
    );
  }
}
