/** What each command follows of a cluster, and how little of it is kept: memory is that of what is read. */
import {
  annotations,
  endpointSliceKind,
  isOfKind,
  labels,
  namespaceKind,
  nodeKind,
  podKind,
  serviceCidrKind,
  serviceKind,
  type EndpointSlice,
  type KubeObject,
  type Node,
  type Pod,
  type Service,
} from '../kube/index.ts';
import { reduceMetadata } from './arriving.ts';
import type { Reading } from './cluster-client.ts';
import type { Following } from './mirror.ts';

export interface Followings {
  readonly following: readonly Following[];
  readonly readings: readonly Reading[];
}

/** kube-proxy's selection: not what another proxy claims, and no slices of headless Services. */
export function proxyFollowings(node: string): Followings {
  return {
    following: [
      {
        kind: serviceKind,
        options: {
          labelSelector: `!${labels.serviceProxyName}`,
          fieldSelector: 'spec.clusterIP!=None',
        },
      },
      { kind: endpointSliceKind, options: { labelSelector: `!${labels.headless}` } },
      { kind: podKind, options: { labelSelector: annotations.weight.key } },
      { kind: nodeKind, options: { fieldSelector: `metadata.name=${node}` } },
      { kind: serviceCidrKind },
    ],
    readings: [
      { kind: serviceKind, reduce: reduceAny },
      { kind: endpointSliceKind, reduce: reduceSlice },
      { kind: podKind, reduce: metadataOf, metadataOnly: true },
      { kind: nodeKind, reduce: reduceNode },
      { kind: serviceCidrKind, reduce: reduceAny },
    ],
  };
}

/** What `proxy` follows but its Node; Secrets are watched by those who read them, and kept nowhere. */
export function gatewayFollowings(): Followings {
  const { following, readings } = proxyFollowings('');
  const kinds: readonly string[] = [serviceKind, endpointSliceKind, podKind].map(
    (kind) => kind.plural,
  );
  return {
    following: following.filter(({ kind }) => kinds.includes(kind.plural)),
    readings: readings.filter(({ kind }) => kinds.includes(kind.plural)),
  };
}

export const dnsFollowings: Followings = {
  following: [serviceKind, endpointSliceKind, namespaceKind, podKind].map((kind) => ({ kind })),
  readings: [
    { kind: serviceKind, reduce: reduceNamedService },
    { kind: endpointSliceKind, reduce: reduceNamedSlice },
    { kind: namespaceKind, reduce: metadataOf, metadataOnly: true },
    { kind: podKind, reduce: reducePod },
  ],
};

/** Of one namespace what a laptop makes its own of. */
export function nearFollowings(namespace: string): Followings {
  return {
    following: [serviceKind, endpointSliceKind].map((kind) => ({ kind, options: { namespace } })),
    readings: [
      { kind: serviceKind, reduce: reduceAny },
      { kind: endpointSliceKind, reduce: reduceSlice },
    ],
  };
}

/** Every annotation that somebody here reads. */
const keptAnnotations: ReadonlySet<string> = new Set(
  Object.values(annotations).flatMap(({ key, synonyms }) => [key, ...synonyms]),
);

function reduceAny(object: KubeObject): KubeObject {
  return reduceMetadata(object, (key) => keptAnnotations.has(key));
}

function metadataOf(object: KubeObject): KubeObject {
  const { apiVersion, kind, metadata } = reduceAny(object);
  return { apiVersion, kind, metadata };
}

/** Nobody asks who owns a slice, and its labels are two. */
function reduceSlice(object: KubeObject): KubeObject {
  const reduced = reduceAny(object);
  const {
    ownerReferences: _owners,
    generateName: _name,
    labels: all = {},
    ...metadata
  } = reduced.metadata;
  const kept = Object.entries(all).filter(
    ([key]) => key === labels.serviceName || key === labels.headless,
  );
  return { ...reduced, metadata: { ...metadata, labels: Object.fromEntries(kept) } };
}

/** What tells one object from another and from its next version; nobody asks a name about more. */
function reduceNamed({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
  };
}

/** What a Service's records are made of. */
function reduceNamedService(object: KubeObject): KubeObject {
  if (!isOfKind(serviceKind, object)) return object;
  const { type, clusterIP, clusterIPs, externalName, ports = [] } = object.spec ?? {};
  const reduced: Service = {
    ...reduceNamed(object),
    spec: {
      ...(type === undefined ? {} : { type }),
      ...(clusterIP === undefined ? {} : { clusterIP }),
      ...(clusterIPs === undefined ? {} : { clusterIPs }),
      ...(externalName === undefined ? {} : { externalName }),
      ports: ports.map(({ name, protocol, port }) => ({
        ...(name === undefined ? {} : { name }),
        ...(protocol === undefined ? {} : { protocol }),
        port,
      })),
    },
  };
  return reduced;
}

/** Of an endpoint that is ready its address and name; whose one that is not is, says why a name is missing. */
function reduceNamedSlice(object: KubeObject): KubeObject {
  if (!isOfKind(endpointSliceKind, object)) return object;
  const named = reduceNamed(object);
  const owner = object.metadata.labels?.[labels.serviceName];
  const { addressType, ports, endpoints } = object;
  const reduced: EndpointSlice = {
    ...named,
    metadata: {
      ...named.metadata,
      ...(owner === undefined ? {} : { labels: { [labels.serviceName]: owner } }),
    },
    addressType,
    ...(ports === undefined ? {} : { ports }),
    endpoints: (endpoints ?? []).map(({ addresses, hostname, conditions, targetRef }) => ({
      addresses,
      ...(hostname === undefined ? {} : { hostname }),
      ...(conditions?.ready === false
        ? { conditions, ...(targetRef === undefined ? {} : { targetRef }) }
        : {}),
    })),
  };
  return reduced;
}

function reduceNode(object: KubeObject): KubeObject {
  if (!isOfKind(nodeKind, object)) return object;
  const { spec = {}, status = {} } = object;
  const { taints = [], podCIDRs } = spec;
  const { addresses = [] } = status;
  const reduced: Node = {
    ...metadataOf(object),
    spec: { taints, ...(podCIDRs === undefined ? {} : { podCIDRs }) },
    status: { addresses },
  };
  return reduced;
}

/** What a Pod's address and readiness say. */
function reducePod(object: KubeObject): KubeObject {
  if (!isOfKind(podKind, object)) return object;
  const { phase, podIP, podIPs, conditions = [] } = object.status ?? {};
  const ready = conditions.filter(({ type }) => type === 'Ready');
  const status = {
    ...(phase === undefined ? {} : { phase }),
    ...(podIP === undefined ? {} : { podIP }),
    ...(podIPs === undefined ? {} : { podIPs }),
    conditions: ready,
  };
  const reduced: Pod = { ...metadataOf(object), status };
  return reduced;
}
