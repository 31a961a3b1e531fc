/** Kubernetes' words: kinds, names, selectors, annotations, the ObjectClient, its refusals and its reflector. */
export {
  clusterRoleBindingKind,
  clusterRoleKind,
  roleBindingKind,
  roleKind,
  serviceAccountKind,
} from './access-kinds.ts';
export type { PolicyRule, Role, RoleBinding, ServiceAccount } from './access-kinds.ts';
export { backendProtocol, isHttpPort, isHttpsPort } from './app-protocols.ts';
export { annotations, formatReachedAt, ownPrefix, readAnnotation } from './annotations.ts';
export type { AnnotationSpec } from './annotations.ts';
export type { AffinityKind, BalanceMode } from './service-annotations.ts';
export type { ReachedAt } from './annotations.ts';
export type {
  DeleteOptions,
  ListOptions,
  MergePatch,
  ObjectClient,
  ObjectList,
  PatchOptions,
  Preconditions,
  PropagationPolicy,
  WatchEvent,
  WatchOptions,
} from './client.ts';
export {
  ApiError,
  apiErrors,
  isAlreadyExists,
  isConflict,
  isExpired,
  isNotFound,
} from './errors.ts';
export type { ApiErrorOptions, StatusCause, StatusReason, StatusSubject } from './errors.ts';
export { createEventRecorder } from './event-recorder.ts';
export type { EventRecorder, Happening } from './event-recorder.ts';
export { ingressClassKind, ingressKind } from './ingress-kinds.ts';
export type { Ingress, IngressBackend, IngressClass, IngressPath } from './ingress-kinds.ts';
export { fieldOf, formatValue, freezeCopy, isJsonArray, isJsonObject, jsonEqual } from './json.ts';
export type { JsonObject } from './json.ts';
export { endpointSliceKind, namespaceKind, nodeKind, podKind, serviceKind } from './kinds.ts';
export type {
  Condition,
  Container,
  ContainerState,
  ContainerStatus,
  EndpointSlice,
  HttpGetAction,
  LifecycleHandler,
  Namespace,
  Node,
  Pod,
  PodCondition,
  PodSpec,
  Probe,
  Service,
  ServicePortSpec,
  ServiceSpec,
  SliceEndpoint,
  SlicePort,
  Toleration,
} from './kinds.ts';
export { parseLabelSelector } from './label-selector.ts';
export {
  endpointsController,
  endpointSliceController,
  finalizers,
  garbageFinalizers,
  ipAllocator,
  labels,
  clusterMirror,
  mirroringController,
  namespaceFinalizer,
  nodeTaints,
  wellKnownAnnotations,
} from './labels.ts';
export { applyMergePatch, mergePatchFor } from './merge-patch.ts';
export {
  dnsLabelProblems,
  dnsSubdomainProblems,
  domainPrefixedPathProblems,
  labelValueProblems,
  pathSegmentProblems,
  portNameProblems,
  qualifiedNameProblems,
} from './names.ts';
export { shownMetadata, shownTail, storedText } from './object-text.ts';
export { objectFilter } from './object-filter.ts';
export type { ObjectFilter } from './object-filter.ts';
export {
  apiVersionOf,
  isKubeObject,
  isLeaving,
  isOfKind,
  kindKey,
  nameOf,
  objectKey,
  qualifiedKindOf,
  resourceOf,
  sameSpec,
} from './object.ts';
export type {
  Kind,
  KubeObject,
  ManagedFieldsEntry,
  ObjectMeta,
  ObjectName,
  OwnerReference,
} from './object.ts';
export {
  alreadyExists,
  conflict,
  forbidden,
  invalid,
  modifiedSince,
  notFound,
  notStored,
  preconditionFailed,
} from './refusals.ts';
export { kinds } from './served.ts';
export { configMapKind, leaseKind, secretKind, tlsSecretType } from './stored-kinds.ts';
export type { ConfigMap, Lease, Secret } from './stored-kinds.ts';
export {
  controllerRevisionKind,
  deploymentKind,
  eventKind,
  replicaSetKind,
  statefulSetKind,
} from './workload-kinds.ts';
export type {
  ControllerRevision,
  Deployment,
  DeploymentSpec,
  DeploymentStatus,
  Event,
  LabelSelectorSpec,
  PodTemplate,
  ReplicaSet,
  StatefulSet,
} from './workload-kinds.ts';
export { endpointsKind, ipAddressKind, serviceCidrKind } from './service-network-kinds.ts';
export type {
  EndpointAddress,
  EndpointPort,
  Endpoints,
  EndpointSubset,
  IpAddress,
  ServiceCidr,
} from './service-network-kinds.ts';
export { schemaKinds, schemaOf } from './schema/definitions.ts';
export type {
  AnySchema,
  GroupVersionKind,
  ListSchema,
  MapSchema,
  ObjectSchema,
  PatchRules,
  ScalarSchema,
  ScalarType,
  Schema,
} from './schema/schema.ts';
export { strictProblems } from './schema/strict-problems.ts';
export { unknownFields, withoutUnknownFields } from './schema/unknown-fields.ts';
export type { UnknownField } from './schema/unknown-fields.ts';
export { goText } from './schema/go-types.ts';
export { fitsSchema, wrongType } from './schema/wrong-type.ts';
export type { WrongType } from './schema/wrong-type.ts';
export { createReflector } from './reflector.ts';
export type { ObjectEvent, Reflector } from './reflector.ts';
export { formatTimestamp } from './timestamp.ts';
export { apiNames } from './api-names.ts';
