/** Finds out what the host lacks for this driver, without changing it. */
import { netlinkProtocols } from '../../codec/netlink/index.ts';
import { generationQuery } from '../../codec/nftables/index.ts';
import { NftablesError } from './errors.ts';
import { findLacking, type Lacking } from './feature-check.ts';
import { hasOwnTable, refuseForeign } from './kernel.ts';
import { messageOf, type Missing } from '../../model/index.ts';
import { isNotPermitted, loadNetlink, type NetlinkSocket } from '../../sys/netlink/index.ts';

const remedy =
  'Use Linux 5.13 or newer and load what it has: modprobe -a nf_tables nft_chain_nat nft_ct nft_nat nft_masq ' +
  'nft_numgen nft_hash nft_reject_ipv4 nft_reject_ipv6';

export async function probeHost(namespace: string | undefined): Promise<readonly Missing[]> {
  let socket: NetlinkSocket | undefined;
  try {
    socket = (await loadNetlink())({ protocol: netlinkProtocols.netfilter, groups: 0, namespace });
    socket.request('ask for the generation of the rules', generationQuery());
    refuseForeign(socket);
    // Where one of ours is, the kernel has all it takes.
    const lacking = hasOwnTable(socket) ? undefined : findLacking(socket);
    return lacking === undefined ? [] : [missingFeature(lacking)];
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
            remedy,
          },
    ];
  } finally {
    socket?.close();
  }
}

function missingFeature({ error, statement }: Lacking): Missing {
  const at = statement === undefined ? '' : ` at "${statement}"`;
  return {
    what: `a feature of nf_tables (the kernel refused${at}: ${error.message})`,
    costs: 'Services cannot be forwarded in the kernel',
    remedy,
  };
}
