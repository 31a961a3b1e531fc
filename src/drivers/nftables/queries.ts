/** Questions to nf_tables as bytes. */
import { NetlinkWriter, netfilterSubsystems, netlinkFlags } from '../../codec/netlink/index.ts';

const getGeneration = 16;

export function generationQuery(): Uint8Array {
  const writer = new NetlinkWriter(64);
  const type = (netfilterSubsystems.nftables << 8) | getGeneration;
  writer.message({ type, flags: netlinkFlags.request, sequence: 1 }, () =>
    writer.raw(new Uint8Array(4)),
  );
  return writer.bytes();
}
