/**
 * What is made here of a cluster's objects, so that a laptop forwards as the cluster would: Services without what only
 * their own cluster can serve, and for each Pod a slice with the address at which this host reaches it.
 */
import {
  apiVersionOf,
  clusterMirror,
  endpointSliceKind,
  labels,
  serviceKind,
  type EndpointSlice,
  type Service,
  type SliceEndpoint,
  type SlicePort,
} from '../kube/index.ts';
import { fnv1a, type SocketAddress } from '../model/index.ts';

/** Connected to by name: a Pod and a port of it. */
export interface FarPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/** Where a port of a Pod answers on this host; undefined when it cannot. */
export type Reach = (far: FarPort) => Promise<SocketAddress | undefined>;

/** With an address of this host's own, no node ports, and nothing that selects: its endpoints are copied too. */
export function nearService({ metadata, spec = {} }: Service): Service {
  const { name, namespace, labels: all, annotations } = metadata;
  const isAlias = spec.type === 'ExternalName';
  const isHeadless = spec.clusterIP === 'None';
  const { sessionAffinity, sessionAffinityConfig, publishNotReadyAddresses } = spec;
  return {
    apiVersion: apiVersionOf(serviceKind),
    kind: serviceKind.kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(all === undefined ? {} : { labels: all }),
      ...(annotations === undefined ? {} : { annotations }),
    },
    spec: {
      type: isAlias ? 'ExternalName' : 'ClusterIP',
      ...(isHeadless ? { clusterIP: 'None' } : {}),
      ...(isAlias && spec.externalName !== undefined ? { externalName: spec.externalName } : {}),
      ...(sessionAffinity === undefined ? {} : { sessionAffinity }),
      ...(sessionAffinityConfig === undefined ? {} : { sessionAffinityConfig }),
      ...(publishNotReadyAddresses === undefined ? {} : { publishNotReadyAddresses }),
      ports: (spec.ports ?? []).map(({ nodePort: _own, ...port }) => port),
    },
  };
}

/** The Pods behind a Service; of two families only that of the Service, since each Pod has one address here. */
export function farEndpoints(
  service: Service | undefined,
  slices: readonly EndpointSlice[],
): readonly FarEndpoint[] {
  const [family = 'IPv4'] = service?.spec?.ipFamilies ?? [];
  const ofFamily = slices.filter(({ addressType }) => addressType === family);
  const found = new Map<string, FarEndpoint>();
  for (const slice of ofFamily) {
    for (const endpoint of slice.endpoints ?? []) {
      const { kind, name, namespace = slice.metadata.namespace } = endpoint.targetRef ?? {};
      if (kind !== 'Pod' || name === undefined || namespace === undefined) continue;
      const ports = (slice.ports ?? []).filter(isCarried);
      found.set(`${slice.metadata.name} ${namespace}/${name}`, {
        slice,
        endpoint,
        namespace,
        pod: name,
        ports,
      });
    }
  }
  return [...found.values()];
}

export interface FarEndpoint {
  readonly slice: EndpointSlice;
  readonly endpoint: SliceEndpoint;
  readonly namespace: string;
  readonly pod: string;
  /** Those that port-forward carries. */
  readonly ports: readonly (SlicePort & { readonly port: number })[];
}

/** Port-forward is TCP's alone. */
function isCarried(port: SlicePort): port is SlicePort & { readonly port: number } {
  return (port.protocol ?? 'TCP') === 'TCP' && port.port !== undefined;
}

/** One slice a Pod and port: Pods of one Service may answer at other ports here. Undefined when it cannot be reached. */
export async function nearSlice(
  far: FarEndpoint,
  reach: Reach,
): Promise<EndpointSlice | undefined> {
  const { slice, endpoint, namespace, pod } = far;
  const reached = await Promise.all(
    far.ports.map(async ({ port, ...rest }) => {
      const at = await reach({ namespace, pod, port });
      return at === undefined
        ? undefined
        : { address: at.address, port: { ...rest, port: at.port } };
    }),
  );
  const ports = reached.filter((one) => one !== undefined);
  const [first] = ports;
  if (first === undefined) return undefined;
  const { conditions, hostname, nodeName, targetRef } = endpoint;
  const service = slice.metadata.labels?.[labels.serviceName];
  const own: SliceEndpoint = {
    addresses: [first.address],
    ...(conditions === undefined ? {} : { conditions }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  };
  return {
    apiVersion: apiVersionOf(endpointSliceKind),
    kind: endpointSliceKind.kind,
    metadata: {
      name: `${slice.metadata.name}-${fnv1a(`${namespace}/${pod}`).toString(36)}`,
      ...(slice.metadata.namespace === undefined ? {} : { namespace: slice.metadata.namespace }),
      labels: {
        [labels.managedBy]: clusterMirror,
        ...(service === undefined ? {} : { [labels.serviceName]: service }),
      },
    },
    addressType: 'IPv4',
    ports: ports.map(({ port }) => port),
    endpoints: [own],
  };
}
