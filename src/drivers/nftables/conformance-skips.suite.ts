/** What of the conformance suite this driver does not do, and why: shown to people in docs/drivers/conformance.md. */

import type { Plan } from '../../model/index.ts';
import { podsOf, type TableCase } from '../conformance/table-cases.ts';
import { expectationOf } from '../conformance/table-expectation.ts';

/** By story. */
export const storySkips = {
  'lc gives to the endpoint with the fewest open connections':
    'rules see no connection end; rr stands in, by name',
  'IPv6 is spread as IPv4 is': 'every story has a round of its own for IPv6',
  'UDP: IPv6 is spread as IPv4 is': 'every story has a round of its own for IPv6',
} as const;

/** Why a case of the decision table is not shown with packets; undefined when it is. */
export function whyNoPackets(plan: Plan, one: TableCase): string | undefined {
  if (one.cannot !== undefined || one.flow.protocol !== 'SCTP' || one.family === 'IPv4') {
    return one.cannot;
  }
  const { meets } = expectationOf(plan, one);
  const staysInside = podsOf('pods', 'IPv6').some((pod) => `${pod}@${one.flow.source}` in meets);
  // TCP, UDP, and SCTP over IPv4 do; the rules are shown by the tracer.
  return one.from === 'pods' && staysInside
    ? 'two Pods of one namespace do not reach each other by SCTP over IPv6 in the machine’s namespaces'
    : undefined;
}
