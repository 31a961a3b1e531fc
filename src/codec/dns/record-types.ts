/** The numbers of DNS that this house reads and writes, by IANA's names. */

export const recordTypes = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

export const recordClasses = { IN: 1, CH: 3, NONE: 254, ANY: 255 } as const;

export const rcodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  /** Needs EDNS(0): its upper bits stand in the OPT record. */
  BADVERS: 16,
} as const;

export type RcodeName = keyof typeof rcodes;

/** Bits of the header's second word. */
export const headerFlags = {
  response: 0x8000,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
  authenticData: 0x0020,
  checkingDisabled: 0x0010,
} as const;

const namesByType = new Map<number, string>(
  Object.entries(recordTypes).map(([name, code]) => [code, name]),
);
const namesByRcode = new Map<number, string>(
  Object.entries(rcodes).map(([name, code]) => [code, name]),
);

/** `A`, or `TYPE65280` (RFC 3597) for a type without a name here. */
export function formatType(type: number): string {
  return namesByType.get(type) ?? `TYPE${type}`;
}

/** Undefined when it is neither a name known here nor `TYPE` and a number. */
export function parseType(text: string): number | undefined {
  const upper = text.toUpperCase();
  const known = Object.entries(recordTypes).find(([name]) => name === upper);
  if (known !== undefined) return known[1];
  const number = /^TYPE([0-9]{1,5})$/.exec(upper)?.[1];
  return number === undefined || Number(number) > 0xffff ? undefined : Number(number);
}

export function formatRcode(rcode: number): string {
  return namesByRcode.get(rcode) ?? `RCODE${rcode}`;
}
