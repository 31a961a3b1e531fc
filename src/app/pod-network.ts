/**
 * Whether Pods of an instance that forwards in the kernel have networks of their own, or are at addresses of this host.
 * Networks take CAP_SYS_ADMIN and a kernel that has them.
 */
import {
  addressInRange,
  CodedError,
  messageOf,
  parseIp,
  type Cidr,
  type IpFamily,
} from '../model/index.ts';
import type { PodNetwork } from '../node/index.ts';
import type { Logger } from '../obs/index.ts';
import { readText } from '../sys/index.ts';
import { openPodLinks, type PodLinks } from '../sys/netlink/index.ts';
import { AppError } from './errors.ts';
import { openPodNames } from './pod-names.ts';

export type PodNetworkMode = 'namespace' | 'host' | 'auto';

/** The links, once the host has shown that it can have them; undefined: Pods are at its own addresses. */
export async function podLinksFor(
  mode: PodNetworkMode,
  { inKernel, log }: { readonly inKernel: boolean; readonly log: Logger },
): Promise<PodLinks | undefined> {
  if (mode === 'host' || (mode === 'auto' && !inKernel)) return undefined;
  if (!inKernel) {
    throw unavailable('this instance forwards by sockets, at addresses of this host', {
      remedy: 'Start with --mode nftables, or without --pod-network',
    });
  }
  try {
    const links = await openPodLinks();
    await tellForwarding(log);
    return links;
  } catch (cause) {
    const remedy = cause instanceof CodedError ? cause.remedy : undefined;
    if (mode === 'namespace') {
      const instead = 'start with --pod-network host';
      const way = remedy === undefined ? `S${instead.slice(1)}` : `${remedy}; or ${instead}`;
      throw unavailable(messageOf(cause), { cause, remedy: way });
    }
    log.info('Pods have no networks of their own', { why: messageOf(cause), remedy });
    return undefined;
  }
}

/** What this host does not pass on; nothing of it is set by us. */
async function tellForwarding(log: Logger): Promise<void> {
  const setting = await readText('/proc/sys/net/ipv4/ip_forward').catch(() => '');
  if (setting.trim() !== '0') return;
  log.info('Other machines do not reach Pods, nor Pods them: this host forwards no packets', {
    remedy: 'sysctl -w net.ipv4.ip_forward=1',
  });
}

export interface PodPlaces {
  /** Of Pods' second addresses, whose ends are those of the first. */
  readonly secondary: Cidr;
  readonly hasIpv6: boolean;
  /** What this host's own packets to Pods come from. */
  readonly from: Readonly<Record<IpFamily, string>>;
  /** Who answers Pods' questions for names. */
  readonly nameServer: string;
  /** Of the instance. */
  readonly folder: string;
  readonly log: Logger;
}

/** Joins each Pod to this host. Closing takes what is left of all of them. */
export async function openPodNetwork(
  links: PodLinks,
  { secondary, hasIpv6, from, nameServer, folder, log }: PodPlaces,
): Promise<PodNetwork & { close(): Promise<void> }> {
  const names = await openPodNames({ folder, server: nameServer, log });
  return {
    close: async () => {
      links.close();
      await names?.close();
    },
    join: (pod, address) => {
      const six = addressInRange(secondary, offsetOf(address));
      const places = [
        { address, from: from.IPv4 },
        ...(hasIpv6 ? [{ address: six, from: from.IPv6 }] : []),
      ];
      const link = links.add({ alias: `switchyard Pod ${pod}`, addresses: places });
      const [namespace = ''] = pod.split('/');
      return {
        addresses: places.map((place) => place.address),
        run: (work) => link.run(() => (names === undefined ? work() : names.run(namespace, work))),
        close: () => {
          try {
            link.close();
          } catch (error) {
            log.warn('Cannot take away the network of a Pod', { pod, error });
          }
        },
      };
    },
  };
}

/** Within a range of 16 bits. */
function offsetOf(address: string): number {
  const [, , high = 0, low = 0] = parseIp(address) ?? [];
  return high * 256 + low;
}

function unavailable(why: string, options: { cause?: unknown; remedy: string }): AppError {
  const message = `Cannot give Pods networks of their own: ${why}`;
  return new AppError('POD_NETWORK_UNAVAILABLE', message, options);
}
