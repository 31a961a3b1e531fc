/** Audits both tables: renders what stands once more, and remembers whose each piece is. */
import { NftBatch } from '../../codec/nftables/index.ts';
import type { Deviation, IpFamily } from '../../model/index.ts';
import type { NetlinkSocket } from '../../sys/netlink/index.ts';
import { writeWhole, type Standing } from './apply.ts';
import { auditFamily, ownerOfChain, ownerOfElement } from './audit.ts';
import { Shared } from './difference.ts';
import type { LocalPods } from './local-pods.ts';

const familyNames = ['IPv4', 'IPv6'] as const satisfies readonly IpFamily[];

export function auditTables(
  socket: NetlinkSocket,
  { plan, servers }: Standing,
  localPods: LocalPods | undefined,
): readonly Deviation[] {
  // What Services share is counted anew: that of the driver says what the kernel has already.
  const shared = { IPv4: new Shared(), IPv6: new Shared() };
  return familyNames.flatMap((family) => {
    const wanted = new NftBatch(1 << 16);
    const owners = new Map<string, string>();
    writeWhole(wanted, family, {
      standing: { plan, servers, shared },
      localPods,
      rendered: (id, { chains, elements }) => {
        for (const { name } of chains) owners.set(ownerOfChain(name), id);
        for (const { set, key, shared: isShared } of elements) {
          if (isShared !== true) owners.set(ownerOfElement(set, key), id);
        }
      },
    });
    return auditFamily({ socket, family, wanted, owners });
  });
}
