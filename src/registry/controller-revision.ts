/** ControllerRevisions: states of an object that its controller keeps (pkg/apis/apps, Kubernetes 1.36). */
import {
  controllerRevisionKind,
  dnsSubdomainProblems,
  isJsonObject,
  jsonEqual,
  type ControllerRevision,
} from '../kube/index.ts';
import { validateNotNegative } from './pod-spec.ts';
import type { Strategy } from './strategy.ts';
import { controllerRevisionShape } from './workload-shapes.ts';

export const controllerRevisionStrategy: Strategy<ControllerRevision> = {
  kind: controllerRevisionKind,
  shape: controllerRevisionShape,
  nameProblems: dnsSubdomainProblems,
  complete: (revision) => revision,
  validate: ({ data, revision }, stored, problems) => {
    if (data === undefined || data === null) problems.required('data', 'data is mandatory');
    else if (!isJsonObject(data)) problems.wrongType('data', data, 'must be a map');
    validateNotNegative(revision, 'revision', problems);
    if (stored !== undefined && !jsonEqual(stored.data, data)) {
      problems.invalid('data', data, 'field is immutable');
    }
  },
  initialStatus: (revision) => revision,
};
