/**
 * The addresses of an instance whose driver forwards in the kernel: clusters' usual Service range and a range of Pods
 * beside it, both with routes of ours through the loopback device. Pods' addresses are the host's own, so programs
 * listen at them without namespaces, and CAP_NET_ADMIN is all it takes.
 *
 * One instance a network namespace: the claim is a listening socket, as the rules are in one place as well.
 */
import { formatCidr, formatIp, parseCidr, type Cidr } from '../model/index.ts';
import { interfaceAddresses } from '../sys/index.ts';
import { isTaken, loadNetlink, OwnRoutes } from '../sys/netlink/index.ts';
import { listenStreams, NetError, type Listener, type NetEngine } from '../sys/net/index.ts';
import type { AddressBlock } from './address-block.ts';
import { AppError } from './errors.ts';

export const hostServiceRange = range('10.96.0.0/16');
const secondaryRange = range('fd53:7764:a60::/112');
/** A half is Pods', the last address but one is where we listen ourselves. */
const ownRange = range('10.97.0.0/16');
const podRange = range('10.97.0.0/17');
const farPodRange = range('10.97.128.0/18');
const ownAddress = '10.97.255.254';
/** Of the loopback device: what the kernel writes as the client of a connection that it masquerades to this host. */
const deviceAddresses = [range(`${ownAddress}/32`), range('fd53:7764:a61::1/128')] as const;
const claimPort = 52_777;

/** Rejects with HOST_RANGE_TAKEN, KERNEL_TAKEN and NETLINK codes; nothing is left behind then. */
export async function claimHostBlock(
  engine: NetEngine,
  hasIpv6: (engine: NetEngine) => Promise<boolean>,
): Promise<AddressBlock> {
  const routes = new OwnRoutes(await loadNetlink());
  let claim: Listener | undefined;
  try {
    const secondary = (await hasIpv6(engine)) ? secondaryRange : undefined;
    // Without it nobody could listen there.
    addRoute(routes, { range: ownRange, kind: 'local' });
    claim = await claimKernel(engine);
    const [four, six] = deviceAddresses;
    routes.addAddress(four);
    addRoute(routes, { range: hostServiceRange, kind: 'onward', source: four.bytes });
    if (secondary !== undefined) {
      routes.addAddress(six);
      addRoute(routes, { range: secondary, kind: 'local' });
    }
    const held = claim;
    const release = async (): Promise<void> => {
      await held.close();
      removeHostRoutes(routes);
      routes.close();
    };
    const own = { podRange, farPodRange, ownAddress, claim, release };
    return { serviceRange: hostServiceRange, secondaryRange: secondary, ...own };
  } catch (thrown) {
    await claim?.close();
    // Those of the instance that runs are its own.
    if (!isAnotherRunning(thrown)) removeHostRoutes(routes);
    routes.close();
    throw thrown;
  }
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

/** What was removed, as people name it. */
export function removeHostRoutes(routes: OwnRoutes): readonly string[] {
  const addresses = deviceAddresses.filter((address) => routes.removeAddress(address));
  return inWords(routes.removeAll(), addresses);
}

/** What `removeHostRoutes` would remove. */
export function findHostRoutes(routes: OwnRoutes): readonly string[] {
  const there = interfaceAddresses();
  const addresses = deviceAddresses.filter(({ bytes }) => there.includes(formatIp(bytes)));
  const ranges = routes.list().map(({ range: to }) => formatCidr(to));
  return inWords(ranges, addresses);
}

function inWords(ranges: readonly string[], addresses: readonly Cidr[]): readonly string[] {
  return [
    ...ranges.map((to) => `the route to ${to}`),
    ...addresses.map((address) => `the address ${formatCidr(address)} of the loopback device`),
  ];
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

function addRoute(routes: OwnRoutes, spec: Parameters<OwnRoutes['add']>[0]): void {
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

function range(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new AppError('START_FAILED', `Cannot parse range ${text}`);
  return parsed;
}
