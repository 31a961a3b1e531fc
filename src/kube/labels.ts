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
  /** On Namespaces, set by the API server to their name. */
  namespaceName: 'kubernetes.io/metadata.name',
} as const;

/** The value of `labels.managedBy` on slices made from Pods, as Kubernetes' own controller writes it. */
export const endpointSliceController = 'endpointslice-controller.k8s.io';
