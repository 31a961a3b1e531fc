/** IngressClasses: which controller serves an Ingress. */
import {
  dnsSubdomainProblems,
  domainPrefixedPathProblems,
  ingressClassKind,
  type IngressClass,
} from '../kube/index.ts';
import { ingressClassShape } from './ingress-shapes.ts';
import type { Strategy } from './strategy.ts';

const maxControllerLength = 250;

export const ingressClassStrategy: Strategy<IngressClass> = {
  kind: ingressClassKind,
  shape: ingressClassShape,
  nameProblems: dnsSubdomainProblems,
  complete: ({ spec = {}, ...rest }) => {
    const { parameters } = spec;
    if (parameters === undefined) return { ...rest, spec };
    return { ...rest, spec: { ...spec, parameters: { scope: 'Cluster', ...parameters } } };
  },
  validate: ({ spec = {} }, stored, problems) => {
    const { controller = '', parameters } = spec;
    const at = 'spec.controller';
    if (stored !== undefined && stored.spec?.controller !== spec.controller) {
      problems.invalid(at, controller, 'field is immutable');
    }
    if (controller === '') problems.required(at);
    else if (controller.length > maxControllerLength) problems.tooLong(at, maxControllerLength);
    else problems.invalidEach(at, controller, domainPrefixedPathProblems(controller));
    if (parameters === undefined) return;
    if (parameters.kind === '') problems.required('spec.parameters.kind', 'kind is required');
    if (parameters.name === '') problems.required('spec.parameters.name', 'name is required');
    const { scope = '', namespace } = parameters;
    if (scope !== 'Cluster' && scope !== 'Namespace') {
      problems.notSupported('spec.parameters.scope', scope, ['Cluster', 'Namespace']);
    } else if (scope === 'Namespace' && (namespace ?? '') === '') {
      const why = "`parameters.scope` is set to 'Namespace'";
      problems.required('spec.parameters.namespace', why);
    } else if (scope === 'Cluster' && namespace !== undefined) {
      const why = "`parameters.scope` is set to 'Cluster'";
      problems.forbidden('spec.parameters.namespace', why);
    }
  },
  initialStatus: (ingressClass) => ingressClass,
};
