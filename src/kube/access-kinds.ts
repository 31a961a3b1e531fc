/** Who may do what: service accounts, roles and the bindings that give one to the other. */
import { apiNames } from './api-names.ts';
import type { Kind, KubeObject } from './object.ts';

export interface ServiceAccount extends KubeObject {
  readonly secrets?: readonly { readonly name?: string }[];
  readonly imagePullSecrets?: readonly { readonly name?: string }[];
  readonly automountServiceAccountToken?: boolean;
}

export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

export interface Role extends KubeObject {
  readonly rules?: readonly PolicyRule[] | null;
}

export interface RoleRef {
  readonly apiGroup?: string;
  readonly kind: string;
  readonly name: string;
}

export interface Subject {
  /** `User`, `Group` or `ServiceAccount`. */
  readonly kind: string;
  readonly apiGroup?: string;
  readonly name: string;
  readonly namespace?: string;
}

export interface RoleBinding extends KubeObject {
  readonly subjects?: readonly Subject[];
  readonly roleRef: RoleRef;
}

export const serviceAccountKind: Kind<ServiceAccount> = {
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  namespaced: true,
};

const ofAccess = { group: apiNames.rbac, version: 'v1' } as const;

export const roleKind: Kind<Role> = {
  ...ofAccess,
  kind: 'Role',
  plural: 'roles',
  namespaced: true,
};

export const roleBindingKind: Kind<RoleBinding> = {
  ...ofAccess,
  kind: 'RoleBinding',
  plural: 'rolebindings',
  namespaced: true,
};

/** Its rules count in every namespace. */
export const clusterRoleKind: Kind<Role> = {
  ...ofAccess,
  kind: 'ClusterRole',
  plural: 'clusterroles',
  namespaced: false,
};

export const clusterRoleBindingKind: Kind<RoleBinding> = {
  ...ofAccess,
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  namespaced: false,
};
