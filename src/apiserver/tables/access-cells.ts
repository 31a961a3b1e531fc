/** What Tables show of service accounts and bindings (pkg/printers/internalversion, Kubernetes 1.36). */
import type { RoleBinding, ServiceAccount } from '../../kube/index.ts';
import type { Cells } from './core-cells.ts';

export function serviceAccountCells({ secrets = [] }: ServiceAccount): Cells {
  return [String(secrets.length)];
}

export function bindingCells({ roleRef, subjects = [] }: RoleBinding): Cells {
  const namesOf = (kind: string): string =>
    subjects
      .filter((subject) => subject.kind === kind)
      .map(({ name, namespace }) => (kind === 'ServiceAccount' ? `${namespace}/${name}` : name))
      .join(', ');
  return [`${roleRef.kind}/${roleRef.name}`, ...['User', 'Group', 'ServiceAccount'].map(namesOf)];
}
