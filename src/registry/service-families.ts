/** ipFamilies and ipFamilyPolicy of a Service, by the families the instance has ranges of (initIPFamilyFields). */
import { jsonEqual, type ServiceSpec } from '../kube/index.ts';
import { familyOf, type IpFamily } from '../model/index.ts';
import type { Problems } from './problems.ts';
import { isHeadless, needsClusterIp } from './service-defaults.ts';

export interface FamilyContext {
  readonly old: ServiceSpec | undefined;
  /** The families of the Service ranges, the default one first. */
  readonly configured: readonly IpFamily[];
  readonly problems: Problems;
}

/** The spec with both fields; what the instance cannot give goes to `problems`. */
export function withFamilies(spec: ServiceSpec, context: FamilyContext): ServiceSpec {
  if (!needsClusterIp(spec)) return spec;
  const { old, configured, problems } = context;
  const [first = 'IPv4'] = configured;
  // Nothing is known of the endpoints of such a Service, so it may have any family.
  const anyFamily = isHeadless(spec) && Object.keys(spec.selector ?? {}).length === 0;
  const policy =
    spec.ipFamilyPolicy ?? old?.ipFamilyPolicy ?? (anyFamily ? 'RequireDualStack' : 'SingleStack');
  const trimmed = trimForDowngrade({ ...spec, ipFamilyPolicy: policy }, old);
  const given = trimmed.ipFamilies ?? [];
  const addresses = isHeadless(spec) ? [] : (trimmed.clusterIPs ?? []);
  const known = given.length > 0 ? given : carriedFamilies(spec, old);
  const families = [...known, ...addresses.slice(known.length).map(familyOf)];
  const filled = (all: readonly string[]): ServiceSpec => ({ ...trimmed, ipFamilies: all });
  if (policy === 'SingleStack' && (given.length > 1 || addresses.length > 1)) {
    const what = addresses.length > 1 ? 'cluster IPs' : 'IP families';
    const why = `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`;
    problems.invalid('spec.ipFamilyPolicy', policy, why);
    return filled(families);
  }
  if (anyFamily) {
    const start = families.length === 0 ? [first] : families;
    return filled(policy === 'SingleStack' ? start.slice(0, 1) : withOther(start));
  }
  checkConfigured(filled(families), { configured, given: known.length, addresses, problems });
  const start = families.length === 0 ? [first] : families;
  // A Service that stays as it was is not given a second family because the instance has one now.
  const stays = old !== undefined && isSameAsBefore(filled(start), old);
  const wantsBoth = policy !== 'SingleStack' && configured.length === 2 && !stays;
  return filled(wantsBoth ? withOther(start) : start);
}

/** Headless Services have no addresses to read their families from. */
function carriedFamilies(spec: ServiceSpec, old: ServiceSpec | undefined): readonly string[] {
  return old !== undefined && isHeadless(spec) && isHeadless(old) ? (old.ipFamilies ?? []) : [];
}

function withOther(families: readonly string[]): readonly string[] {
  const [first = 'IPv4'] = families;
  return families.length > 1 ? families : [first, first === 'IPv4' ? 'IPv6' : 'IPv4'];
}

interface ConfiguredContext {
  readonly configured: readonly IpFamily[];
  /** How many families were written down; the others follow from addresses. */
  readonly given: number;
  readonly addresses: readonly string[];
  readonly problems: Problems;
}

function checkConfigured(spec: ServiceSpec, context: ConfiguredContext): void {
  const { configured, given, addresses, problems } = context;
  const { ipFamilies = [], ipFamilyPolicy } = spec;
  if (ipFamilyPolicy === 'RequireDualStack' && configured.length < 2) {
    const why = 'this cluster is not configured for dual-stack services';
    problems.invalid('spec.ipFamilyPolicy', ipFamilyPolicy, why);
  }
  for (const [i, family] of ipFamilies.entries()) {
    if (configured.some((own) => own === family)) continue;
    if (i < given) {
      problems.invalid(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster');
    } else {
      const why = `${family} is not configured on this cluster`;
      problems.invalid(`spec.clusterIPs[${i}]`, addresses, why);
    }
  }
}

function isDual(policy: string | undefined): boolean {
  return policy === 'PreferDualStack' || policy === 'RequireDualStack';
}

/** Asking for SingleStack is enough to lose the second address and family. */
function trimForDowngrade(spec: ServiceSpec, old: ServiceSpec | undefined): ServiceSpec {
  const downgrades = isDual(old?.ipFamilyPolicy) && spec.ipFamilyPolicy === 'SingleStack';
  if (old === undefined || !downgrades) return spec;
  const { clusterIPs = [], ipFamilies = [] } = spec;
  return {
    ...spec,
    ...(clusterIPs.length > 1 && jsonEqual(clusterIPs, old.clusterIPs)
      ? { clusterIPs: clusterIPs.slice(0, 1) }
      : {}),
    ...(ipFamilies.length > 1 && jsonEqual(ipFamilies, old.ipFamilies)
      ? { ipFamilies: ipFamilies.slice(0, 1) }
      : {}),
  };
}

function isSameAsBefore(spec: ServiceSpec, old: ServiceSpec): boolean {
  return (
    spec.ipFamilyPolicy === 'PreferDualStack' &&
    spec.ipFamilyPolicy === old.ipFamilyPolicy &&
    needsClusterIp(old) &&
    jsonEqual(spec.clusterIPs, old.clusterIPs) &&
    jsonEqual(spec.ipFamilies, old.ipFamilies)
  );
}

/** What may not change about addresses and families, in the words of ValidateServiceClusterIPsRelatedFields. */
export function validateFamilyChange(
  spec: ServiceSpec,
  old: ServiceSpec,
  problems: Problems,
): void {
  if (spec.type === 'ExternalName' || old.type === 'ExternalName') return;
  const trimmed = trimForDowngrade(spec, old);
  validateListChange('clusterIP', {
    after: trimmed.clusterIPs,
    before: old.clusterIPs,
    spec,
    problems,
  });
  if (trimmed.ipFamilies === undefined) return;
  validateListChange('ipFamily', {
    after: trimmed.ipFamilies,
    before: old.ipFamilies,
    spec,
    problems,
  });
}

interface ListChange {
  readonly after: readonly string[] | undefined;
  readonly before: readonly string[] | undefined;
  readonly spec: ServiceSpec;
  readonly problems: Problems;
}

/** The first of the list stays for life; the second comes and goes with the policy. */
function validateListChange(name: 'clusterIP' | 'ipFamily', change: ListChange): void {
  const { after = [], before = [], spec, problems } = change;
  const field = name === 'clusterIP' ? 'spec.clusterIPs' : 'spec.ipFamilies';
  if (before.length === 0) return;
  if (after.length === 0) {
    problems.invalid(`${field}[0]`, after, `primary ${name} can not be unset`);
    return;
  }
  const shown = (i: number): unknown => (name === 'clusterIP' ? after : after[i]);
  if (before[0] !== after[0]) problems.invalid(`${field}[0]`, shown(0), 'may not change once set');
  const policy = spec.ipFamilyPolicy;
  if (after.length === before.length) {
    if (after[1] !== before[1]) {
      problems.invalid(`${field}[1]`, shown(1), 'may not change once set');
    }
  } else if (after.length > before.length) {
    if (isDual(policy)) return;
    const why = `must be set to 'RequireDualStack' or 'PreferDualStack' when adding a secondary ${name}`;
    problems.invalid('spec.ipFamilyPolicy', policy, why);
  } else if (policy !== 'SingleStack') {
    const why = `must be set to 'SingleStack' when removing secondary ${name}`;
    problems.invalid('spec.ipFamilyPolicy', policy, why);
  }
}
