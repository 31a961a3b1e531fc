/** Finds out what the host lacks for this driver, without changing it. */
import { netlinkProtocols } from '../../codec/netlink/index.ts';
import { generationQuery } from '../../codec/nftables/index.ts';
import { messageOf, type Missing } from '../../model/index.ts';
import { isNotPermitted, loadNetlink, type NetlinkSocket } from '../../sys/netlink/index.ts';

export async function probeHost(namespace: string | undefined): Promise<readonly Missing[]> {
  let socket: NetlinkSocket | undefined;
  try {
    socket = (await loadNetlink())({ protocol: netlinkProtocols.netfilter, groups: 0, namespace });
    socket.request('ask for the generation of the rules', generationQuery());
    return [];
  } catch (error) {
    return [
      isNotPermitted(error)
        ? {
            what: 'CAP_NET_ADMIN',
            costs: 'The rules of the kernel can be neither read nor written',
            remedy: 'Run as root, or give the program CAP_NET_ADMIN',
          }
        : {
            what: `nf_tables (${messageOf(error)})`,
            costs: 'Services cannot be forwarded in the kernel',
            remedy: 'Use Linux 5.13 or newer and load it: modprobe nf_tables nft_nat nft_masq',
          },
    ];
  } finally {
    socket?.close();
  }
}
