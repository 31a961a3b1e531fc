/** Service accounts, roles and bindings: what is said of who may do what (pkg/apis/rbac/validation, Kubernetes 1.36). */
import {
  apiNames,
  clusterRoleBindingKind,
  clusterRoleKind,
  dnsSubdomainProblems,
  jsonEqual,
  pathSegmentProblems,
  roleBindingKind,
  roleKind,
  serviceAccountKind,
  type Kind,
  type PolicyRule,
  type Role,
  type RoleBinding,
  type ServiceAccount,
} from '../kube/index.ts';
import { roleBindingShape, roleShape, serviceAccountShape } from './access-shapes.ts';
import type { Problems } from './problems.ts';
import type { Strategy } from './strategy.ts';

export const serviceAccountStrategy: Strategy<ServiceAccount> = {
  kind: serviceAccountKind,
  shape: serviceAccountShape,
  nameProblems: dnsSubdomainProblems,
  complete: (account) => account,
  validate: () => undefined,
  initialStatus: (account) => account,
};

export const roleStrategy = strategyOfRole(roleKind);
export const clusterRoleStrategy = strategyOfRole(clusterRoleKind);
export const roleBindingStrategy = strategyOfBinding(roleBindingKind);
export const clusterRoleBindingStrategy = strategyOfBinding(clusterRoleBindingKind);

function strategyOfRole(kind: Kind<Role>): Strategy<Role> {
  return {
    kind,
    shape: roleShape,
    nameProblems: pathSegmentProblems,
    complete: (role) => role,
    validate: ({ rules }, _stored, problems) => {
      for (const [i, rule] of (rules ?? []).entries()) {
        validateRule(rule, { at: `rules[${i}]`, isNamespaced: kind.namespaced, problems });
      }
    },
    initialStatus: (role) => role,
  };
}

interface RuleContext {
  readonly at: string;
  readonly isNamespaced: boolean;
  readonly problems: Problems;
}

function validateRule(rule: PolicyRule, { at, isNamespaced, problems }: RuleContext): void {
  const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  if (verbs.length === 0) {
    problems.required(`${at}.verbs`, 'verbs must contain at least one value');
  }
  if (nonResourceURLs.length > 0) {
    const field = `${at}.nonResourceURLs`;
    if (isNamespaced) {
      const why = 'namespaced rules cannot apply to non-resource URLs';
      problems.invalid(field, nonResourceURLs, why);
    }
    if (apiGroups.length + resources.length + resourceNames.length > 0) {
      const why = 'rules cannot apply to both regular resources and non-resource URLs';
      problems.invalid(field, nonResourceURLs, why);
    }
    return;
  }
  if (apiGroups.length === 0) {
    problems.required(`${at}.apiGroups`, 'resource rules must supply at least one api group');
  }
  if (resources.length === 0) {
    problems.required(`${at}.resources`, 'resource rules must supply at least one resource');
  }
}

function strategyOfBinding(kind: Kind<RoleBinding>): Strategy<RoleBinding> {
  return {
    kind,
    shape: roleBindingShape,
    nameProblems: pathSegmentProblems,
    complete: completeBinding,
    validate: (binding, stored, problems) => {
      if (stored !== undefined && !jsonEqual(stored.roleRef, binding.roleRef)) {
        problems.invalid('roleRef', binding.roleRef, 'cannot change roleRef');
      }
      validateRoleRef(binding, kind, problems);
      for (const i of (binding.subjects ?? []).keys()) validateSubject(binding, i, problems);
    },
    initialStatus: (binding) => binding,
  };
}

const unnamed = { kind: '', name: '' } as const;

function completeBinding(binding: RoleBinding): RoleBinding {
  // What was sent may lack even the reference: then validation asks for its parts.
  const { subjects } = binding;
  return {
    ...binding,
    roleRef: { apiGroup: apiNames.rbac, ...unnamed, ...binding.roleRef },
    ...(subjects === undefined
      ? {}
      : {
          subjects: subjects.map((subject) =>
            subject.kind === 'User' || subject.kind === 'Group'
              ? { apiGroup: apiNames.rbac, ...subject }
              : subject,
          ),
        }),
  };
}

function validateRoleRef(
  { roleRef: { apiGroup = '', kind, name } }: RoleBinding,
  of: Kind,
  problems: Problems,
): void {
  if (apiGroup !== apiNames.rbac) {
    problems.notSupported('roleRef.apiGroup', apiGroup, [apiNames.rbac]);
  }
  const roles = of.namespaced ? ['ClusterRole', 'Role'] : ['ClusterRole'];
  if (!roles.includes(kind)) problems.notSupported('roleRef.kind', kind, roles);
  if (name === '') problems.required('roleRef.name');
  else problems.invalidEach('roleRef.name', name, pathSegmentProblems(name));
}

function validateSubject({ subjects = [] }: RoleBinding, i: number, problems: Problems): void {
  const { kind = '', apiGroup = '', name = '', namespace = '' } = subjects[i] ?? {};
  const at = `subjects[${i}]`;
  if (name === '') problems.required(`${at}.name`);
  switch (kind) {
    case 'ServiceAccount':
      if (name !== '') problems.invalidEach(`${at}.name`, name, dnsSubdomainProblems(name));
      if (apiGroup !== '') problems.notSupported(`${at}.apiGroup`, apiGroup, ['']);
      if (namespace === '') problems.required(`${at}.namespace`);
      return;
    case 'User':
    case 'Group':
      if (apiGroup !== apiNames.rbac) {
        problems.notSupported(`${at}.apiGroup`, apiGroup, [apiNames.rbac]);
      }
      return;
    default:
      problems.notSupported(`${at}.kind`, kind, ['ServiceAccount', 'User', 'Group']);
  }
}
