/** Takes away what any process of this driver, of this version or another, has left in the kernel. */
import { netlinkProtocols } from '../../codec/netlink/index.ts';
import type { Clock } from '../../model/index.ts';
import type { Logger } from '../../obs/index.ts';
import { loadNetlink } from '../../sys/netlink/index.ts';
import { Kernel } from './kernel.ts';
import { Refusals } from './refusals.ts';

/** What was removed, or would be, as people name it. Throws NFTABLES_TABLE_FOREIGN before it touches anything. */
export async function cleanupNftables(options: {
  readonly clock: Clock;
  readonly log: Logger;
  readonly dryRun: boolean;
}): Promise<readonly string[]> {
  const socket = (await loadNetlink())({ protocol: netlinkProtocols.netfilter, groups: 0 });
  try {
    const kernel = new Kernel(socket, new Refusals(options));
    kernel.refuseForeign();
    const there = kernel.tables();
    if (there.length > 0 && !options.dryRun) kernel.remove();
    return there;
  } finally {
    socket.close();
  }
}
