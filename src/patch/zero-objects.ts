/**
 * What an object of a kind has before anything is in it: Go writes these parts of an empty struct, so nobody comes to
 * own them by making an object.
 */
import type { JsonObject } from '../kube/index.ts';

const template = { metadata: {}, spec: { containers: null } };
const workload = { spec: { selector: null, template }, status: {} };

const zeros: Readonly<Record<string, JsonObject>> = {
  Service: { spec: {}, status: { loadBalancer: {} } },
  Pod: { spec: { containers: null }, status: {} },
  Deployment: { ...workload, spec: { ...workload.spec, strategy: {} } },
  ReplicaSet: workload,
  StatefulSet: { ...workload, spec: { ...workload.spec, updateStrategy: {} } },
  ControllerRevision: { data: null, revision: 0 },
  Namespace: { spec: {}, status: {} },
  Node: { spec: {}, status: {} },
  Ingress: { spec: {}, status: { loadBalancer: {} } },
  IngressClass: { spec: {} },
  Lease: { spec: {} },
  EndpointSlice: { addressType: '', endpoints: null, ports: null },
  Event: { involvedObject: {}, source: {} },
};

export function zeroObject(kind: string): JsonObject {
  return { metadata: {}, ...zeros[kind] };
}
