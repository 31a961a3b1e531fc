/** ReplicaSets: their defaults and rules (pkg/apis/apps, Kubernetes 1.36). */
import { dnsSubdomainProblems, replicaSetKind, type ReplicaSet } from '../kube/index.ts';
import type { Strategy } from './strategy.ts';
import { completeWorkload, validateSelectorStays, validateWorkload } from './workload.ts';
import { replicaSetShape } from './workload-shapes.ts';

export const replicaSetStrategy: Strategy<ReplicaSet> = {
  kind: replicaSetKind,
  shape: replicaSetShape,
  nameProblems: dnsSubdomainProblems,
  complete: (set) => ({ ...set, spec: completeWorkload(set.spec ?? {}) }),
  validate: ({ spec = {} }, stored, problems) => {
    validateWorkload(spec, 'replicaset', problems);
    if (stored !== undefined) validateSelectorStays(spec, stored.spec, problems);
  },
  initialStatus: (set) => ({ ...set, status: { replicas: 0 } }),
};
