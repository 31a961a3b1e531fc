/** Pods: what they are given when they are made, and how long a deleted one stays. */
import { dnsSubdomainProblems, podKind, type Pod } from '../kube/index.ts';
import { completePodSpec, defaultGracePeriodSeconds, validatePodSpec } from './pod-spec.ts';
import { validatePodChange } from './pod-changes.ts';
import { podShape } from './shapes.ts';
import type { Strategy } from './strategy.ts';

export const podStrategy: Strategy<Pod> = {
  kind: podKind,
  shape: podShape,
  nameProblems: dnsSubdomainProblems,
  complete: (pod) => ({ ...pod, spec: completePodSpec(pod.spec) }),
  validate: (pod, stored, problems) => {
    validatePodSpec(pod.spec, 'spec', problems);
    if (stored !== undefined) validatePodChange(pod, stored, problems);
  },
  gracePeriodSeconds: (pod, asked) => {
    // Nothing runs that would have to be ended.
    if ((pod.spec?.nodeName ?? '') === '' || isFinished(pod)) return 0;
    return asked ?? pod.spec?.terminationGracePeriodSeconds ?? defaultGracePeriodSeconds;
  },
  initialStatus: (pod) => {
    // An embedded Pod with an address is something that runs already: its status is taken as given.
    const given = pod.status?.podIP === undefined ? { phase: 'Pending' } : pod.status;
    return { ...pod, status: { ...given, ...initialStatus } };
  },
};

const initialStatus = { qosClass: 'BestEffort' } as const;

function isFinished({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}
