/** Deployments: their defaults and rules (pkg/apis/apps, Kubernetes 1.36). */
import { deploymentKind, dnsSubdomainProblems, type Deployment } from '../kube/index.ts';
import { validateNotNegative } from './pod-spec.ts';
import type { Problems } from './problems.ts';
import type { Strategy } from './strategy.ts';
import { completeWorkload, validateSelectorStays, validateWorkload } from './workload.ts';
import { deploymentShape } from './workload-shapes.ts';

const rollingUpdate = 'RollingUpdate';
const strategies: readonly string[] = ['Recreate', rollingUpdate];
const rollingDefaults = { maxUnavailable: '25%', maxSurge: '25%' } as const;

export const deploymentStrategy: Strategy<Deployment> = {
  kind: deploymentKind,
  shape: deploymentShape,
  nameProblems: dnsSubdomainProblems,
  complete: (deployment) => {
    const spec = completeWorkload(deployment.spec ?? {});
    const { type = rollingUpdate, ...strategy } = spec.strategy ?? {};
    const rolling = { ...rollingDefaults, ...strategy.rollingUpdate };
    return {
      ...deployment,
      spec: {
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        ...spec,
        strategy: {
          ...strategy,
          type,
          ...(type === rollingUpdate ? { rollingUpdate: rolling } : {}),
        },
      },
    };
  },
  validate: ({ spec = {} }, stored, problems) => {
    validateWorkload(spec, 'deployment', problems);
    validateStrategy(spec, problems);
    validateNotNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit', problems);
    const { progressDeadlineSeconds: deadline = 600, minReadySeconds = 0 } = spec;
    validateNotNegative(deadline, 'spec.progressDeadlineSeconds', problems);
    if (deadline <= minReadySeconds) {
      const why = 'must be greater than minReadySeconds';
      problems.invalid('spec.progressDeadlineSeconds', deadline, why);
    }
    if (stored !== undefined) validateSelectorStays(spec, stored.spec, problems);
  },
  initialStatus: (deployment) => ({ ...deployment, status: {} }),
};

function validateStrategy({ strategy }: NonNullable<Deployment['spec']>, problems: Problems): void {
  const { type = rollingUpdate, rollingUpdate: rolling } = strategy ?? {};
  if (!strategies.includes(type)) problems.notSupported('spec.strategy.type', type, strategies);
  if (type === 'Recreate' && rolling !== undefined) {
    const why = "may not be specified when strategy `type` is 'Recreate'";
    problems.forbidden('spec.strategy.rollingUpdate', why);
  }
  if (type !== rollingUpdate || rolling === undefined) return;
  const { maxUnavailable = 0, maxSurge = 0 } = rolling;
  for (const [name, value] of Object.entries({ maxUnavailable, maxSurge })) {
    const at = `spec.strategy.rollingUpdate.${name}`;
    if (typeof value === 'number') validateNotNegative(value, at, problems);
    else if (!/^[0-9]+%$/.test(value)) {
      const why =
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
      problems.invalid(at, value, why);
    }
  }
  const isNothing = (value: number | string): boolean => value === 0 || /^0+%$/.test(String(value));
  if (isNothing(maxUnavailable) && isNothing(maxSurge)) {
    const at = 'spec.strategy.rollingUpdate.maxUnavailable';
    problems.invalid(at, maxUnavailable, 'may not be 0 when `maxSurge` is 0');
  }
  if (typeof maxUnavailable === 'string' && Number.parseInt(maxUnavailable, 10) > 100) {
    const at = 'spec.strategy.rollingUpdate.maxUnavailable';
    problems.invalid(at, maxUnavailable, 'must not be greater than 100%');
  }
}
