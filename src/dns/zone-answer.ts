/** The shape of an answer of the zone, and how the common ones are made. */
import {
  recordClasses,
  recordTypes,
  type DnsQuestion,
  type DnsRecord,
} from '../codec/dns/index.ts';
import type { RuleCode } from './rules.ts';
import type { Addresses, ServiceView } from './service-view.ts';
import type { World } from './world.ts';
import { addressRecords, soaRecord } from './zone-records.ts';

export interface ZoneAnswer {
  readonly rule: RuleCode;
  readonly rcode: 'NOERROR' | 'NXDOMAIN' | 'SERVFAIL' | 'REFUSED';
  readonly answers: readonly DnsRecord[];
  /** The zone's SOA when the answer is negative. */
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
  /** A name outside the zone that an alias leads to: its answer belongs behind ours. */
  readonly chase: string | undefined;
  /** What the whole answer was made from; undefined when it is more than one Service, or none. */
  readonly from: ServiceView | undefined;
}

/** A question inside the zone, taken apart. */
export interface Asked {
  readonly question: DnsQuestion;
  /** The zone as the question spells it. */
  readonly zone: string;
  /** Lower-case labels before the zone. */
  readonly labels: readonly string[];
}

/** Undefined when the name is not below the zone. */
export function inZone(world: World, question: DnsQuestion, lower: string): Asked | undefined {
  const { zone } = world.options;
  if (lower === zone) return { question, zone: question.name, labels: [] };
  if (!lower.endsWith(`.${zone}`)) return undefined;
  return {
    question,
    zone: question.name.slice(-zone.length),
    labels: lower.slice(0, -zone.length - 1).split('.'),
  };
}

/** The addresses of the family the question asks for; none for every other type. */
export function addressesFor({ question }: Asked, { ipv4, ipv6 }: Addresses): readonly string[] {
  if (question.type === recordTypes.A) return ipv4;
  return question.type === recordTypes.AAAA ? ipv6 : [];
}

/** The addresses, or NODATA when the name has none of them. */
export function positive(
  world: World,
  asked: Asked,
  rule: RuleCode,
  addresses: readonly string[],
): ZoneAnswer {
  if (addresses.length === 0) return nodata(world, asked, rule);
  return { ...empty(rule), answers: addressRecords(world, asked.question.name, addresses) };
}

export function nodata(world: World, asked: Asked, rule: RuleCode): ZoneAnswer {
  return { ...empty(rule), authorities: [soaRecord(world, asked.zone)] };
}

export function nxdomain(world: World, asked: Asked, rule: RuleCode): ZoneAnswer {
  return { ...nodata(world, asked, rule), rcode: 'NXDOMAIN' };
}

export function empty(rule: RuleCode): ZoneAnswer {
  return {
    rule,
    rcode: 'NOERROR',
    answers: [],
    authorities: [],
    additionals: [],
    chase: undefined,
    from: undefined,
  };
}

/** A question of the class of the Internet. */
export function questionOf(name: string, type: number): DnsQuestion {
  return { name, type, class: recordClasses.IN };
}
