/** Why a name resolves as it does: the names a Pod would try, the rule that answered each, and what stands in the way. */
import { parseType, type rcodes, recordTypes, type DnsRecord } from '../codec/dns/index.ts';
import { formatRecord } from './format-answer.ts';
import { searchNames } from './host-addresses.ts';
import type { Elsewhere } from './responder.ts';
import { resolve } from './resolve.ts';
import { reverseNameOf } from './reverse-name.ts';
import { rules, type RuleCode } from './rules.ts';
import type { World } from './world.ts';
import { questionOf, type ZoneAnswer } from './zone-answer.ts';

export interface NameQuestion {
  readonly name: string;
  /** Of the Pod that asks. */
  readonly namespace: string;
  /** `A`, `SRV`...; a name that is an address is asked for its PTR. */
  readonly type: string;
}

/** One question of a client, and what it heard. */
export interface NameStep {
  readonly name: string;
  readonly rcode: keyof typeof rcodes | 'NODATA' | 'NO-ANSWER';
  /** `outside`: another server answered. */
  readonly rule: RuleCode | 'outside';
  readonly because: string;
  /** What is left out of the answer, and why. */
  readonly notes: readonly string[];
}

export interface NameExplanation {
  readonly name: string;
  readonly namespace: string;
  readonly type: string;
  /** `unknown`: nobody could say whether the name exists. */
  readonly verdict: 'answered' | 'no-records' | 'no-name' | 'unknown';
  /** The records, as a master file has them. */
  readonly answer: readonly string[];
  readonly steps: readonly NameStep[];
}

export interface ExplainNameOptions {
  readonly world: World;
  /** Undefined: nobody is asked for names outside of the zone. */
  readonly elsewhere: Elsewhere | undefined;
}

/** What a Pod that asks for `name` now would get, and why. Never rejects. */
export async function explainName(
  question: NameQuestion,
  options: ExplainNameOptions,
): Promise<NameExplanation> {
  const { world } = options;
  const { name, namespace } = question;
  const reverse = reverseNameOf(name);
  const type = reverse === undefined ? question.type.toUpperCase() : 'PTR';
  const candidates =
    reverse === undefined ? searchNames(world.options.zone, name, namespace) : [reverse];
  const steps: NameStep[] = [];
  let answer: readonly DnsRecord[] = [];
  for (const candidate of candidates) {
    const found = await ask(candidate, type, options);
    steps.push(found.step);
    answer = found.answers;
    // glibc goes on after a name without records of the type; only an answer, or none at all, ends its search.
    if (answer.length > 0 || found.step.rcode === 'SERVFAIL') break;
  }
  return {
    name,
    namespace,
    type,
    verdict: verdictOf(steps, answer),
    answer: answer.map(formatRecord),
    steps,
  };
}

interface Heard {
  readonly step: NameStep;
  readonly answers: readonly DnsRecord[];
}

async function ask(name: string, type: string, options: ExplainNameOptions): Promise<Heard> {
  const { world, elsewhere } = options;
  const question = questionOf(name, parseType(type) ?? recordTypes.A);
  const answer = resolve(world, question);
  const outside = answer === undefined ? name : answer.chase;
  const found =
    outside === undefined || elsewhere === undefined
      ? []
      : await elsewhere.lookup({ ...question, name: outside });
  if (answer === undefined) return heardOutside(name, found, elsewhere !== undefined);
  const answers = [...answer.answers, ...found];
  const notes = waiting(world, name);
  if (outside !== undefined && found.length === 0) notes.push(`${outside} has no answer: upstream`);
  return { answers, step: { ...stepOf(name, answer, answers), notes } };
}

function stepOf(name: string, answer: ZoneAnswer, answers: readonly DnsRecord[]): NameStep {
  const { rcode, rule } = answer;
  const isEmpty = rcode === 'NOERROR' && answers.length === 0;
  return { name, rcode: isEmpty ? 'NODATA' : rcode, rule, because: rules[rule], notes: [] };
}

function heardOutside(name: string, answers: readonly DnsRecord[], canAsk: boolean): Heard {
  const because = canAsk
    ? 'Outside of the zone: asked of the upstream servers'
    : 'Outside of the zone, and this server asks nobody';
  const rcode = !canAsk ? 'REFUSED' : answers.length > 0 ? 'NOERROR' : 'NO-ANSWER';
  return { answers, step: { name, rcode, rule: 'outside', because, notes: [] } };
}

function verdictOf(
  steps: readonly NameStep[],
  answer: readonly DnsRecord[],
): NameExplanation['verdict'] {
  if (answer.length > 0) return 'answered';
  if (steps.some(({ rcode }) => rcode === 'NODATA')) return 'no-records';
  return steps.some(({ rcode }) => rcode === 'SERVFAIL') ? 'unknown' : 'no-name';
}

/** The endpoints of the Service in the name that are left out, and why. */
function waiting(world: World, name: string): string[] {
  const labels = name
    .toLowerCase()
    .slice(0, -world.options.zone.length - 1)
    .split('.');
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
