/** Kubernetes' words: kinds, names, selectors, annotations, the ObjectClient, its refusals and its reflector. */
export { isHttpPort } from './app-protocols.ts';
export { annotations, formatReachedAt, readAnnotation } from './annotations.ts';
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
  WatchEvent,
  WatchOptions,
} from './client.ts';
export { ApiError, apiErrors, isAlreadyExists, isConflict, isNotFound } from './errors.ts';
export type { StatusCause } from './errors.ts';
export { fieldOf, formatValue, freezeCopy, isJsonArray, isJsonObject, jsonEqual } from './json.ts';
export type { JsonObject } from './json.ts';
export {
  endpointSliceKind,
  kinds,
  namespaceKind,
  nodeKind,
  podKind,
  serviceKind,
} from './kinds.ts';
export type {
  Container,
  EndpointSlice,
  Namespace,
  Node,
  Pod,
  PodCondition,
  Service,
  ServicePortSpec,
  ServiceSpec,
  SliceEndpoint,
  SlicePort,
} from './kinds.ts';
export { parseLabelSelector } from './label-selector.ts';
export { endpointSliceController, labels } from './labels.ts';
export { applyMergePatch, mergePatchFor } from './merge-patch.ts';
export {
  dnsLabelProblems,
  dnsSubdomainProblems,
  labelValueProblems,
  portNameProblems,
  qualifiedNameProblems,
} from './names.ts';
export { objectFilter } from './object-filter.ts';
export type { ObjectFilter } from './object-filter.ts';
export { apiVersionOf, isKubeObject, isOfKind, kindKey, nameOf, objectKey } from './object.ts';
export type { Kind, KubeObject, ObjectMeta, ObjectName } from './object.ts';
export {
  alreadyExists,
  conflict,
  forbidden,
  invalid,
  modifiedSince,
  notFound,
} from './refusals.ts';
export { createReflector } from './reflector.ts';
export type { ObjectEvent, Reflector } from './reflector.ts';
