/** Why a name resolves as it does: the names a Pod would try, the rule that answered, and what stands in the way. */
import { recordTypes } from '../codec/dns/index.ts';
import { formatRecord } from './format-answer.ts';
import { searchNames } from './host-addresses.ts';
import { resolve } from './resolve.ts';
import { rules, type RuleCode } from './rules.ts';
import type { World } from './world.ts';
import { questionOf, type ZoneAnswer } from './zone-answer.ts';

export interface NameExplanation {
  /** Of the name that answered, or of the last one tried. */
  readonly answer: readonly string[];
  /** `outside`: the name is not the zone's; another server answers. */
  readonly rule: RuleCode | 'outside';
  /** Sentences, in the order things happened. */
  readonly steps: readonly string[];
}

export interface ExplainOptions {
  /** Of the Pod that asks; `default` when it is not given. */
  readonly namespace?: string;
  /** Of the records asked for; A when it is not given. */
  readonly type?: number;
}

/** Pure: what a Pod that asks for `name` now would get, and why. */
export function explainName(
  world: World,
  name: string,
  { namespace = 'default', type = recordTypes.A }: ExplainOptions = {},
): NameExplanation {
  const steps: string[] = [];
  let last: ZoneAnswer | undefined;
  const { zone } = world.options;
  const lower = name.toLowerCase().replace(/\.$/, '');
  const isFull = lower === zone || lower.endsWith(`.${zone}`) || lower.endsWith('.arpa');
  for (const candidate of isFull ? [lower] : searchNames(zone, lower, namespace)) {
    const answer = resolve(world, questionOf(candidate, type));
    if (answer === undefined) {
      steps.push(`${candidate}: outside of ${zone}, asked of the upstream servers`);
      return { answer: [], rule: 'outside', steps };
    }
    last = answer;
    steps.push(`${candidate}: ${answer.rcode}. ${rules[answer.rule]}`);
    steps.push(...waiting(world, candidate));
    // NODATA ends a client's search as much as an answer does.
    if (answer.rcode !== 'NXDOMAIN') break;
  }
  return {
    answer: (last?.answers ?? []).map(formatRecord),
    rule: last?.rule ?? 'outside',
    steps,
  };
}

/** The endpoints of the Service in the name that are left out, and why. */
function waiting(world: World, name: string): readonly string[] {
  const labels = name.slice(0, -world.options.zone.length - 1).split('.');
  if (labels.at(-1) !== 'svc') return [];
  const [namespace, service] = [labels.at(-2) ?? '', labels.at(-3) ?? ''];
  return world.slicesOf(namespace, service).flatMap((slice) =>
    (slice.endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready === false)
      .map(({ addresses, targetRef }) => {
        const pod = targetRef?.kind === 'Pod' ? targetRef.name : undefined;
        const problem = pod === undefined ? undefined : world.podProblem(namespace, pod);
        const who = pod === undefined ? `endpoint ${addresses[0] ?? ''}` : `Pod ${pod}`;
        return `${who} is left out: it is not ready${problem === undefined ? '' : `: ${problem}`}`;
      }),
  );
}
