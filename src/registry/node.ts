/** Nodes: whoever registers one says its status too. */
import { dnsSubdomainProblems, jsonEqual, nodeKind, type Node } from '../kube/index.ts';
import { familyOf, parseCidr } from '../model/index.ts';
import { notARange } from './addresses.ts';
import type { Problems } from './problems.ts';
import { nodeShape } from './shapes.ts';
import type { Strategy } from './strategy.ts';

export const nodeStrategy: Strategy<Node> = {
  kind: nodeKind,
  shape: nodeShape,
  nameProblems: dnsSubdomainProblems,
  complete: (node) => node,
  validate: (node, stored, problems) => {
    const ranges = node.spec?.podCIDRs ?? [];
    validateRanges(ranges, problems);
    const before = stored?.spec?.podCIDRs ?? [];
    if (before.length > 0 && !jsonEqual(ranges, before)) {
      const why = 'node updates may not change podCIDR except from "" to valid';
      problems.forbidden('spec.podCIDRs', why);
    }
  },
  initialStatus: (node) => node,
};

function validateRanges(ranges: readonly string[], problems: Problems): void {
  const field = 'spec.podCIDRs';
  for (const [i, range] of ranges.entries()) {
    if (parseCidr(range) === undefined) problems.invalid(`${field}[${i}]`, range, notARange);
  }
  const families = new Set(ranges.map((range) => familyOf(range.split('/')[0] ?? '')));
  if (ranges.length > 2 || (ranges.length === 2 && families.size < 2)) {
    const why = 'may specify no more than one CIDR for each IP family';
    problems.invalid(field, ranges, why);
  }
}
