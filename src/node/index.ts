/** The embedded node: Pods as addresses or host processes. */
export { createEmbeddedNode } from './embedded-node.ts';
export type { EmbeddedNode } from './embedded-node.ts';
export { nodeErrors } from './errors.ts';
