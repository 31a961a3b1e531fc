/** The records of the zone, each from what it tells. */
import { recordClasses, recordTypes, type DnsRecord, type SoaData } from '../codec/dns/index.ts';
import { familyOf } from '../model/index.ts';
import type { PortTarget } from './service-view.ts';
import type { World } from './world.ts';

/** The version of the specification that is kept to. */
const specVersion = '1.1.0';
/** As CoreDNS: it changes with releases only. */
const versionTtlSeconds = 28_800;
/** An answer that says no is kept by resolvers for at most this long. */
const maxNegativeTtlSeconds = 300;

const IN = recordClasses.IN;

export function addressRecords(
  { options }: World,
  name: string,
  addresses: readonly string[],
): readonly DnsRecord[] {
  return addresses.map((address) => addressRecord(options.ttlSeconds, name, address));
}

function addressRecord(ttlSeconds: number, name: string, address: string): DnsRecord {
  const kind = familyOf(address) === 'IPv4' ? 'A' : 'AAAA';
  return { name, type: recordTypes[kind], class: IN, ttlSeconds, data: { kind, address } };
}

export function cnameRecord({ options }: World, name: string, target: string): DnsRecord {
  const data = { kind: 'CNAME', target } as const;
  return { name, type: recordTypes.CNAME, class: IN, ttlSeconds: options.ttlSeconds, data };
}

export function ptrRecord({ options }: World, name: string, target: string): DnsRecord {
  const data = { kind: 'PTR', target } as const;
  return { name, type: recordTypes.PTR, class: IN, ttlSeconds: options.ttlSeconds, data };
}

export function nsRecord({ options }: World, zone: string): DnsRecord {
  const data = { kind: 'NS', target: `ns.dns.${zone}` } as const;
  return { name: zone, type: recordTypes.NS, class: IN, ttlSeconds: options.ttlSeconds, data };
}

export function versionRecord(name: string): DnsRecord {
  const data = { kind: 'TXT', texts: [specVersion] } as const;
  return { name, type: recordTypes.TXT, class: IN, ttlSeconds: versionTtlSeconds, data };
}

export function soaRecord({ options, serial }: World, zone: string): DnsRecord {
  const ttlSeconds = Math.min(options.ttlSeconds, maxNegativeTtlSeconds);
  const data: SoaData = {
    kind: 'SOA',
    primary: `ns.dns.${zone}`,
    mailbox: `hostmaster.${zone}`,
    serial,
    refreshSeconds: 7_200,
    retrySeconds: 1_800,
    expireSeconds: 86_400,
    negativeTtlSeconds: ttlSeconds,
  };
  return { name: zone, type: recordTypes.SOA, class: IN, ttlSeconds, data };
}

interface SrvParts {
  readonly owner: string;
  /** The Service's name: what targets end in. */
  readonly base: string;
  readonly targets: readonly PortTarget[];
}

/** One record a target and port, with its addresses beside; both families of a target share one record. */
export function srvRecords(
  { options }: World,
  { owner, base, targets }: SrvParts,
): { readonly answers: readonly DnsRecord[]; readonly additionals: readonly DnsRecord[] } {
  const { ttlSeconds } = options;
  const weight = Math.max(1, Math.floor(100 / targets.length));
  const answers = new Map<string, DnsRecord>();
  const additionals = new Map<string, DnsRecord>();
  for (const { host, number: port, address } of targets) {
    const target = host === undefined ? base : `${host}.${base}`;
    const data = { kind: 'SRV', priority: 0, weight, port, target } as const;
    const record = { name: owner, type: recordTypes.SRV, class: IN, ttlSeconds, data };
    answers.set(`${target} ${port}`, record);
    additionals.set(`${target} ${address}`, addressRecord(ttlSeconds, target, address));
  }
  return { answers: [...answers.values()], additionals: [...additionals.values()] };
}
