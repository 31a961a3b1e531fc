/** The names of the API groups and keys that only an API server, or a kubelet, writes, in Kubernetes' own spelling. */
export const apiNames = {
  discoveryVersion: 'apidiscovery.k8s.io/v2',
  discoveryType: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
  discoveryGroup: 'apidiscovery.k8s.io',
  metaVersion: 'meta.k8s.io/v1',
  metaGroup: 'meta.k8s.io',
  authorization: 'authorization.k8s.io',
  authentication: 'authentication.k8s.io',
  rbac: 'rbac.authorization.k8s.io',
  events: 'events.k8s.io',
  /** On the bookmark that ends the objects a watch begins with. */
  initialEventsEnd: 'k8s.io/initial-events-end',
  /** The version of kube-proxy's configuration file. */
  kubeProxyVersion: 'kubeproxy.config.k8s.io/v1alpha1',
  /** What a service account's token says of it. */
  tokenClaim: 'kubernetes.io',
  /** What is on roles that an API server makes by itself. */
  bootstrapping: 'kubernetes.io/bootstrapping',
  /** Where a Pod finds the credentials of its service account. */
  serviceAccountFolder: '/var/run/secrets/kubernetes.io/serviceaccount',
  /** How connections to Pods are spoken over the API: streams of SPDY, by themselves or over a WebSocket. */
  portForward: 'portforward.k8s.io',
  portForwardTunnel: 'SPDY/3.1+portforward.k8s.io',
  /** One connection a WebSocket, as kubelets of any age have it. */
  portForwardChannels: 'v4.channel.k8s.io',
  /** The version of continue tokens. */
  continueVersion: 'meta.k8s.io/v1',
} as const;
