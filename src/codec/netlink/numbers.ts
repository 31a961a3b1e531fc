/** Numbers of the netlink protocol itself (linux/netlink.h, linux/netfilter/nfnetlink.h). */

export const netlinkTypes = { error: 2, done: 3, batchBegin: 0x10, batchEnd: 0x11 } as const;

export const netlinkFlags = {
  request: 0x1,
  acknowledge: 0x4,
  echo: 0x8,
  dump: 0x300,
  replace: 0x100,
  create: 0x400,
  append: 0x800,
} as const;

/** NETLINK_NETFILTER, NETLINK_ROUTE. */
export const netlinkProtocols = { netfilter: 12, route: 0 } as const;

/** The high byte of an nfnetlink message's type. */
export const netfilterSubsystems = { conntrack: 1, nftables: 10 } as const;

/** Address families as nfnetlink has them. */
export const netfilterFamilies = { unspecified: 0, inet: 1, IPv4: 2, IPv6: 10 } as const;
