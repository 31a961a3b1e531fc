/** Services that are an alias: followed inside the zone, handed on outside of it. */
import { isName, recordTypes, type DnsRecord } from '../codec/dns/index.ts';
import { canonicalIp } from '../model/index.ts';
import {
  empty,
  inZone,
  nodata,
  nxdomain,
  questionOf,
  type Asked,
  type ZoneAnswer,
} from './zone-answer.ts';
import type { World } from './world.ts';
import { cnameRecord } from './zone-records.ts';

/** Aliases in a row; a loop ends here as well. */
const maxChain = 10;

interface Alias {
  readonly externalName: string;
  /** Answers what is no alias itself. */
  resolveInZone(world: World, asked: Asked): ZoneAnswer;
}

export function resolveExternalName(world: World, asked: Asked, alias: Alias): ZoneAnswer {
  const { type } = asked.question;
  const target = targetOf(alias.externalName);
  // An address is no name: CoreDNS does not answer for it either.
  if (target === undefined) return nxdomain(world, asked, 'external-name-invalid');
  if (type === recordTypes.CNAME) {
    const isItself = target.toLowerCase() === asked.question.name.toLowerCase();
    if (isItself) return nodata(world, asked, 'external-name-dead-end');
    const answers = [cnameRecord(world, asked.question.name, target)];
    return { ...empty('external-name'), answers };
  }
  if (type !== recordTypes.A && type !== recordTypes.AAAA) {
    return nodata(world, asked, 'external-name');
  }
  return follow(world, asked, { firstTarget: target, alias });
}

/** The aliases one after another, then what the last one leads to; NODATA when that is nothing. */
function follow(
  world: World,
  asked: Asked,
  { firstTarget, alias }: { readonly firstTarget: string; readonly alias: Alias },
): ZoneAnswer {
  const aliases: DnsRecord[] = [];
  const seen = new Set<string>([asked.question.name.toLowerCase()]);
  let owner = asked.question.name;
  let target = firstTarget;
  for (;;) {
    const lower = target.toLowerCase();
    if (seen.has(lower) || aliases.length >= maxChain) {
      return nodata(world, asked, 'external-name-dead-end');
    }
    seen.add(lower);
    aliases.push(cnameRecord(world, owner, target));
    const question = questionOf(target, asked.question.type);
    const next = inZone(world, question, lower);
    if (next === undefined) {
      return { ...empty('external-name'), answers: aliases, chase: target };
    }
    const onward = aliasOf(world, next);
    if (onward === undefined) {
      const { answers } = alias.resolveInZone(world, next);
      if (answers.length === 0) return nodata(world, asked, 'external-name-dead-end');
      return { ...empty('external-name'), answers: [...aliases, ...answers] };
    }
    owner = target;
    target = onward;
  }
}

/** Where the name leads when it is an alias itself. */
function aliasOf(world: World, { labels }: Asked): string | undefined {
  const [name, namespace, word] = labels;
  if (labels.length !== 3 || word !== 'svc' || name === undefined || namespace === undefined) {
    return undefined;
  }
  const exposed = world.options.namespaces?.includes(namespace) ?? true;
  const view = exposed ? world.service(namespace, name) : undefined;
  if (view?.kind !== 'externalName') return undefined;
  return targetOf(view.service.spec?.externalName ?? '');
}

function targetOf(externalName: string): string | undefined {
  const name = externalName.replace(/\.$/, '');
  return name === '' || !isName(name) || canonicalIp(name) !== undefined ? undefined : name;
}
