/**
 * EndpointSlices -> the Endpoints of one ServicePort: kube-proxy 1.36's endpoint cache
 * (pkg/proxy/endpointslicecache.go) as a pure function.
 */
import {
  annotations,
  readAnnotation,
  type EndpointSlice,
  type SliceEndpoint,
} from '../kube/index.ts';
import {
  canonicalIp,
  endpointKey,
  familyOf,
  type Endpoint,
  type ServicePortRef,
} from '../model/index.ts';
import { protocolOf } from './service-ports.ts';

export interface EndpointContext {
  readonly nodeName: string;
  /** The weight a Pod's label gives it; undefined when it has none. */
  readonly weightOf: (namespace: string, pod: string) => number | undefined;
}

const defaultWeight = 1;

/**
 * The endpoints of a ServicePort in a stable order. Slices of another address type, ports without a number and
 * addresses that do not parse are passed over.
 */
export function endpointsOf(
  ref: ServicePortRef,
  slices: Iterable<EndpointSlice>,
  { nodeName, weightOf }: EndpointContext,
): readonly Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const slice of slices) {
    if (slice.addressType !== ref.family) continue;
    const reading = readAnnotation(slice, annotations.sliceWeight);
    const sliceWeight = reading?.ok === true ? reading.value : defaultWeight;
    for (const port of portsOf(slice, ref)) {
      for (const raw of slice.endpoints ?? []) {
        const pod = podOf(raw, ref.namespace);
        const weight = pod === undefined ? undefined : weightOf(pod.namespace, pod.name);
        const endpoint = endpointOf(raw, {
          port,
          nodeName,
          weight: weight ?? sliceWeight,
          pod: pod === undefined ? undefined : `${pod.namespace}/${pod.name}`,
          podUid: pod === undefined ? undefined : raw.targetRef?.uid,
        });
        // The API forbids it; a slice that came otherwise must not mix the families.
        if (endpoint === undefined || familyOf(endpoint.address) !== ref.family) continue;
        const key = endpointKey(endpoint);
        // Two slices may name one address while it passes from an ending Pod to a new one (PR135593).
        if (!found.has(key) || !endpoint.terminating) found.set(key, endpoint);
      }
    }
  }
  return [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
}

function portsOf(slice: EndpointSlice, ref: ServicePortRef): readonly number[] {
  return (slice.ports ?? []).flatMap((port) =>
    (port.name ?? '') === ref.portName && protocolOf(port.protocol) === ref.protocol && port.port
      ? [port.port]
      : [],
  );
}

/** The Pod an endpoint stands for. */
export function podOf(
  { targetRef }: SliceEndpoint,
  namespace: string,
): { readonly namespace: string; readonly name: string } | undefined {
  return targetRef?.kind === 'Pod' && targetRef.name !== undefined
    ? { namespace: targetRef.namespace ?? namespace, name: targetRef.name }
    : undefined;
}

interface EndpointParts extends Pick<Endpoint, 'port' | 'weight' | 'pod' | 'podUid'> {
  readonly nodeName: string;
}

function endpointOf(
  raw: SliceEndpoint,
  { port, nodeName, weight, pod, podUid }: EndpointParts,
): Endpoint | undefined {
  // Only the first address counts; the API says the others are the same endpoint.
  const address = canonicalIp(raw.addresses[0] ?? '');
  if (address === undefined) return undefined;
  return {
    address,
    port,
    ready: raw.conditions?.ready ?? true,
    serving: raw.conditions?.serving ?? true,
    terminating: raw.conditions?.terminating ?? false,
    local: raw.nodeName !== undefined && raw.nodeName === nodeName,
    node: raw.nodeName,
    zone: raw.zone,
    zoneHints: (raw.hints?.forZones ?? []).map((zone) => zone.name),
    nodeHints: (raw.hints?.forNodes ?? []).map((node) => node.name),
    weight,
    pod,
    podUid,
  };
}
