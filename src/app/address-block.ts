/**
 * Gives each instance a /16 of the loopback range for itself, so that instances side by side, also those of
 * other users, never bind one another's addresses.
 *
 * The claim is a listening socket inside the block: the kernel settles races, and a killed instance leaves
 * nothing behind. Services get the lower half, Pods a quarter, Pods of another cluster an eighth.
 */
import { fnv1a, parseCidr, type Cidr } from '../model/index.ts';
import type { PodNetwork } from '../node/index.ts';
import { NetError, type ListenAt, type Listener, type NetEngine } from '../sys/net/index.ts';
import { AppError } from './errors.ts';

export interface AddressBlock {
  readonly serviceRange: Cidr;
  /** IPv6 has one loopback address, so these are no addresses of this host: frontends there stand in on `::1`. */
  readonly secondaryRange: Cidr | undefined;
  readonly podRange: Cidr;
  /** Where we listen ourselves for what comes through Services: names, requests. */
  readonly ownAddress: string;
  /** For Pods of another cluster. */
  readonly farPodRange: Cidr;
  /** Gives each process Pod a network of its own; undefined: its address is this host's. */
  readonly podNetwork?: PodNetwork | undefined;
  /** The socket that claims it; undefined where nothing can collide. */
  readonly claim: Listener | undefined;
  release(): Promise<void>;
}

const firstBlock = 64;
const blockCount = 64;
const claimPort = 52_777;

/** The block the name asks for, so that addresses stay the same from start to start, or the next free one. */
export async function claimAddressBlock(engine: NetEngine, name: string): Promise<AddressBlock> {
  const preferred = fnv1a(name) % blockCount;
  for (let i = 0; i < blockCount; i++) {
    const block = firstBlock + ((preferred + i) % blockCount);
    const claim = await tryClaim(engine, block);
    if (claim === 'taken') continue;
    return await blockOf(engine, block, claim);
  }
  throw new AppError(
    'ADDRESS_BLOCKS_EXHAUSTED',
    `Cannot claim a loopback address block: all ${blockCount} are taken`,
    { remedy: 'Stop another instance of Switchyard on this host' },
  );
}

/** The block that objects of an earlier run have their addresses in: that one or none. */
export async function reclaimAddressBlock(
  engine: NetEngine,
  { serviceRange, folder }: { readonly serviceRange: string; readonly folder: string },
): Promise<AddressBlock> {
  const block = blockNumber(serviceRange);
  if (block === undefined) throw foreignRange(serviceRange, folder);
  const claim = await tryClaim(engine, block);
  if (claim !== 'taken') return await blockOf(engine, block, claim);
  throw new AppError(
    'DATA_RANGE_TAKEN',
    `Cannot use the objects in ${folder}: another instance on this host has their addresses, ${serviceRange}`,
    {
      remedy: 'Stop that instance and start this one again, or name another folder with --data-dir',
    },
  );
}

/** The objects are of a driver of the other kind. */
export function foreignRange(serviceRange: string, folder: string): AppError {
  const made = serviceRange.startsWith('127.') ? 'userspace' : 'nftables';
  return new AppError(
    'DATA_RANGE_FOREIGN',
    `Cannot use the objects in ${folder}: their Services have addresses of ${serviceRange}, which this driver does not forward`,
    { remedy: `Start it with --mode ${made}, or name another folder with --data-dir` },
  );
}

function blockNumber(serviceRange: string): number | undefined {
  const block = Number(/^127\.([0-9]{1,3})\.0\.0\/17$/.exec(serviceRange)?.[1]);
  return block >= firstBlock && block < firstBlock + blockCount ? block : undefined;
}

/** The block another process of this instance has claimed. */
export async function inheritAddressBlock(
  engine: NetEngine,
  serviceRange: string,
  claimed: ListenAt | undefined,
): Promise<AddressBlock> {
  const claim = claimed && (await engine.listen(claimed, (connection) => connection.destroy()));
  return await blockOf(engine, Number(serviceRange.split('.')[1]), claim);
}

async function blockOf(
  engine: NetEngine,
  block: number,
  claim: Listener | undefined,
): Promise<AddressBlock> {
  return {
    serviceRange: cidr(`127.${block}.0.0/17`),
    secondaryRange: (await hasIpv6(engine)) ? cidr(`fd53:7764:${block}::/112`) : undefined,
    podRange: cidr(`127.${block}.128.0/18`),
    ownAddress: '127.0.0.1',
    farPodRange: cidr(`127.${block}.192.0/19`),
    claim,
    release: async () => claim?.close(),
  };
}

/** Undefined where only 127.0.0.1 exists (macOS): frontends stand in there, and nothing can collide. */
async function tryClaim(engine: NetEngine, block: number): Promise<Listener | undefined | 'taken'> {
  const at = { address: `127.${block}.255.254`, port: claimPort };
  try {
    return await engine.listen(at, (connection) => connection.destroy());
  } catch (thrown) {
    if (!(thrown instanceof NetError)) throw thrown;
    if (thrown.code === 'NET_ADDRESS_IN_USE') return 'taken';
    if (thrown.code === 'NET_ADDRESS_NOT_AVAILABLE') return undefined;
    throw thrown;
  }
}

/** Whether a client of this host could reach what listens on `::1`. */
export async function hasIpv6(engine: NetEngine): Promise<boolean> {
  try {
    const at = { address: '::1', port: 0 };
    await (await engine.listen(at, (connection) => connection.destroy())).close();
    return true;
  } catch (thrown) {
    if (thrown instanceof NetError) return false;
    throw thrown;
  }
}

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new AppError('START_FAILED', `Cannot parse range ${text}`);
  return parsed;
}
