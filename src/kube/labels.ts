/** The well-known labels that are read or written, in Kubernetes' own spelling. */

export const labels = {
  /** On EndpointSlices: the Service they belong to. */
  serviceName: 'kubernetes.io/service-name',
  /** On EndpointSlices: who maintains them. */
  managedBy: 'endpointslice.kubernetes.io/managed-by',
  /** On EndpointSlices of headless Services, which no proxy forwards. */
  headless: 'service.kubernetes.io/headless',
  /** On Services that another proxy serves. */
  serviceProxyName: 'service.kubernetes.io/service-proxy-name',
  /** On Nodes. */
  zone: 'topology.kubernetes.io/zone',
  /** On Nodes. */
  hostname: 'kubernetes.io/hostname',
  /** On Nodes: what begins a key that gives a role. */
  nodeRolePrefix: 'node-role.kubernetes.io/',
  /** On Namespaces, set by the API server to their name. */
  namespaceName: 'kubernetes.io/metadata.name',
  /** On the ReplicaSets of a Deployment and on their Pods: which template they are of. */
  podTemplateHash: 'pod-template-hash',
  /** On the Pods of a StatefulSet: which template they are of. */
  controllerRevisionHash: 'controller-revision-hash',
  /** On the Pods of a StatefulSet: their name, so that a Service can select one. */
  statefulSetPodName: 'statefulset.kubernetes.io/pod-name',
  /** On the Pods of a StatefulSet: their ordinal. */
  podIndex: 'apps.kubernetes.io/pod-index',
} as const;

/** Kubernetes' own annotations that are read or written. */
export const wellKnownAnnotations = {
  /** On Deployments and their ReplicaSets: which template came when, from 1. */
  revision: 'deployment.kubernetes.io/revision',
  /** On Pods: the cheaper go first when a ReplicaSet shrinks. */
  podDeletionCost: 'controller.kubernetes.io/pod-deletion-cost',
} as const;

/** The value of `labels.managedBy` on slices made from Pods, as Kubernetes' own controller writes it. */
export const endpointSliceController = 'endpointslice-controller.k8s.io';
