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
  type KubeObject,
  type Node,
  type Pod,
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

export const dnsFollowings: Followings = {
  following: [serviceKind, endpointSliceKind, namespaceKind, podKind].map((kind) => ({ kind })),
  readings: [
    { kind: serviceKind, reduce: reduceAny },
    { kind: endpointSliceKind, reduce: reduceSlice },
    { kind: namespaceKind, reduce: metadataOf, metadataOnly: true },
    { kind: podKind, reduce: reducePod },
  ],
};

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

function reduceNode(object: KubeObject): KubeObject {
  if (!isOfKind(nodeKind, object)) return object;
  const { spec = {}, status = {} } = object;
  const { taints = [] } = spec;
  const { addresses = [] } = status;
  const reduced: Node = { ...metadataOf(object), spec: { taints }, status: { addresses } };
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
