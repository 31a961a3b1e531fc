/** Namespaces: their name as a label, and their phase. */
import {
  dnsLabelProblems,
  labels as wellKnown,
  namespaceKind,
  type Namespace,
} from '../kube/index.ts';
import { namespaceShape } from './shapes.ts';
import type { Strategy } from './strategy.ts';

export const namespaceStrategy: Strategy<Namespace> = {
  kind: namespaceKind,
  shape: namespaceShape,
  nameProblems: dnsLabelProblems,
  complete: (namespace) => {
    const { name, labels } = namespace.metadata;
    // The label is the API server's: it selects a Namespace by name, whatever else was asked for.
    const named = { ...labels, [wellKnown.namespaceName]: name };
    return { ...namespace, metadata: { ...namespace.metadata, labels: named } };
  },
  validate: () => undefined,
  initialStatus: (namespace) => ({ ...namespace, status: { phase: 'Active' } }),
};
