/** Every kind served; adding one is adding it here and giving it a file in registry/. */
import {
  clusterRoleBindingKind,
  clusterRoleKind,
  roleBindingKind,
  roleKind,
  serviceAccountKind,
} from './access-kinds.ts';
import { ingressClassKind, ingressKind } from './ingress-kinds.ts';
import { endpointSliceKind, namespaceKind, nodeKind, podKind, serviceKind } from './kinds.ts';
import type { Kind } from './object.ts';
import { endpointsKind, ipAddressKind, serviceCidrKind } from './service-network-kinds.ts';
import { configMapKind, leaseKind, secretKind } from './stored-kinds.ts';
import {
  controllerRevisionKind,
  deploymentKind,
  eventKind,
  replicaSetKind,
  statefulSetKind,
} from './workload-kinds.ts';

export const kinds: readonly Kind[] = [
  namespaceKind,
  nodeKind,
  deploymentKind,
  replicaSetKind,
  statefulSetKind,
  controllerRevisionKind,
  podKind,
  serviceKind,
  endpointsKind,
  endpointSliceKind,
  configMapKind,
  secretKind,
  leaseKind,
  eventKind,
  ingressKind,
  ingressClassKind,
  serviceCidrKind,
  ipAddressKind,
  serviceAccountKind,
  roleKind,
  roleBindingKind,
  clusterRoleKind,
  clusterRoleBindingKind,
];
