/** The pure part of a write: from unknown JSON to an object that may be stored, or the API's refusal. */
import {
  ApiError,
  apiVersionOf,
  invalid,
  isJsonObject,
  isKubeObject,
  isOfKind,
  kindKey,
  kinds,
  type JsonObject,
  type Kind,
  type KubeObject,
} from '../kube/index.ts';
import {
  clusterRoleBindingStrategy,
  clusterRoleStrategy,
  roleBindingStrategy,
  roleStrategy,
  serviceAccountStrategy,
} from './access.ts';
import { configMapStrategy, secretStrategy } from './config-map.ts';
import { controllerRevisionStrategy } from './controller-revision.ts';
import { deploymentStrategy } from './deployment.ts';
import { createEndpointSliceStrategy, type EndpointSliceRules } from './endpoint-slice.ts';
import { createEndpointsStrategy } from './endpoints.ts';
import { eventStrategy } from './event.ts';
import { ingressClassStrategy } from './ingress-class.ts';
import { ingressStrategy } from './ingress.ts';
import { ipAddressRules } from './ip-address.ts';
import { leaseStrategy } from './lease.ts';
import { validateMetadata, validateMetadataChange } from './metadata.ts';
import { namespaceStrategy } from './namespace.ts';
import { nodeStrategy } from './node.ts';
import { podStrategy } from './pod.ts';
import { Problems } from './problems.ts';
import { replicaSetStrategy } from './replica-set.ts';
import { serviceCidrStrategy } from './service-cidr.ts';
import { serviceRules } from './service.ts';
import { decodeShape } from './shape.ts';
import { statefulSetStrategy } from './stateful-set.ts';
import type { Strategy } from './strategy.ts';

/** Says what is wrong with an object of a kind, ranges and namespaces apart; undefined when nothing is. */
export type ObjectCheck = (kind: Kind, value: unknown) => ApiError | undefined;

/** An object as the rules read it: without nulls, empty where a field must be; undefined when types are wrong. */
export type ObjectDecoder = (kind: Kind, value: unknown) => KubeObject | undefined;

/** Objects of kinds that the registry does not serve pass. */
export function createObjectCheck(rules: EndpointSliceRules): ObjectCheck {
  const inspectors = createInspectors(rules);
  return (kind, value) => inspectors.get(kindKey(kind))?.check(value);
}

export function createObjectDecoder(rules: EndpointSliceRules): ObjectDecoder {
  const inspectors = createInspectors(rules);
  return (kind, value) => inspectors.get(kindKey(kind))?.decode(value);
}

/** What is asked of one kind, by whoever need not know its type. */
interface Inspector {
  check(value: unknown): ApiError | undefined;
  decode(value: unknown): KubeObject | undefined;
}

function createInspectors(rules: EndpointSliceRules): ReadonlyMap<string, Inspector> {
  return new Map([
    inspectorOf(namespaceStrategy),
    inspectorOf(nodeStrategy),
    inspectorOf(podStrategy),
    inspectorOf(serviceRules),
    inspectorOf(createEndpointsStrategy(rules)),
    inspectorOf(createEndpointSliceStrategy(rules)),
    inspectorOf(serviceCidrStrategy),
    inspectorOf(ipAddressRules),
    inspectorOf(deploymentStrategy),
    inspectorOf(replicaSetStrategy),
    inspectorOf(statefulSetStrategy),
    inspectorOf(controllerRevisionStrategy),
    inspectorOf(configMapStrategy),
    inspectorOf(secretStrategy),
    inspectorOf(leaseStrategy),
    inspectorOf(eventStrategy),
    inspectorOf(ingressStrategy),
    inspectorOf(ingressClassStrategy),
    inspectorOf(serviceAccountStrategy),
    inspectorOf(roleStrategy),
    inspectorOf(roleBindingStrategy),
    inspectorOf(clusterRoleStrategy),
    inspectorOf(clusterRoleBindingStrategy),
  ]);
}

/** An object to be made, completed. Throws Invalid, or BadRequest for another kind. */
export function inspectNew<T extends KubeObject>(strategy: Strategy<T>, value: unknown): T {
  const decoded = decodeObject(strategy, value);
  const object = strategy.initialStatus(strategy.complete(decoded, undefined));
  return approved(strategy, object, undefined);
}

/** What a stored object is to become, completed. Throws Invalid. */
export function inspectUpdate<T extends KubeObject>(
  strategy: Strategy<T>,
  decoded: T,
  stored: T,
): T {
  return approved(strategy, strategy.complete(decoded, stored), stored);
}

/** Narrows to the kind. Throws Invalid for fields of the wrong type, BadRequest for another kind. */
export function decodeObject<T extends KubeObject>(strategy: Strategy<T>, value: unknown): T {
  const { kind, shape } = strategy;
  const problems = new Problems();
  const whole = isJsonObject(value)
    ? {
        ...value,
        apiVersion: value['apiVersion'] ?? apiVersionOf(kind),
        kind: value['kind'] ?? kind.kind,
        metadata: value['metadata'] ?? {},
      }
    : value;
  const decoded = decodeShape(whole, shape, '', problems);
  if (problems.causes.length > 0) throw invalid(kind, nameFound(value), problems.causes);
  if (!isKubeObject(decoded) || !isOfKind(kind, decoded)) {
    throw wrongKind(kind, decoded);
  }
  return decoded;
}

function wrongKind(kind: Kind, found: unknown): ApiError {
  const remedy = `Set kind: ${kind.kind} and apiVersion: ${apiVersionOf(kind)}`;
  const other = kinds.find((known) => isKubeObject(found) && isOfKind(known, found));
  if (other === undefined) {
    const why = `the object provided is unrecognized (must be of type ${kind.kind})`;
    return new ApiError('BadRequest', why, { remedy });
  }
  // The words of Go's types: one package a version outside, one a group inside.
  const inside = kind.group === '' ? 'core' : (kind.group.split('.')[0] ?? '');
  const conversion = `converting (${other.version}.${other.kind}) to (${inside}.${kind.kind}): unknown conversion`;
  const why = `${other.kind} in version ${JSON.stringify(apiVersionOf(other))} cannot be handled as a ${kind.kind}: ${conversion}`;
  return new ApiError('BadRequest', why, { remedy });
}

/** Empty when the value has no metadata. */
export function metadataOf(value: unknown): JsonObject {
  const metadata = isJsonObject(value) ? value['metadata'] : undefined;
  return isJsonObject(metadata) ? metadata : {};
}

function approved<T extends KubeObject>(
  strategy: Strategy<T>,
  object: T,
  stored: T | undefined,
): T {
  const problems = new Problems();
  validateMetadata(object, strategy, problems);
  if (stored !== undefined) {
    validateMetadataChange(object.metadata, stored.metadata, problems);
  }
  strategy.validate(object, stored, problems);
  if (problems.causes.length === 0) return object;
  throw invalid(strategy.kind, nameFound(object), problems.causes);
}

function inspectorOf<T extends KubeObject>(strategy: Strategy<T>): readonly [string, Inspector] {
  const inspector: Inspector = {
    check: (value) => refusalOf(() => inspectNew(strategy, value)).refused,
    decode: (value) => refusalOf(() => decodeObject(strategy, value)).object,
  };
  return [kindKey(strategy.kind), inspector];
}

function refusalOf(make: () => KubeObject): {
  readonly object?: KubeObject;
  readonly refused?: ApiError;
} {
  try {
    return { object: make() };
  } catch (thrown) {
    if (thrown instanceof ApiError) return { refused: thrown };
    throw thrown;
  }
}

function nameFound(value: unknown): string {
  const { name } = metadataOf(value);
  return typeof name === 'string' ? name : '';
}
