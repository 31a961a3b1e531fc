/** Finds out what the host lacks for this driver, without changing it. */
import { netlinkProtocols } from '../../codec/netlink/index.ts';
import { generationQuery } from '../../codec/nftables/index.ts';
import { NftablesError } from './errors.ts';
import { refuseForeign } from './kernel.ts';
import { messageOf, type Missing } from '../../model/index.ts';
import { isNotPermitted, loadNetlink, type NetlinkSocket } from '../../sys/netlink/index.ts';

export async function probeHost(namespace: string | undefined): Promise<readonly Missing[]> {
  let socket: NetlinkSocket | undefined;
  try {
    socket = (await loadNetlink())({ protocol: netlinkProtocols.netfilter, groups: 0, namespace });
    socket.request('ask for the generation of the rules', generationQuery());
    refuseForeign(socket);
    return [];
  } catch (error) {
    if (error instanceof NftablesError) {
      return [
        {
          what: `a table of its own (${error.message})`,
          costs: 'There is no other place for the rules of Services',
          remedy: error.remedy ?? '',
        },
      ];
    }
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
