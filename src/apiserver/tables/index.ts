/** Objects as Tables: what `kubectl get` prints. */
import {
  apiNames,
  clusterRoleBindingKind,
  clusterRoleKind,
  configMapKind,
  controllerRevisionKind,
  deploymentKind,
  endpointSliceKind,
  endpointsKind,
  eventKind,
  ingressClassKind,
  ingressKind,
  ipAddressKind,
  isOfKind,
  kindKey,
  leaseKind,
  namespaceKind,
  nodeKind,
  podKind,
  replicaSetKind,
  roleBindingKind,
  roleKind,
  secretKind,
  serviceAccountKind,
  serviceCidrKind,
  serviceKind,
  statefulSetKind,
  type Kind,
  type KubeObject,
  shownMetadata,
} from '../../kube/index.ts';
import { bindingCells, serviceAccountCells } from './access-cells.ts';
import { ageSince } from './age.ts';
import { ageColumn, createdAtColumn, kindColumns, nameColumn, type Column } from './columns.ts';
import {
  configMapCells,
  eventCells,
  namespaceCells,
  nodeCells,
  secretCells,
  serviceCells,
  type Cells,
} from './core-cells.ts';
import {
  endpointsCells,
  endpointSliceCells,
  ingressCells,
  ingressClassCells,
  ipAddressCells,
  leaseCells,
  serviceCidrCells,
} from './network-cells.ts';
import { podCells } from './pod-cells.ts';
import {
  controllerRevisionCells,
  deploymentCells,
  replicaSetCells,
  statefulSetCells,
} from './workload-cells.ts';

interface TableSpec {
  readonly columns: readonly Column[];
  cells(object: KubeObject, nowMs: number): Cells;
}

type CellsOf<T> = (object: T, nowMs: number) => Cells;

/** Name first, the kind's own columns, Age behind the last of them that is not for `-o wide`. */
function spec<T extends KubeObject>(
  kind: Kind<T>,
  own: readonly Column[],
  cells: CellsOf<T>,
): readonly [string, TableSpec] {
  const wide = own.findIndex(({ priority }) => priority > 0);
  const at = wide === -1 ? own.length : wide;
  return [
    kindKey(kind),
    {
      columns: [nameColumn, ...own.slice(0, at), ageColumn, ...own.slice(at)],
      cells: (object, nowMs) => {
        const found = isOfKind(kind, object) ? cells(object, nowMs) : [];
        const { name, creationTimestamp } = object.metadata;
        const age = ageSince(creationTimestamp, nowMs);
        return [name, ...found.slice(0, at), age, ...found.slice(at)];
      },
    },
  ];
}

const plain: TableSpec = {
  columns: [nameColumn, ageColumn],
  cells: ({ metadata }, nowMs) => [metadata.name, ageSince(metadata.creationTimestamp, nowMs)],
};

/** Kinds without columns of their own show when an object was made. */
const dated: TableSpec = {
  columns: [nameColumn, createdAtColumn],
  cells: ({ metadata }) => [metadata.name, metadata.creationTimestamp ?? ''],
};

const specs = new Map<string, TableSpec>([
  spec(namespaceKind, kindColumns.namespace, namespaceCells),
  spec(nodeKind, kindColumns.node, nodeCells),
  spec(podKind, kindColumns.pod, podCells),
  spec(serviceKind, kindColumns.service, serviceCells),
  spec(endpointSliceKind, kindColumns.endpointSlice, endpointSliceCells),
  spec(endpointsKind, kindColumns.endpoints, endpointsCells),
  spec(serviceCidrKind, kindColumns.serviceCidr, serviceCidrCells),
  spec(ipAddressKind, kindColumns.ipAddress, ipAddressCells),
  spec(configMapKind, kindColumns.configMap, configMapCells),
  spec(secretKind, kindColumns.secret, secretCells),
  spec(leaseKind, kindColumns.lease, leaseCells),
  spec(deploymentKind, kindColumns.deployment, deploymentCells),
  spec(replicaSetKind, kindColumns.replicaSet, replicaSetCells),
  spec(statefulSetKind, kindColumns.statefulSet, statefulSetCells),
  spec(controllerRevisionKind, kindColumns.controllerRevision, controllerRevisionCells),
  spec(ingressKind, kindColumns.ingress, ingressCells),
  spec(ingressClassKind, kindColumns.ingressClass, ingressClassCells),
  spec(serviceAccountKind, kindColumns.serviceAccount, serviceAccountCells),
  spec(roleBindingKind, kindColumns.roleBinding, bindingCells),
  spec(clusterRoleBindingKind, kindColumns.clusterRoleBinding, bindingCells),
  [kindKey(roleKind), dated],
  [kindKey(clusterRoleKind), dated],
  // Events have a name among their own columns, and no age.
  [
    kindKey(eventKind),
    {
      columns: kindColumns.event,
      cells: (object, nowMs) => (isOfKind(eventKind, object) ? eventCells(object, nowMs) : []),
    },
  ],
]);

export interface TableOptions {
  readonly kind: Kind;
  readonly nowMs: number;
  /** What a row carries of its object; `Metadata` is what kubectl needs. */
  readonly include: 'None' | 'Metadata' | 'Object';
  /** Of a list; of the object alone when undefined. */
  readonly metadata: object;
  /** Later events of a watch go without. */
  readonly withColumns: boolean;
}

export function tableOf(objects: readonly KubeObject[], options: TableOptions): object {
  const { kind, nowMs, include, metadata, withColumns } = options;
  const table = specs.get(kindKey(kind)) ?? plain;
  return {
    kind: 'Table',
    apiVersion: apiNames.metaVersion,
    metadata,
    columnDefinitions: withColumns ? table.columns : null,
    rows: objects.map((object) => ({
      cells: table.cells(object, nowMs),
      ...(include === 'None'
        ? {}
        : { object: include === 'Object' ? object : partialMetadata(object) }),
    })),
  };
}

export function partialMetadata(object: KubeObject): object {
  return {
    kind: 'PartialObjectMetadata',
    apiVersion: apiNames.metaVersion,
    metadata: shownMetadata(object),
  };
}
