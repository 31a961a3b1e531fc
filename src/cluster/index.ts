/** Somebody else's Kubernetes API: the way in, its objects, and what is kept of them. */
export { createClusterClient } from './cluster-client.ts';
export type { ClusterClient, ClusterClientOptions, Reading } from './cluster-client.ts';
export type { ClusterAccess, Credentials } from './access.ts';
export { ClusterError, clusterErrors } from './errors.ts';
export { openAccess } from './open-access.ts';
export type { AccessOptions, InCluster } from './open-access.ts';
