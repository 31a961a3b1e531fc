/** Which sentences of the decision table the machine runs. */
import { podsOf, type TableCase } from '../../src/drivers/conformance/table-cases.ts';
import type { Expectation } from '../../src/drivers/conformance/table-expectation.ts';

/** Why one about SCTP is not run; undefined when it is. */
export function whyNot(
  { flow, family, cannot }: TableCase,
  { meets }: Expectation,
): string | undefined {
  if (cannot !== undefined) return cannot;
  const own = podsOf('pods', family);
  const staysInside = own.some((pod) => `${pod}@${flow.source}` in meets);
  // TCP and UDP do, and SCTP does over IPv4; rules for it are the same (trace.test.ts shows them).
  return family === 'IPv6' && flow.entry === 'pod' && staysInside
    ? 'two Pods of one namespace do not reach each other by SCTP over IPv6 in these namespaces'
    : undefined;
}
