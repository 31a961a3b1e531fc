/** What of the conformance suite this driver does not do, and why: shown to people in docs/drivers/conformance.md. */
import { decide, type Flow, type Plan } from '../../model/index.ts';
import { describeDecision } from '../../model/decide-cases.suite.ts';
import type { TableCase } from '../conformance/table-cases.ts';

/** By story. */
export const storySkips = {
  'internalTrafficPolicy Local without an endpoint here drops':
    'DROP needs packets: the kernel answers every SYN to a socket, so the client is reset or refused instead',
} as const;

const reasons = {
  sctp: 'Node has no sockets of SCTP',
  drop: storySkips['internalTrafficPolicy Local without an endpoint here drops'],
  range: 'nothing listens at an address that no Service has, so the host itself refuses',
  entry: 'a socket does not tell through which interface its client came, so no client is a Pod',
} as const;

/** Why a case of the decision table means nothing on sockets; undefined when it is run. */
export function whyNotOnSockets(
  plan: Plan,
  { flow, verdict, names }: TableCase,
): string | undefined {
  if (flow.protocol === 'SCTP') return reasons.sctp;
  if (verdict === 'drop unallocated-address') return reasons.range;
  if (verdict.startsWith('drop ')) return reasons.drop;
  const seen: Flow = {
    ...flow,
    entry: plan.node.addresses.includes(flow.source) ? 'node' : 'outside',
  };
  const said = describeDecision(decide(plan, seen), names);
  // Whom the backend sees is another difference: always the node.
  const withoutClient = (words: string): string => words.replace(/, masquerade .*$/, '');
  return withoutClient(said) === withoutClient(verdict) ? undefined : reasons.entry;
}
