/** The addresses of a host name as a Pod would see them: the search list first, then the name as it is. */
import { recordTypes, type DnsRecord } from '../codec/dns/index.ts';
import { canonicalIp } from '../model/index.ts';
import type { Elsewhere } from './responder.ts';
import { resolve } from './resolve.ts';
import type { World } from './world.ts';
import { questionOf } from './zone-answer.ts';

/** A Pod's resolver asks for a name with fewer dots below its search domains first (kubelet's ndots). */
const ndots = 5;

/** The names a Pod of the namespace asks for, in order. */
export function searchNames(zone: string, name: string, namespace: string): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const searched = [`${namespace}.svc.${zone}`, `svc.${zone}`, zone].map((s) => `${name}.${s}`);
  const isShort = name.split('.').length - 1 < ndots;
  return isShort ? [...searched, name] : [name, ...searched];
}

export interface HostLookup {
  readonly world: World;
  readonly elsewhere: Elsewhere | undefined;
  /** Whose search list is used. */
  readonly namespace: string;
}

/** IPv4 before IPv6, as the answers have them; none when the name does not resolve. */
export async function hostAddresses(
  name: string,
  { world, elsewhere, namespace }: HostLookup,
): Promise<readonly string[]> {
  const literal = canonicalIp(name);
  if (literal !== undefined) return [literal];
  for (const candidate of searchNames(world.options.zone, name, namespace)) {
    const records: DnsRecord[] = [];
    for (const type of [recordTypes.A, recordTypes.AAAA]) {
      const question = questionOf(candidate, type);
      const answer = resolve(world, question);
      records.push(...(answer?.answers ?? []));
      const outside = answer === undefined ? candidate : answer.chase;
      if (outside === undefined || elsewhere === undefined) continue;
      records.push(...(await elsewhere.lookup({ ...question, name: outside })));
    }
    const found = records.flatMap(({ data }) =>
      data.kind === 'A' || data.kind === 'AAAA' ? [data.address] : [],
    );
    if (found.length > 0) return found;
  }
  return [];
}
