/**
 * Service + its Pods -> the EndpointSlices they should have. Pure; follows Kubernetes' endpointslice controller:
 * one group of slices for each address family and each way the ports resolve, at most 100 endpoints a slice.
 */
import {
  apiVersionOf,
  endpointSliceController,
  endpointSliceKind,
  labels,
  type EndpointSlice,
  type Pod,
  type Service,
  type SliceEndpoint,
  type SlicePort,
} from '../kube/index.ts';
import { canonicalIp, familyOf, fnv1a, type IpFamily } from '../model/index.ts';

const maxEndpointsPerSlice = 100;

/** Slices in a stable order with stable names, so that an unchanged Service asks for no write. */
export function desiredSlices(service: Service, pods: readonly Pod[]): readonly EndpointSlice[] {
  return familiesOf(service).flatMap((family) => {
    const groups = new Map<string, { ports: readonly SlicePort[]; endpoints: SliceEndpoint[] }>();
    for (const pod of pods.toSorted(byName)) {
      const address = addressOf(pod, family);
      if (address === undefined || isFinished(pod)) continue;
      const ports = resolvePorts(service, pod);
      const key = JSON.stringify(ports);
      const group = groups.get(key) ?? { ports, endpoints: [] };
      group.endpoints.push(endpointOf(service, pod, address));
      groups.set(key, group);
    }
    return [...groups].flatMap(([key, group]) =>
      chunks(group.endpoints, maxEndpointsPerSlice).map((endpoints, i) =>
        sliceOf(service, family, { key: `${family} ${key} ${i}`, ports: group.ports, endpoints }),
      ),
    );
  });
}

function byName(a: Pod, b: Pod): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

/** A Service without an address (headless) follows its ipFamilies, IPv4 when it names none. */
function familiesOf(service: Service): readonly IpFamily[] {
  const declared = (service.spec?.ipFamilies ?? []).filter((f) => f === 'IPv4' || f === 'IPv6');
  if (declared.length > 0) return declared;
  const families = (service.spec?.clusterIPs ?? []).flatMap((ip) => {
    const canonical = canonicalIp(ip);
    return canonical === undefined ? [] : [familyOf(canonical)];
  });
  return families.length > 0 ? families : ['IPv4'];
}

function addressOf(pod: Pod, family: IpFamily): string | undefined {
  const single = pod.status?.podIP;
  const all = pod.status?.podIPs?.map((p) => p.ip) ?? (single === undefined ? [] : [single]);
  return all.flatMap((ip) => canonicalIp(ip) ?? []).find((ip) => familyOf(ip) === family);
}

function isFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Named target ports may differ from Pod to Pod; one a Pod does not have is left out. */
function resolvePorts(service: Service, pod: Pod): readonly SlicePort[] {
  return (service.spec?.ports ?? []).flatMap((port) => {
    const protocol = port.protocol ?? 'TCP';
    const target = port.targetPort ?? port.port;
    const number =
      typeof target === 'number'
        ? target
        : (pod.spec?.containers ?? [])
            .flatMap((container) => container.ports ?? [])
            .find((p) => p.name === target && (p.protocol ?? 'TCP') === protocol)?.containerPort;
    if (number === undefined) return [];
    const appProtocol = port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol };
    return [{ name: port.name ?? '', protocol, port: number, ...appProtocol }];
  });
}

function endpointOf(service: Service, pod: Pod, address: string): SliceEndpoint {
  const isReady = pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True');
  const serving = isReady === true || service.spec?.publishNotReadyAddresses === true;
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const { namespace, name, uid } = pod.metadata;
  const nodeName = pod.spec?.nodeName;
  const { hostname, subdomain } = pod.spec ?? {};
  return {
    addresses: [address],
    conditions: {
      ready: serving && (!terminating || service.spec?.publishNotReadyAddresses === true),
      serving,
      terminating,
    },
    ...(hostname !== undefined && subdomain === service.metadata.name ? { hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: {
      kind: 'Pod',
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
    },
  };
}

interface SliceParts {
  readonly key: string;
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly SliceEndpoint[];
}

function sliceOf(service: Service, family: IpFamily, parts: SliceParts): EndpointSlice {
  const { name, namespace, uid } = service.metadata;
  const headless = service.spec?.clusterIP === 'None' ? { [labels.headless]: '' } : {};
  return {
    apiVersion: apiVersionOf(endpointSliceKind),
    kind: endpointSliceKind.kind,
    metadata: {
      name: `${name}-${shortHash(parts.key)}`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: {
        [labels.serviceName]: name,
        [labels.managedBy]: endpointSliceController,
        ...headless,
      },
      ownerReferences: [
        {
          apiVersion: 'v1',
          kind: 'Service',
          name,
          uid: uid ?? '',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    addressType: family,
    endpoints: parts.endpoints,
    ports: parts.ports,
  };
}

function chunks<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, i) => items.slice(i * size, (i + 1) * size));
}

/** Enough to tell apart the few slices of one Service. */
function shortHash(text: string): string {
  return fnv1a(text).toString(36).padStart(7, '0');
}
