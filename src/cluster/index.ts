/** Somebody else's Kubernetes API: the way in, its objects, and what is kept of them. */
export { createClusterClient } from './cluster-client.ts';
export type { ClusterClient, ClusterClientOptions, Reading } from './cluster-client.ts';
export type { ClusterAccess, Credentials } from './access.ts';
export { ClusterError, clusterErrors } from './errors.ts';
export { openAccess } from './open-access.ts';
export type { AccessOptions, InCluster } from './open-access.ts';
export { createKeptState } from './kept-state.ts';
export type { KeptState, KeptSubject } from './kept-state.ts';
export { createMirror } from './mirror.ts';
export type { Following, Mirror } from './mirror.ts';
export { dnsFollowings, proxyFollowings } from './followings.ts';
export type { Followings } from './followings.ts';
export { parseKubeProxyConfig } from './kube-proxy-config.ts';
export type { ConfigNote, KubeProxyConfig } from './kube-proxy-config.ts';
export { createNodeFollower } from './node-follower.ts';
export type { NodeFollower } from './node-follower.ts';
export { ProxyHealth } from './proxy-health.ts';
export { createServiceHealth } from './service-health.ts';
