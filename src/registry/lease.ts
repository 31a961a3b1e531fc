/** Leases: who leads, for those who agree on it by them. */
import { dnsSubdomainProblems, leaseKind, type Lease } from '../kube/index.ts';
import type { Strategy } from './strategy.ts';
import { leaseShape } from './workload-shapes.ts';

export const leaseStrategy: Strategy<Lease> = {
  kind: leaseKind,
  shape: leaseShape,
  nameProblems: dnsSubdomainProblems,
  complete: (lease) => lease,
  validate: ({ spec }, _stored, problems) => {
    for (const field of ['leaseDurationSeconds', 'leaseTransitions'] as const) {
      const value = spec?.[field];
      const least = field === 'leaseTransitions' ? 0 : 1;
      if (value === undefined || value >= least) continue;
      const why = least === 0 ? 'must be greater than or equal to 0' : 'must be greater than 0';
      problems.invalid(`spec.${field}`, value, why);
    }
  },
  initialStatus: (lease) => lease,
};
