/** What Deployments, ReplicaSets and StatefulSets share: a selector, a template that it matches, replicas. */
import {
  jsonEqual,
  labelValueProblems,
  qualifiedNameProblems,
  type LabelSelectorSpec,
  type PodTemplate,
} from '../kube/index.ts';
import { validateLabels } from './metadata.ts';
import { completeTemplateSpec, validateNotNegative, validatePodSpec } from './pod-spec.ts';
import type { Problems } from './problems.ts';

export interface WorkloadSpec {
  readonly replicas?: number;
  readonly minReadySeconds?: number;
  readonly selector?: LabelSelectorSpec;
  readonly template?: PodTemplate;
}

const operators: readonly string[] = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

export function completeWorkload<T extends WorkloadSpec>(spec: T): T & WorkloadSpec {
  const { template = {} } = spec;
  const completed = { ...template, spec: completeTemplateSpec(template.spec) };
  return { replicas: 1, ...spec, template: completed };
}

/** `kind` in lower case, as the server names it in its sentences. */
export function validateWorkload(spec: WorkloadSpec, kind: string, problems: Problems): void {
  validateNotNegative(spec.replicas, 'spec.replicas', problems);
  validateNotNegative(spec.minReadySeconds, 'spec.minReadySeconds', problems);
  const { selector, template } = spec;
  if (selector === undefined) problems.required('spec.selector');
  else validateSelector(selector, kind, problems);
  const labels = template?.metadata?.labels ?? {};
  if (selector !== undefined && !isEmpty(selector) && !selectorMatches(selector, labels)) {
    const problem = '`selector` does not match template `labels`';
    problems.invalid('spec.template.metadata.labels', labels, problem);
  }
  validateLabels(labels, 'spec.template.metadata.labels', problems);
  validatePodSpec(template?.spec, 'spec.template.spec', problems);
  const { restartPolicy = 'Always' } = template?.spec ?? {};
  if (restartPolicy === 'OnFailure' || restartPolicy === 'Never') {
    problems.notSupported('spec.template.spec.restartPolicy', restartPolicy, ['Always']);
  }
}

export function validateSelectorStays(
  spec: WorkloadSpec | undefined,
  stored: WorkloadSpec | undefined,
  problems: Problems,
): void {
  if (stored !== undefined && !jsonEqual(stored.selector, spec?.selector)) {
    problems.invalid('spec.selector', spec?.selector, 'field is immutable');
  }
}

function isEmpty({ matchLabels = {}, matchExpressions = [] }: LabelSelectorSpec): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}

function validateSelector(selector: LabelSelectorSpec, kind: string, problems: Problems): void {
  validateLabels(selector.matchLabels, 'spec.selector.matchLabels', problems);
  for (const [i, { key, operator, values = [] }] of (selector.matchExpressions ?? []).entries()) {
    const at = `spec.selector.matchExpressions[${i}]`;
    const takesValues = operator === 'In' || operator === 'NotIn';
    if (!operators.includes(operator)) {
      problems.invalid(`${at}.operator`, operator, 'not a valid selector operator');
    } else if (takesValues && values.length === 0) {
      const why = "must be specified when `operator` is 'In' or 'NotIn'";
      problems.required(`${at}.values`, why);
    } else if (!takesValues && values.length > 0) {
      const why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
      problems.forbidden(`${at}.values`, why);
    }
    problems.invalidEach(`${at}.key`, key, qualifiedNameProblems(key));
    for (const [n, value] of values.entries()) {
      problems.invalidEach(`${at}.values[${n}]`, value, labelValueProblems(value));
    }
  }
  if (isEmpty(selector)) {
    problems.invalid('spec.selector', selector, `empty selector is invalid for ${kind}`);
  }
}

function selectorMatches(
  { matchLabels = {}, matchExpressions = [] }: LabelSelectorSpec,
  labels: Readonly<Record<string, string>>,
): boolean {
  const equal = Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
  return (
    equal &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      switch (operator) {
        case 'In':
          return value !== undefined && values.includes(value);
        case 'NotIn':
          return value === undefined || !values.includes(value);
        case 'Exists':
          return value !== undefined;
        default:
          return value === undefined;
      }
    })
  );
}
