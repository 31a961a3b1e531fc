/** What the EndpointSlices of a Service, and those that mirror hand-made Endpoints, say of whose they are. Pure. */
import {
  endpointSliceController,
  labels,
  mirroringController,
  wellKnownAnnotations,
  type Endpoints,
  type KubeObject,
  type OwnerReference,
  type Service,
} from '../kube/index.ts';
import type { SliceOwner } from './plan-slices.ts';

const maxEndpointsOfPods = 100;
/** As many as a subset may have. */
const maxMirrored = 1_000;

/** The Service's own labels, so that who selects it finds its slices, and those that say whose they are. */
export function ownerOfPods(service: Service): SliceOwner {
  const { metadata, spec } = service;
  return {
    name: metadata.name,
    namespace: metadata.namespace,
    labels: {
      ...metadata.labels,
      [labels.serviceName]: metadata.name,
      [labels.managedBy]: endpointSliceController,
      ...(spec?.clusterIP === 'None' ? { [labels.headless]: '' } : {}),
    },
    reference: referenceTo('Service', service),
    maxEndpoints: maxEndpointsOfPods,
    keepsOne: true,
  };
}

export function ownerOfMirrored(endpoints: Endpoints): SliceOwner {
  const { name, namespace, labels: own, annotations } = endpoints.metadata;
  const { [wellKnownAnnotations.lastApplied]: _applied, ...kept } = annotations ?? {};
  return {
    name,
    namespace,
    labels: { ...own, [labels.serviceName]: name, [labels.managedBy]: mirroringController },
    annotations: kept,
    reference: referenceTo('Endpoints', endpoints),
    maxEndpoints: maxMirrored,
    keepsOne: false,
  };
}

function referenceTo(kind: string, { metadata }: KubeObject): OwnerReference {
  const { name, uid = '' } = metadata;
  return { apiVersion: 'v1', kind, name, uid, controller: true, blockOwnerDeletion: true };
}
