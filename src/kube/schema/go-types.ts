/** The names that the API server's own types have in Go, where its messages show them. */
import { isJsonArray } from '../json.ts';
import type { Schema } from './schema.ts';

/** Fields of a string type that has a name; of a list or map of them, what is in it. */
const named: Readonly<Record<string, string>> = {
  'Container.imagePullPolicy': 'v1.PullPolicy',
  'Container.terminationMessagePolicy': 'v1.TerminationMessagePolicy',
  'ContainerPort.protocol': 'v1.Protocol',
  'DeploymentCondition.status': 'v1.ConditionStatus',
  'DeploymentCondition.type': 'v1.DeploymentConditionType',
  'DeploymentStrategy.type': 'v1.DeploymentStrategyType',
  'EndpointPort.protocol': 'v1.Protocol',
  'EndpointSlice.addressType': 'v1.AddressType',
  'HTTPGetAction.scheme': 'v1.URIScheme',
  'HTTPIngressPath.pathType': 'v1.PathType',
  'LabelSelectorRequirement.operator': 'v1.LabelSelectorOperator',
  'ManagedFieldsEntry.operation': 'v1.ManagedFieldsOperationType',
  'NamespaceSpec.finalizers': 'v1.FinalizerName',
  'NamespaceStatus.phase': 'v1.NamespacePhase',
  'ObjectMeta.uid': 'types.UID',
  'OwnerReference.uid': 'types.UID',
  'PodSpec.dnsPolicy': 'v1.DNSPolicy',
  'PodSpec.restartPolicy': 'v1.RestartPolicy',
  'PodStatus.phase': 'v1.PodPhase',
  'Secret.type': 'v1.SecretType',
  'ServicePort.protocol': 'v1.Protocol',
  'ServiceSpec.externalTrafficPolicy': 'v1.ServiceExternalTrafficPolicy',
  'ServiceSpec.internalTrafficPolicy': 'v1.ServiceInternalTrafficPolicy',
  'ServiceSpec.ipFamilies': 'v1.IPFamily',
  'ServiceSpec.ipFamilyPolicy': 'v1.IPFamilyPolicy',
  'ServiceSpec.sessionAffinity': 'v1.ServiceAffinity',
  'ServiceSpec.type': 'v1.ServiceType',
  'StatefulSetSpec.podManagementPolicy': 'v1.PodManagementPolicyType',
  'StatefulSetUpdateStrategy.type': 'v1.StatefulSetUpdateStrategyType',
  'Taint.effect': 'v1.TaintEffect',
  'Toleration.effect': 'v1.TaintEffect',
  'Toleration.operator': 'v1.TolerationOperator',
};

export interface GoField {
  /** The definition that has the field, `core.v1.ServiceSpec`. */
  readonly owner: string;
  readonly field: string;
}

/** The type that a value of the field would be decoded into. */
export function goTypeOf(schema: Schema, at: GoField): string {
  switch (schema.type) {
    case 'boolean':
      return 'bool';
    case 'integer':
      return schema.format ?? 'int64';
    case 'number':
      return 'float64';
    // These read themselves, from an integer or a string.
    case 'intOrString':
      return 'int32';
    case 'quantity':
      return 'resource.Quantity';
    case 'string':
      if (schema.format === 'byte') return '[]uint8';
      return named[`${at.owner.split('.').at(-1)}.${at.field}`] ?? 'string';
    case 'object':
      return schema.definition.split('.').slice(-2).join('.');
    case 'list':
      return `[]${itemTypeOf(schema.items, at)}`;
    case 'map':
      if (schema.values.type === 'quantity') return 'v1.ResourceList';
      return `map[string]${itemTypeOf(schema.values, at)}`;
    case 'any':
      return 'interface {}';
  }
}

function itemTypeOf(schema: Schema, at: GoField): string {
  return schema.type === 'intOrString' ? 'intstr.IntOrString' : goTypeOf(schema, at);
}

/** What a JSON value is in Go when nothing says what it should be. */
export function goKindOf(value: unknown): string {
  if (isJsonArray(value)) return 'slice';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  if (typeof value === 'object') return 'map';
  return typeof value === 'boolean' ? 'bool' : 'string';
}

/** As Go's `%+v` prints JSON: `map[spec:map[replicas:two]]`. */
export function goText(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (isJsonArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (typeof value === 'string') return value;
  if (typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, item]) => `${key}:${goText(item)}`).join(' ')}]`;
}
