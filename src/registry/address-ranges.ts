/** The ranges that Services' addresses come from, one a family, and who holds what of them. */
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
import { RangeAllocator } from './range-allocator.ts';

interface AddressRange {
  readonly cidr: Cidr;
  readonly places: RangeAllocator;
}

export class AddressRanges {
  /** The default family first. */
  readonly families: readonly IpFamily[];
  private readonly ranges: ReadonlyMap<string, AddressRange>;

  constructor(cidrs: readonly Cidr[]) {
    this.families = cidrs.map(({ family }) => family);
    this.ranges = new Map(
      cidrs.map((cidr) => [cidr.family, { cidr, places: createPlaces(cidr) }] as const),
    );
  }

  /** All ranges, as text. */
  get texts(): readonly string[] {
    return [...this.ranges.values()].map(({ cidr }) => formatCidr(cidr));
  }

  /** What of these texts is an address of a family that has a range. */
  holdings(addresses: readonly string[]): readonly Holding[] {
    return addresses.flatMap((text) => {
      const item = canonicalIp(text);
      const range = item === undefined ? undefined : this.ranges.get(familyOf(item));
      return item === undefined || range === undefined ? [] : [{ from: range.places, item }];
    });
  }

  ownerOf(address: string): string | undefined {
    return this.ranges.get(familyOf(address))?.places.ownerOf(address);
  }

  /** Takes an address that was named; says why not when that cannot be. */
  take(text: string, work: ClaimWork): string | undefined {
    const bytes = parseIp(text);
    const range = this.ranges.get(familyOf(text));
    if (bytes === undefined || range === undefined || !cidrContains(range.cidr, bytes)) {
      const valid = range === undefined ? this.texts.join(', ') : formatCidr(range.cidr);
      return `the provided IP (${text}) is not in the valid range. The range of valid IPs is ${valid}`;
    }
    const free = work.take(range.places, canonicalIp(text) ?? text);
    return free ? undefined : 'provided IP is already allocated';
  }

  /** Undefined when the range of the family is full. */
  takeNext(family: string, work: ClaimWork): string | undefined {
    const range = this.ranges.get(family);
    return range === undefined ? undefined : work.takeNext(range.places, work.owner);
  }
}

function createPlaces(cidr: Cidr): RangeAllocator {
  const size = rangeSize(cidr);
  return new RangeAllocator({
    size,
    // The network's own address; in IPv4 also the one that means everybody.
    first: 1,
    last: cidr.family === 'IPv4' ? size - 2 : size - 1,
    lowerBandEnd: lowerBand(size / 16, 256),
    itemAt: (place) => addressInRange(cidr, place),
  });
}

/** The lower part of a range, kept for those who name what they want. */
export function lowerBand(share: number, most: number): number {
  return Math.min(Math.max(16, Math.floor(share)), most);
}
