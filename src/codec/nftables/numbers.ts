/** Numbers of the nf_tables protocol (linux/netfilter/nf_tables.h), by the kernel's names without their prefixes. */

/** Of tables, as `nft` says them. */
export const familyWords: Readonly<Record<number, string>> = {
  1: 'inet',
  2: 'ip',
  3: 'arp',
  5: 'netdev',
  7: 'bridge',
  10: 'ip6',
};

export const messages = {
  newTable: 0,
  getTable: 1,
  delTable: 2,
  newChain: 3,
  getChain: 4,
  delChain: 5,
  newRule: 6,
  getRule: 7,
  delRule: 8,
  newSet: 9,
  getSet: 10,
  delSet: 11,
  newSetElem: 12,
  getSetElem: 13,
  delSetElem: 14,
  newGen: 15,
  getGen: 16,
} as const;

export const table = { name: 1, handle: 4, userdata: 6 } as const;
export const chain = { table: 1, name: 3, hook: 4, policy: 5, type: 7, userdata: 12 } as const;
export const hook = { number: 1, priority: 2 } as const;
export const rule = { table: 1, chain: 2, handle: 3, expressions: 4, userdata: 7 } as const;

export const set = {
  table: 1,
  name: 2,
  flags: 3,
  keyType: 4,
  keyLength: 5,
  dataType: 6,
  dataLength: 7,
  description: 9,
  id: 10,
  userdata: 13,
  expression: 17,
} as const;
export const setDescription = { size: 1 } as const;
export const setFlags = { interval: 0x4, map: 0x8, timeout: 0x10, eval: 0x20 } as const;

export const elements = { table: 1, set: 2, list: 3 } as const;
export const element = {
  key: 1,
  data: 2,
  flags: 3,
  timeout: 4,
  expiration: 5,
  userdata: 6,
  expression: 7,
  expressions: 11,
} as const;
export const elementIntervalEnd = 1;
export const listElement = 1;

export const data = { value: 1, verdict: 2 } as const;
export const verdict = { code: 1, chain: 2 } as const;
export const expression = { name: 1, data: 2 } as const;
export const counter = { bytes: 1, packets: 2 } as const;

export const hooks = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;

/** What `nft` takes a value for when it prints one (its own numbers, include/datatype.h). */
export const dataTypes = {
  integer: 4,
  ipv4_addr: 7,
  ipv6_addr: 8,
  inet_proto: 12,
  inet_service: 13,
  mark: 19,
} as const;
export type DataType = keyof typeof dataTypes;
export const verdictType = 0xffff_ff00;
/** Bits a type takes in the number of a concatenation. */
export const concatenationBits = 6;
export const dataLengths = {
  integer: 4,
  ipv4_addr: 4,
  ipv6_addr: 16,
  inet_proto: 1,
  inet_service: 2,
  mark: 4,
} as const satisfies Record<DataType, number>;
