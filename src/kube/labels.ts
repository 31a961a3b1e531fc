/** The well-known labels that are read or written, in Kubernetes' own spelling. */

export const labels = {
  /** On EndpointSlices: the Service they belong to. */
  serviceName: 'kubernetes.io/service-name',
  /** On EndpointSlices: who maintains them. */
  managedBy: 'endpointslice.kubernetes.io/managed-by',
  /** On Endpoints: who maintains them. */
  endpointsManagedBy: 'endpoints.kubernetes.io/managed-by',
  /** On Endpoints: `true` keeps them from being mirrored to EndpointSlices. */
  skipMirror: 'endpointslice.kubernetes.io/skip-mirror',
  /** On EndpointSlices of headless Services, which no proxy forwards. */
  headless: 'service.kubernetes.io/headless',
  /** On Services that another proxy serves. */
  serviceProxyName: 'service.kubernetes.io/service-proxy-name',
  /** On IPAddresses: `IPv4` or `IPv6`. */
  ipAddressFamily: 'ipaddress.kubernetes.io/ip-family',
  /** On IPAddresses: who made them. */
  ipAddressManagedBy: 'ipaddress.kubernetes.io/managed-by',
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
  /** On ControllerRevisions: what their name ends in. */
  controllerRevision: 'controller.kubernetes.io/hash',
  /** On the Pods of a StatefulSet: which template they are of. */
  controllerRevisionHash: 'controller-revision-hash',
  /** On the Pods of a StatefulSet: their name, so that a Service can select one. */
  statefulSetPodName: 'statefulset.kubernetes.io/pod-name',
  /** On the Pods of a StatefulSet: their ordinal. */
  podIndex: 'apps.kubernetes.io/pod-index',
} as const;

/** Finalizers by which a deleted object waits for the garbage collector. */
export const garbageFinalizers = {
  /** Those it owns and that block it go first. */
  foreground: 'foregroundDeletion',
  /** Those it owns stay: their references to it go first. */
  orphan: 'orphan',
} as const;

/** In the spec of every Namespace: its content goes first. */
export const namespaceFinalizer = 'kubernetes';

/** Taints of Nodes that Pods tolerate for a while. */
export const nodeTaints = {
  notReady: 'node.kubernetes.io/not-ready',
  unreachable: 'node.kubernetes.io/unreachable',
  /** The cluster autoscaler is about to remove the Node. */
  toBeDeleted: 'ToBeDeletedByClusterAutoscaler',
} as const;

/** Kubernetes' own finalizers that are written. */
export const finalizers = {
  /** On ServiceCIDRs, while addresses of theirs are in use. */
  serviceCidr: 'networking.k8s.io/service-cidr-finalizer',
} as const;

/** Kubernetes' own annotations that are read or written. */
export const wellKnownAnnotations = {
  /** On Deployments and their ReplicaSets: which template came when, from 1. */
  revision: 'deployment.kubernetes.io/revision',
  /** On Endpoints: that some addresses had no room. */
  overCapacity: 'endpoints.kubernetes.io/over-capacity',
  /** On Endpoints: that they are a lock of a leader election, and no addresses. */
  leader: 'control-plane.alpha.kubernetes.io/leader',
  /** On any object: what kubectl applied last. */
  lastApplied: 'kubectl.kubernetes.io/last-applied-configuration',
  /** On ReplicaSets: how many Pods their Deployment wanted when it last scaled them. */
  desiredReplicas: 'deployment.kubernetes.io/desired-replicas',
  /** On ReplicaSets: how many it might have had at most then. */
  maxReplicas: 'deployment.kubernetes.io/max-replicas',
  /** On Pods: the cheaper go first when a ReplicaSet shrinks. */
  podDeletionCost: 'controller.kubernetes.io/pod-deletion-cost',
} as const;

/** The value of `labels.managedBy` on slices made from Pods, as Kubernetes' own controller writes it. */
export const endpointSliceController = 'endpointslice-controller.k8s.io';

/** The value of `labels.managedBy` on slices that stand for Pods of another cluster. */
export const clusterMirror = 'cluster-mirror.switchyard.dev';

/** The value of `labels.managedBy` on slices made from hand-made Endpoints. */
export const mirroringController = 'endpointslicemirroring-controller.k8s.io';

/** The value of `labels.endpointsManagedBy` on Endpoints made from Pods. */
export const endpointsController = 'endpoint-controller';
/** The value of `labels.ipAddressManagedBy` on IPAddresses of Services, as the real API server writes it. */
export const ipAllocator = 'ipallocator.k8s.io';
