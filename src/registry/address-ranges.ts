/** The ranges that Services' addresses come from and who holds what of them: one of its own a family, and more. */
import {
  addressInRange,
  canonicalIp,
  cidrContains,
  familyOf,
  formatCidr,
  parseIp,
  rangeSize,
  type Cidr,
  type IpFamily,
} from '../model/index.ts';
import type { ClaimWork, Holding } from './claim-work.ts';
import { Owners, RangeAllocator } from './range-allocator.ts';

/** One range of one family. */
interface AddressRange {
  readonly cidr: Cidr;
  readonly places: RangeAllocator;
}

/** All that is given out of a family, and where more may come from: the own range first. */
interface Family {
  readonly owners: Owners;
  readonly own: AddressRange;
  more: readonly AddressRange[];
}

export class AddressRanges {
  /** The default family first. */
  readonly families: readonly IpFamily[];
  private readonly byFamily: ReadonlyMap<string, Family>;

  constructor(cidrs: readonly Cidr[]) {
    this.families = cidrs.map(({ family }) => family);
    this.byFamily = new Map(
      cidrs.map((cidr) => {
        const owners = new Owners();
        return [cidr.family, { owners, own: createRange(cidr, owners), more: [] }] as const;
      }),
    );
  }

  /** The instance's own ranges, as text. */
  get ownTexts(): readonly string[] {
    return [...this.byFamily.values()].map(({ own }) => formatCidr(own.cidr));
  }

  /** Every range that addresses are given out of, as text. */
  get texts(): readonly string[] {
    return [...this.byFamily.values()].flatMap(textsOf);
  }

  /** Ranges beside the own ones; those of a family that the instance does not have give nothing. */
  setMore(cidrs: readonly Cidr[]): void {
    for (const [name, family] of this.byFamily) {
      const known = new Map(family.more.map((range) => [formatCidr(range.cidr), range]));
      family.more = cidrs
        .filter((cidr) => cidr.family === name)
        .map((cidr) => known.get(formatCidr(cidr)) ?? createRange(cidr, family.owners));
    }
  }

  /** What of these texts is an address of a family that has a range. */
  holdings(addresses: readonly string[]): readonly Holding[] {
    return addresses.flatMap((text) => {
      const item = canonicalIp(text);
      const family = item === undefined ? undefined : this.byFamily.get(familyOf(item));
      return item === undefined || family === undefined ? [] : [{ from: family.own.places, item }];
    });
  }

  ownerOf(address: string): string | undefined {
    return this.byFamily.get(familyOf(address))?.owners.of(address);
  }

  /** Takes an address that was named; says why not when that cannot be. */
  take(text: string, work: ClaimWork): string | undefined {
    const [holding] = this.holdings([text]);
    const bytes = parseIp(text);
    const family = this.byFamily.get(familyOf(text));
    const isIn = bytes !== undefined && family !== undefined && contains(family, bytes);
    // What a Service has of a range that is on its way out stays its own.
    if (holding === undefined || !(isIn || work.holds(holding.from, holding.item))) {
      const valid = (family === undefined ? this.texts : textsOf(family)).join(', ');
      return `the provided IP (${text}) is not in the valid range. The range of valid IPs is ${valid}`;
    }
    return work.take(holding.from, holding.item) ? undefined : 'provided IP is already allocated';
  }

  /** Takes an address that somebody keeps, whether a range has it already or one that is still to come. */
  keep(address: string, work: ClaimWork): void {
    for (const { from, item } of this.holdings([address])) work.take(from, item);
  }

  /** Undefined when all ranges of the family are full. */
  takeNext(name: string, work: ClaimWork): string | undefined {
    const family = this.byFamily.get(name);
    if (family === undefined) return undefined;
    for (const { places } of [family.own, ...family.more]) {
      const item = work.takeNext(places, work.owner);
      if (item !== undefined) return item;
    }
    return undefined;
  }
}

function contains({ own, more }: Family, bytes: Uint8Array): boolean {
  return [own, ...more].some(({ cidr }) => cidrContains(cidr, bytes));
}

function textsOf({ own, more }: Family): readonly string[] {
  return [own, ...more].map(({ cidr }) => formatCidr(cidr));
}

function createRange(cidr: Cidr, owners: Owners): AddressRange {
  const size = rangeSize(cidr);
  const places = new RangeAllocator({
    size,
    owners,
    // The network's own address; in IPv4 also the one that means everybody.
    first: 1,
    last: cidr.family === 'IPv4' ? size - 2 : size - 1,
    lowerBandEnd: lowerBand(size / 16, 256),
    itemAt: (place) => addressInRange(cidr, place),
  });
  return { cidr, places };
}

/** The lower part of a range, kept for those who name what they want. */
export function lowerBand(share: number, most: number): number {
  return Math.min(Math.max(16, Math.floor(share)), most);
}
