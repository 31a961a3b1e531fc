/** StatefulSets: their defaults and rules (pkg/apis/apps, Kubernetes 1.36). */
import { dnsLabelProblems, jsonEqual, statefulSetKind, type StatefulSet } from '../kube/index.ts';
import { validateNotNegative } from './pod-spec.ts';
import type { Problems } from './problems.ts';
import type { Strategy } from './strategy.ts';
import { completeWorkload, validateWorkload } from './workload.ts';
import { statefulSetShape } from './workload-shapes.ts';

const rollingUpdate = 'RollingUpdate';
const updateTypes: readonly string[] = [rollingUpdate, 'OnDelete'];
const policies: readonly string[] = ['OrderedReady', 'Parallel'];
const mutable = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const;

type Spec = NonNullable<StatefulSet['spec']>;

export const statefulSetStrategy: Strategy<StatefulSet> = {
  kind: statefulSetKind,
  shape: statefulSetShape,
  // Its Pods are named after it, and their names are host names.
  nameProblems: dnsLabelProblems,
  complete: (set) => {
    const spec = completeWorkload(set.spec ?? {});
    const { type = rollingUpdate, ...update } = spec.updateStrategy ?? {};
    const rolling = { partition: 0, ...update.rollingUpdate };
    return {
      ...set,
      spec: {
        podManagementPolicy: 'OrderedReady',
        revisionHistoryLimit: 10,
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
        ...spec,
        updateStrategy: {
          ...update,
          type,
          ...(type === rollingUpdate ? { rollingUpdate: rolling } : {}),
        },
      },
    };
  },
  validate: ({ spec = {} }, stored, problems) => {
    validateWorkload(spec, 'statefulset', problems);
    validateOwn(spec, problems);
    if (stored !== undefined && !jsonEqual(fixedPart(spec), fixedPart(stored.spec ?? {}))) {
      const why = `updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden`;
      problems.forbidden('spec', why);
    }
  },
  initialStatus: (set) => ({ ...set, status: { replicas: 0 } }),
};

function validateOwn(spec: Spec, problems: Problems): void {
  const { podManagementPolicy = 'OrderedReady', updateStrategy, ordinals } = spec;
  if (!policies.includes(podManagementPolicy)) {
    const why = `must be '${policies.join("' or '")}'`;
    problems.invalid('spec.podManagementPolicy', podManagementPolicy, why);
  }
  const { type = rollingUpdate, rollingUpdate: rolling } = updateStrategy ?? {};
  if (!updateTypes.includes(type)) {
    const why = `must be '${updateTypes.join("' or '")}'`;
    problems.invalid('spec.updateStrategy', updateStrategy, why);
  }
  const partitionAt = 'spec.updateStrategy.rollingUpdate.partition';
  validateNotNegative(rolling?.partition, partitionAt, problems);
  validateNotNegative(ordinals?.start, 'spec.ordinals.start', problems);
}

/** The spec without what may change. */
function fixedPart(spec: Spec): unknown {
  const variable: readonly string[] = mutable;
  return Object.fromEntries(Object.entries(spec).filter(([key]) => !variable.includes(key)));
}
