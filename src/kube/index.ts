/** Kubernetes' words: kinds, names, the ObjectClient and its refusals. */
export type {
  DeleteOptions,
  ListOptions,
  MergePatch,
  ObjectClient,
  ObjectList,
  PatchOptions,
  Preconditions,
  WatchEvent,
  WatchOptions,
} from './client.ts';
export {
  ApiError,
  apiErrors,
  isAlreadyExists,
  isConflict,
  isExpired,
  isInvalid,
  isNotFound,
} from './errors.ts';
export type { StatusCause, StatusReason } from './errors.ts';
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
export { apiVersionOf, nameOf, objectKey } from './object.ts';
export type { Kind, KubeObject, ObjectMeta, ObjectName } from './object.ts';
