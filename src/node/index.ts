/** The embedded node: Pods as addresses or host processes. */
export { createEmbeddedNode } from './embedded-node.ts';
export type { EmbeddedNode, NodeEstate } from './embedded-node.ts';
export type { AdoptedPod } from './held-pods.ts';
export type { PodNetwork, PodPlace } from './pod-places.ts';
export { nodeErrors } from './errors.ts';
