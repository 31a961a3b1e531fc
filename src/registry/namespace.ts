/** Namespaces: their name as a label, and their phase. */
import {
  dnsLabelProblems,
  isLeaving,
  labels as wellKnown,
  namespaceFinalizer,
  namespaceKind,
  type Namespace,
} from '../kube/index.ts';
import { namespaceShape } from './shapes.ts';
import type { Strategy } from './strategy.ts';

export const namespaceStrategy: Strategy<Namespace> = {
  kind: namespaceKind,
  shape: namespaceShape,
  nameProblems: dnsLabelProblems,
  complete: (namespace, stored) => {
    const { name, labels } = namespace.metadata;
    // The label is the API server's: it selects a Namespace by name, whatever else was asked for.
    const named = { ...labels, [wellKnown.namespaceName]: name };
    // What a Namespace holds goes first: nobody takes that off one that is not on its way out.
    const { finalizers = [] } = (stored ?? namespace).spec ?? {};
    const spec =
      stored === undefined
        ? { finalizers: [...new Set([...finalizers, namespaceFinalizer])] }
        : isLeaving(stored)
          ? namespace.spec
          : stored.spec;
    return {
      ...namespace,
      metadata: { ...namespace.metadata, labels: named },
      ...(spec === undefined ? {} : { spec }),
    };
  },
  validate: () => undefined,
  initialStatus: (namespace) => ({ ...namespace, status: { phase: 'Active' } }),
};
