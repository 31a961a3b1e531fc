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
import { configMapStrategy, secretStrategy } from './config-map.ts';
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

/** Objects of kinds that the registry does not serve pass. */
export function createObjectCheck(rules: EndpointSliceRules): ObjectCheck {
  const checks = new Map([
    checkOf(namespaceStrategy),
    checkOf(nodeStrategy),
    checkOf(podStrategy),
    checkOf(serviceRules),
    checkOf(createEndpointsStrategy(rules)),
    checkOf(createEndpointSliceStrategy(rules)),
    checkOf(serviceCidrStrategy),
    checkOf(ipAddressRules),
    checkOf(deploymentStrategy),
    checkOf(replicaSetStrategy),
    checkOf(statefulSetStrategy),
    checkOf(configMapStrategy),
    checkOf(secretStrategy),
    checkOf(leaseStrategy),
    checkOf(eventStrategy),
    checkOf(ingressStrategy),
    checkOf(ingressClassStrategy),
  ]);
  return (kind, value) => checks.get(kindKey(kind))?.(value);
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

function checkOf<T extends KubeObject>(
  strategy: Strategy<T>,
): readonly [string, (value: unknown) => ApiError | undefined] {
  const check = (value: unknown): ApiError | undefined => {
    try {
      inspectNew(strategy, value);
      return undefined;
    } catch (thrown) {
      if (thrown instanceof ApiError) return thrown;
      throw thrown;
    }
  };
  return [kindKey(strategy.kind), check];
}

function nameFound(value: unknown): string {
  const { name } = metadataOf(value);
  return typeof name === 'string' ? name : '';
}
