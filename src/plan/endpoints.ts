/**
 * EndpointSlices -> the Endpoints of one ServicePort: kube-proxy 1.36's endpoint cache
 * (pkg/proxy/endpointslicecache.go) as a pure function.
 */
import type { EndpointSlice, SliceEndpoint } from '../kube/index.ts';
import { canonicalIp, endpointKey, type Endpoint, type ServicePortRef } from '../model/index.ts';
import { protocolOf } from './service-ports.ts';

/**
 * The endpoints of a ServicePort in a stable order. Slices of another address type, ports without a number and
 * addresses that do not parse are passed over.
 */
export function endpointsOf(
  ref: ServicePortRef,
  slices: Iterable<EndpointSlice>,
  nodeName: string,
): readonly Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const slice of slices) {
    if (slice.addressType !== ref.family) continue;
    for (const port of portsOf(slice, ref)) {
      for (const raw of slice.endpoints ?? []) {
        const endpoint = endpointOf(raw, port, nodeName);
        if (endpoint === undefined) continue;
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

function endpointOf(raw: SliceEndpoint, port: number, nodeName: string): Endpoint | undefined {
  // Only the first address counts; the API says the others are the same endpoint.
  const address = canonicalIp(raw.addresses[0] ?? '');
  if (address === undefined) return undefined;
  const target = raw.targetRef;
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
    weight: 1,
    pod:
      target?.kind === 'Pod' && target.name !== undefined
        ? `${target.namespace ?? 'default'}/${target.name}`
        : undefined,
  };
}
