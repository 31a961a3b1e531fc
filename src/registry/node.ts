/** Nodes: whoever registers one says its status too. */
import { dnsSubdomainProblems, nodeKind, type Node } from '../kube/index.ts';
import { nodeShape } from './shapes.ts';
import type { Strategy } from './strategy.ts';

export const nodeStrategy: Strategy<Node> = {
  kind: nodeKind,
  shape: nodeShape,
  nameProblems: dnsSubdomainProblems,
  complete: (node) => node,
  validate: () => undefined,
  initialStatus: (node) => node,
};
