/** One Service with everything that belongs to it, gathered once for all stages of its explanation. */
import {
  labels,
  type EndpointSlice,
  type Pod,
  type Service,
  type ServicePortSpec,
  type ServiceSpec,
} from '../kube/index.ts';
import {
  servicePortId,
  usableEndpoints,
  type Endpoint,
  type ServicePortRef,
  type VirtualServer,
} from '../model/index.ts';
import { servicePortsOf, type ServicePortDraft } from '../plan/index.ts';
import type { Notes } from './notes.ts';
import { portLabel } from './wording.ts';
import { keyOf, namespaceOf, type World } from './world.ts';

/** One ServicePort: one port in one family. */
/** The endpoints themselves, also where drivers see a gateway instead of them. */
export function endpointPools({ pools, perRequest }: VirtualServer): VirtualServer['pools'] {
  return perRequest?.pools ?? pools;
}

export interface PortCase {
  readonly label: string;
  readonly spec: ServicePortSpec;
  readonly draft: ServicePortDraft;
  /** Undefined while the Plan does not have it. */
  readonly server: VirtualServer | undefined;
}

export interface PortSpec {
  readonly index: number;
  readonly port: ServicePortSpec;
}

export interface ServiceCase {
  readonly world: World;
  readonly notes: Notes;
  readonly service: Service;
  readonly spec: ServiceSpec;
  readonly namespace: string;
  readonly name: string;
  /** `namespace/name`. */
  readonly key: string;
  readonly isHeadless: boolean;
  /** Undefined when there is none, or an empty one. */
  readonly selector: Readonly<Record<string, string>> | undefined;
  /** Those the selector matches. */
  readonly pods: readonly Pod[];
  /** Those labelled for this Service. */
  readonly slices: readonly EndpointSlice[];
  /** Those of the Service that are looked at, with their place in spec.ports. */
  readonly portSpecs: readonly PortSpec[];
  /** Empty for a Service that is not forwarded. */
  readonly ports: readonly PortCase[];
  /** True when some port has an endpoint that takes connections, or the name resolves to one. */
  readonly isServed: boolean;
}

export interface GatherOptions {
  readonly notes: Notes;
  /** Look at this port only. */
  readonly only?: ServicePortRef;
}

export function gatherService(
  world: World,
  service: Service,
  { notes, only }: GatherOptions,
): ServiceCase {
  const spec = service.spec ?? {};
  const namespace = namespaceOf(service);
  const { name } = service.metadata;
  const selector = Object.keys(spec.selector ?? {}).length === 0 ? undefined : spec.selector;
  const isHeadless = spec.clusterIP === 'None';
  const pods =
    selector === undefined
      ? []
      : world.pods.filter((pod) => namespaceOf(pod) === namespace && matches(selector, pod));
  const slices = world.slices.filter(
    (slice) =>
      namespaceOf(slice) === namespace && slice.metadata.labels?.[labels.serviceName] === name,
  );
  const portSpecs = [...(spec.ports ?? []).entries()]
    .map(([index, port]) => ({ index, port }))
    .filter(({ port }) => only === undefined || isPort(port, only));
  const ports = portsOf(world, service, portSpecs).filter(
    ({ draft }) => only === undefined || draft.ref.family === only.family,
  );
  const isServed = isHeadless
    ? readyAddresses(slices).length > 0
    : ports.some(({ server }) => usableOf(server).length > 0);
  return {
    world,
    notes,
    service,
    spec,
    namespace,
    name,
    key: keyOf(service),
    isHeadless,
    selector,
    pods,
    slices,
    portSpecs,
    ports,
    isServed,
  };
}

export function matches(selector: Readonly<Record<string, string>>, pod: Pod): boolean {
  const own = pod.metadata.labels ?? {};
  return Object.entries(selector).every(([key, value]) => own[key] === value);
}

function isPort(port: ServicePortSpec, { portName, protocol }: ServicePortRef): boolean {
  return (port.name ?? '') === portName && (port.protocol ?? 'TCP') === protocol;
}

function portsOf(
  world: World,
  service: Service,
  portSpecs: readonly PortSpec[],
): readonly PortCase[] {
  const drafts = servicePortsOf(service);
  const hasTwoFamilies = new Set(drafts.map(({ ref }) => ref.family)).size > 1;
  return portSpecs.flatMap(({ port }) =>
    drafts
      .filter(({ ref }) => isPort(port, ref))
      .map((draft) => ({
        label: portLabel(port, hasTwoFamilies ? draft.ref.family : undefined),
        spec: port,
        draft,
        server: world.plan.servers.get(servicePortId(draft.ref)),
      })),
  );
}

/** The endpoints of a ServicePort that take connections, wherever they are. */
export function usableOf(server: VirtualServer | undefined): readonly Endpoint[] {
  return usableEndpoints(server?.endpoints ?? []);
}

/** What a headless Service's name resolves to. */
export function readyAddresses(slices: readonly EndpointSlice[]): readonly string[] {
  const addresses = slices.flatMap((slice) =>
    (slice.endpoints ?? []).flatMap((endpoint) =>
      (endpoint.conditions?.ready ?? true) ? (endpoint.addresses[0] ?? []) : [],
    ),
  );
  return [...new Set(addresses)].toSorted();
}
