/** What Tables show of what makes Pods (pkg/printers/internalversion, Kubernetes 1.36). */
import type {
  ControllerRevision,
  Deployment,
  LabelSelectorSpec,
  PodTemplate,
  ReplicaSet,
  StatefulSet,
} from '../../kube/index.ts';
import type { Cells } from './core-cells.ts';

export function deploymentCells({ spec = {}, status = {} }: Deployment): Cells {
  return [
    `${status.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    status.updatedReplicas ?? 0,
    status.availableReplicas ?? 0,
    ...templateCells(spec.template),
    formatSelector(spec.selector),
  ];
}

export function replicaSetCells({ spec = {}, status = {} }: ReplicaSet): Cells {
  return [
    spec.replicas ?? 0,
    status.replicas ?? 0,
    status.readyReplicas ?? 0,
    ...templateCells(spec.template),
    formatSelector(spec.selector),
  ];
}

export function statefulSetCells({ spec = {}, status = {} }: StatefulSet): Cells {
  return [`${status.readyReplicas ?? 0}/${spec.replicas ?? 0}`, ...templateCells(spec.template)];
}

/** The controller as `statefulset.apps/web`. */
export function controllerRevisionCells({ metadata, revision }: ControllerRevision): Cells {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return ['<none>', revision];
  const [group = '', version] = owner.apiVersion.split('/');
  const kind = version === undefined ? owner.kind : `${owner.kind}.${group}`;
  return [`${kind.toLowerCase()}/${owner.name}`, revision];
}

function templateCells(template: PodTemplate | undefined): readonly string[] {
  const containers = template?.spec?.containers ?? [];
  return [
    containers.map(({ name }) => name).join(','),
    containers.map(({ image = '' }) => image).join(','),
  ];
}

/** As `metav1.FormatLabelSelector` writes it. */
export function formatSelector(selector: LabelSelectorSpec | undefined): string {
  const equal = Object.entries(selector?.matchLabels ?? {}).map(
    ([key, value]) => `${key}=${value}`,
  );
  const others = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    const list = `(${values.toSorted().join(',')})`;
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator.toLowerCase()} ${list}`;
  });
  const all = [...equal, ...others].toSorted();
  return all.length === 0 ? '<none>' : all.join(',');
}
