/**
 * The answer to a question, from objects alone. Pure: Kubernetes' DNS specification 1.1.0, and CoreDNS where the
 * specification leaves it open.
 */
import { recordTypes, type DnsQuestion } from '../codec/dns/index.ts';
import { resolveExternalName } from './external-name.ts';
import { resolvePod } from './resolve-pod.ts';
import { addressOfReverseName } from './reverse-name.ts';
import type { RuleCode } from './rules.ts';
import type { Addresses, PortTarget, ServiceView } from './service-view.ts';
import type { World } from './world.ts';
import {
  addressesFor,
  empty,
  inZone,
  nodata,
  nxdomain,
  positive,
  type Asked,
  type ZoneAnswer,
} from './zone-answer.ts';
import {
  addressRecords,
  nsRecord,
  ptrRecord,
  soaRecord,
  srvRecords,
  versionRecord,
} from './zone-records.ts';

/** Undefined when the name is not ours: outside the zone, or an address nobody here has. */
export function resolve(world: World, question: DnsQuestion): ZoneAnswer | undefined {
  const lower = question.name.toLowerCase();
  if (isReverse(lower)) return resolveReverse(world, question, lower);
  const asked = inZone(world, question, lower);
  if (asked === undefined) return undefined;
  if (question.type === recordTypes.AXFR || question.type === recordTypes.IXFR) {
    return { ...empty('transfer'), rcode: 'REFUSED' };
  }
  return resolveInZone(world, asked);
}

function resolveInZone(world: World, asked: Asked): ZoneAnswer {
  const { labels } = asked;
  const word = labels.at(-1);
  if (word === undefined) return resolveApex(world, asked);
  if (labels.length === 1 && word === 'dns-version') return resolveVersion(world, asked);
  if (labels.join('.') === 'ns.dns') {
    return positive(world, asked, 'name-server', addressesFor(asked, serverAddresses(world)));
  }
  if (!world.synced) return { ...empty('not-synced'), rcode: 'SERVFAIL' };
  if (word !== 'svc' && word !== 'pod') return nxdomain(world, asked, 'unknown-word');
  const namespace = labels.at(-2);
  if (namespace === undefined) return nodata(world, asked, 'no-records-here');
  const exposed = world.options.namespaces?.includes(namespace) ?? true;
  if (!exposed) return nxdomain(world, asked, 'namespace-hidden');
  const name = labels.at(-3);
  if (name === undefined) {
    const found = world.hasNamespace(namespace);
    return found ? nodata(world, asked, 'no-records-here') : nxdomain(world, asked, 'no-namespace');
  }
  if (word === 'pod') return resolvePod(world, asked, { namespace, name });
  if (labels.length > 5) return nxdomain(world, asked, 'too-many-labels');
  return resolveService(world, asked, world.service(namespace, name));
}

function resolveApex(world: World, asked: Asked): ZoneAnswer {
  const answer = { ...empty('zone'), rcode: 'NOERROR' } as const;
  if (asked.question.type === recordTypes.SOA) {
    return { ...answer, answers: [soaRecord(world, asked.zone)] };
  }
  if (asked.question.type !== recordTypes.NS) return nodata(world, asked, 'zone');
  const ns = nsRecord(world, asked.zone);
  const glue = serverAddresses(world);
  const all = [...glue.ipv4, ...glue.ipv6];
  const name = `ns.dns.${asked.zone}`;
  return { ...answer, answers: [ns], additionals: addressRecords(world, name, all) };
}

function resolveVersion(world: World, asked: Asked): ZoneAnswer {
  if (asked.question.type !== recordTypes.TXT) return nodata(world, asked, 'dns-version');
  return { ...empty('dns-version'), answers: [versionRecord(asked.question.name)] };
}

function serverAddresses({ serverAddresses: all }: World): Addresses {
  return {
    ipv4: all.filter((address) => !address.includes(':')),
    ipv6: all.filter((address) => address.includes(':')),
  };
}

function resolveService(world: World, asked: Asked, view: ServiceView | undefined): ZoneAnswer {
  if (view === undefined) return nxdomain(world, asked, 'no-service');
  const below = asked.labels.slice(0, -3);
  if (view.kind === 'externalName') {
    if (below.length > 0) return nxdomain(world, asked, 'no-endpoint');
    const externalName = view.service.spec?.externalName ?? '';
    return resolveExternalName(world, asked, { externalName, resolveInZone });
  }
  const isEmpty = view.kind === 'clusterIP' && view.hosts.size === 0;
  if (isEmpty && world.options.ignoreEmptyService) return nxdomain(world, asked, 'empty-service');
  const [first, second] = below;
  let result: ZoneAnswer;
  if (first === undefined) result = resolveOwnName(world, asked, view);
  else if (second === undefined) result = resolveHost(world, asked, { view, host: first });
  else result = resolvePort(world, asked, { view, port: first, protocol: second });
  return { ...result, from: view };
}

function resolveOwnName(world: World, asked: Asked, view: ServiceView): ZoneAnswer {
  const rule = view.kind === 'headless' ? 'headless' : 'cluster-ip';
  if (view.kind === 'headless' && view.hosts.size === 0) {
    return nxdomain(world, asked, 'headless-none-ready');
  }
  if (asked.question.type === recordTypes.SRV) return srv(world, asked, view.targets);
  return positive(world, asked, rule, addressesFor(asked, view.addresses));
}

function resolveHost(
  world: World,
  asked: Asked,
  { view, host }: { readonly view: ServiceView; readonly host: string },
): ZoneAnswer {
  const addresses = view.hosts.get(host);
  if (addresses === undefined) return nxdomain(world, asked, 'no-endpoint');
  if (asked.question.type === recordTypes.SRV) {
    const own = view.endpointTargets.filter((target) => target.host === host);
    return srv(world, asked, own);
  }
  return positive(world, asked, 'endpoint', addressesFor(asked, addresses));
}

function resolvePort(
  world: World,
  asked: Asked,
  { view, port, protocol }: { readonly view: ServiceView; port: string; protocol: string },
): ZoneAnswer {
  // Underscores are optional, as in CoreDNS.
  const name = port.replace(/^_/, '');
  const wanted = protocol.replace(/^_/, '');
  const own = view.targets.filter((t) => t.port === name && t.protocol === wanted);
  if (own.length === 0) return nxdomain(world, asked, 'no-port');
  if (asked.question.type === recordTypes.SRV) return srv(world, asked, own);
  const ips = [...new Set(own.map(({ address }) => address))];
  const addresses = {
    ipv4: ips.filter((ip) => !ip.includes(':')),
    ipv6: ips.filter((ip) => ip.includes(':')),
  };
  return positive(world, asked, 'port', addressesFor(asked, addresses));
}

function srv(world: World, asked: Asked, targets: readonly PortTarget[]): ZoneAnswer {
  if (targets.length === 0) return nodata(world, asked, 'srv');
  const [namespace, name] = [asked.labels.at(-2) ?? '', asked.labels.at(-3) ?? ''];
  const base = `${name}.${namespace}.svc.${asked.zone}`;
  return { ...empty('srv'), ...srvRecords(world, { owner: asked.question.name, base, targets }) };
}

function resolveReverse(
  world: World,
  question: DnsQuestion,
  lower: string,
): ZoneAnswer | undefined {
  const address = addressOfReverseName(lower);
  if (address === undefined) return undefined;
  if (!world.synced) return { ...empty('not-synced'), rcode: 'SERVFAIL' };
  const names: { readonly rule: RuleCode; readonly list: readonly string[] } = reverseNames(
    world,
    address,
  );
  if (names.list.length === 0) return undefined;
  const asked = { question, zone: world.options.zone, labels: [] };
  if (question.type !== recordTypes.PTR) return nodata(world, asked, names.rule);
  const answers = names.list.map((name) => ptrRecord(world, question.name, name));
  return { ...empty(names.rule), answers };
}

function reverseNames(
  world: World,
  address: string,
): { readonly rule: RuleCode; readonly list: readonly string[] } {
  const exposed = ({ service }: ServiceView): boolean =>
    world.options.namespaces?.includes(service.metadata.namespace ?? '') ?? true;
  const full = ({ service }: ServiceView): string =>
    `${service.metadata.name}.${service.metadata.namespace ?? ''}.svc.${world.options.zone}`;
  const [owner] = world.servicesAt(address).filter(exposed);
  if (owner !== undefined) return { rule: 'reverse-service', list: [full(owner)] };
  const list = world
    .servicesWithEndpoint(address)
    .filter(exposed)
    .flatMap((view) =>
      [...view.hosts]
        .filter(([, { ipv4, ipv6 }]) => ipv4.includes(address) || ipv6.includes(address))
        .map(([host]) => `${host}.${full(view)}`),
    );
  return { rule: 'reverse-endpoint', list };
}

function isReverse(lower: string): boolean {
  return lower.endsWith('.in-addr.arpa') || lower.endsWith('.ip6.arpa');
}
