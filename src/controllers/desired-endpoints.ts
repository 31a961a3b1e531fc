/**
 * Service + its Pods -> the endpoints its EndpointSlices should have. Pure; follows Kubernetes' endpointslice
 * controller: a group for each address family and each way the ports resolve.
 */
import {
  annotations,
  isLeaving,
  readAnnotation,
  type Pod,
  type Service,
  type SliceEndpoint,
  type SlicePort,
} from '../kube/index.ts';
import { canonicalIp, familyOf, type IpFamily } from '../model/index.ts';
import { isFinishedPod, isReadyPod } from './pod-state.ts';

/** Endpoints that can share slices. */
export interface EndpointGroup {
  readonly ports: readonly SlicePort[];
  /** By what tells an endpoint from others: its Pod and its address. */
  readonly endpoints: ReadonlyMap<string, SliceEndpoint>;
}

/** The zone of a Node, if it says so. */
export type ZoneOf = (nodeName: string) => string | undefined;

export function desiredGroups(
  service: Service,
  pods: readonly Pod[],
  { family, zoneOf }: { readonly family: IpFamily; readonly zoneOf: ZoneOf },
): ReadonlyMap<string, EndpointGroup> {
  const groups = new Map<
    string,
    { ports: readonly SlicePort[]; endpoints: Map<string, SliceEndpoint> }
  >();
  for (const pod of pods.toSorted(byName)) {
    const address = addressOf(pod, family);
    if (address === undefined || isFinishedPod(pod)) continue;
    const ports = resolvePorts(service, pod);
    const key = portsKey(ports);
    const group = groups.get(key) ?? { ports, endpoints: new Map() };
    const endpoint = endpointOf(service, pod, { address, zoneOf });
    group.endpoints.set(endpointId(endpoint), endpoint);
    groups.set(key, group);
  }
  return groups;
}

/** The same for the same ports, in whatever object they stand. */
export function portsKey(ports: readonly SlicePort[]): string {
  return JSON.stringify(
    ports.map(({ name = '', protocol = 'TCP', port, appProtocol }) => [
      name,
      protocol,
      port,
      appProtocol,
    ]),
  );
}

export function endpointId({ targetRef, addresses }: SliceEndpoint): string {
  return `${targetRef?.namespace ?? ''}/${targetRef?.name ?? ''} ${targetRef?.uid ?? ''} ${addresses.join()}`;
}

/** A Service without an address (headless) follows its ipFamilies, IPv4 when it names none. */
export function familiesOf(service: Service): readonly IpFamily[] {
  const declared = (service.spec?.ipFamilies ?? []).filter((f) => f === 'IPv4' || f === 'IPv6');
  if (declared.length > 0) return declared;
  const families = (service.spec?.clusterIPs ?? []).flatMap((ip) => {
    const canonical = canonicalIp(ip);
    return canonical === undefined ? [] : [familyOf(canonical)];
  });
  return families.length > 0 ? families : ['IPv4'];
}

function byName(a: Pod, b: Pod): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

export function addressOf(pod: Pod, family: IpFamily): string | undefined {
  const single = pod.status?.podIP;
  const all = pod.status?.podIPs?.map((p) => p.ip) ?? (single === undefined ? [] : [single]);
  return all.flatMap((ip) => canonicalIp(ip) ?? []).find((ip) => familyOf(ip) === family);
}

/** A Service's port at one Pod. */
export interface ResolvedPort {
  /** Empty for the only, unnamed one. */
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
  readonly appProtocol?: string;
}

/** Named target ports may differ from Pod to Pod; one a Pod does not have is left out. */
export function resolvePorts(service: Service, pod: Pod): readonly ResolvedPort[] {
  // What a Pod only stands for listens where it listens, whatever the Service thinks.
  const elsewhere = readAnnotation(pod, annotations.address);
  const ownPort = elsewhere?.ok === true ? elsewhere.value.port : undefined;
  return (service.spec?.ports ?? []).flatMap((port) => {
    const protocol = port.protocol ?? 'TCP';
    const target = port.targetPort ?? port.port;
    const number =
      ownPort ??
      (typeof target === 'number'
        ? target
        : (pod.spec?.containers ?? [])
            .flatMap((container) => container.ports ?? [])
            .find((p) => p.name === target && (p.protocol ?? 'TCP') === protocol)?.containerPort);
    if (number === undefined) return [];
    const appProtocol = port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol };
    return [{ name: port.name ?? '', protocol, port: number, ...appProtocol }];
  });
}

interface Place {
  readonly address: string;
  readonly zoneOf: ZoneOf;
}

function endpointOf(service: Service, pod: Pod, { address, zoneOf }: Place): SliceEndpoint {
  const serving = isReadyPod(pod);
  const terminating = isLeaving(pod);
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating);
  const { namespace, name, uid } = pod.metadata;
  const { hostname, subdomain, nodeName } = pod.spec ?? {};
  const zone = nodeName === undefined ? undefined : zoneOf(nodeName);
  const hints = ready ? hintsOf(service, { nodeName, zone }) : undefined;
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(hostname !== undefined && subdomain === service.metadata.name ? { hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
    ...(hints === undefined ? {} : { hints }),
    targetRef: {
      kind: 'Pod',
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
    },
  };
}

/** Whom an endpoint is meant for, when the Service prefers the near ones. */
function hintsOf(
  { spec }: Service,
  { nodeName, zone }: { readonly nodeName: string | undefined; readonly zone: string | undefined },
): SliceEndpoint['hints'] {
  const near = spec?.trafficDistribution;
  const forZones = zone === undefined ? {} : { forZones: [{ name: zone }] };
  if (near === 'PreferClose' || near === 'PreferSameZone') {
    return zone === undefined ? undefined : forZones;
  }
  if (near !== 'PreferSameNode' || nodeName === undefined) return undefined;
  return { ...forZones, forNodes: [{ name: nodeName }] };
}
