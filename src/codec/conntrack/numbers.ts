/** Numbers of the conntrack protocol (linux/netfilter/nfnetlink_conntrack.h), by the kernel's names without prefixes. */

export const messages = { new: 0, get: 1, delete: 2 } as const;

/** Multicast groups, a bit each. */
export const conntrackGroups = { destroyed: 1 << 2 } as const;

export const entry = {
  original: 1,
  reply: 2,
  status: 3,
  protocolInfo: 4,
  countersOriginal: 9,
  countersReply: 10,
  id: 12,
  filter: 25,
  statusMask: 26,
} as const;
export const tuple = { ip: 1, protocol: 2 } as const;
export const ip = { source4: 1, destination4: 2, source6: 3, destination6: 4 } as const;
export const protocolPart = { number: 1, sourcePort: 2, destinationPort: 3 } as const;
export const counters = { bytes: 2 } as const;

export const filterFlags = { original: 1, reply: 2 } as const;
export const protocolInfo = { tcp: 1, sctp: 3, state: 1 } as const;
/** The states in which data may still come, from the first packet to the first end's good-bye and before the last. */
export const openStates = {
  tcp: { first: 1, last: 5 },
  sctp: { first: 2, last: 6 },
} as const;

/** Which parts of a tuple a dump compares. */
export const compared = { destination: 1 << 1, protocol: 1 << 3, destinationPort: 1 << 5 } as const;

/** IPS_DST_NAT, a bit of the status. */
export const destinationNat = 1 << 5;

/** Of `struct nfgenmsg`. */
export const headerBytes = 4;
