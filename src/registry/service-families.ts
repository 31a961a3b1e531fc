/** ipFamilies and ipFamilyPolicy of a Service, for an instance whose Services have one family (initIPFamilyFields). */
import type { ServiceSpec } from '../kube/index.ts';
import { familyOf, type IpFamily } from '../model/index.ts';
import type { Problems } from './problems.ts';
import { isHeadless, needsClusterIp } from './service-defaults.ts';

export interface FamilyContext {
  readonly old: ServiceSpec | undefined;
  /** The family of the Service range. */
  readonly own: IpFamily;
  readonly problems: Problems;
}

/** The spec with both fields; what the instance cannot give goes to `problems`. */
export function withFamilies(spec: ServiceSpec, context: FamilyContext): ServiceSpec {
  if (!needsClusterIp(spec)) return spec;
  const { old, own, problems } = context;
  // Nothing is known of the endpoints of such a Service, so it may have any family.
  const anyFamily = isHeadless(spec) && Object.keys(spec.selector ?? {}).length === 0;
  const policy =
    spec.ipFamilyPolicy ?? old?.ipFamilyPolicy ?? (anyFamily ? 'RequireDualStack' : 'SingleStack');
  const given = spec.ipFamilies ?? [];
  const addresses = isHeadless(spec) ? [] : (spec.clusterIPs ?? []);
  const families = given.length > 0 ? given : addresses.map(familyOf);
  const filled = (all: readonly string[]): ServiceSpec => ({
    ...spec,
    ipFamilyPolicy: policy,
    ipFamilies: all,
  });
  if (policy === 'SingleStack' && (given.length > 1 || addresses.length > 1)) {
    const what = addresses.length > 1 ? 'cluster IPs' : 'IP families';
    const why = `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`;
    problems.invalid('spec.ipFamilyPolicy', policy, why);
    return filled(families);
  }
  if (anyFamily) {
    const first = families[0] ?? own;
    const both = [first, first === 'IPv4' ? 'IPv6' : 'IPv4'];
    return filled(policy === 'SingleStack' ? [first] : both);
  }
  if (policy === 'RequireDualStack') {
    const why = 'this cluster is not configured for dual-stack services';
    problems.invalid('spec.ipFamilyPolicy', policy, why);
  }
  for (const [i, family] of families.entries()) {
    if (family === own) continue;
    if (given.length > 0) {
      problems.invalid(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster');
    } else {
      const why = `${family} is not configured on this cluster`;
      problems.invalid(`spec.clusterIPs[${i}]`, addresses, why);
    }
  }
  return filled(families.length > 0 ? families : [own]);
}
