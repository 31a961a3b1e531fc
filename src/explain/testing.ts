/** Builds the World of a golden case: its objects from YAML, the Plan and the slices as the product makes them. */
import { desiredGroups, familiesOf } from '../controllers/desired-endpoints.ts';
import { planSlices } from '../controllers/plan-slices.ts';
import { ownerOfPods } from '../controllers/slice-owner.ts';
import {
  freezeCopy,
  isKubeObject,
  isOfKind,
  endpointSliceKind,
  namespaceKind,
  podKind,
  serviceKind,
  type EndpointSlice,
  type Kind,
  type KubeObject,
  type Pod,
  type Service,
} from '../kube/index.ts';
import { parseManifest } from '../manifests/parse.ts';
import {
  BucketMap,
  emptyPlan,
  endpointKey,
  nextPlan,
  parseCidr,
  servicePortId,
  type ApplyReport,
  type Cidr,
  type Endpoint,
  type Entry,
  type Frontend,
  type GatewayLack,
  type NodeView,
  type Plan,
  type Protocol,
  type SecretProblem,
  type VirtualServer,
} from '../model/index.ts';
import { createChangeTracker } from '../plan/tracker.ts';
import { matches } from './service-case.ts';
import { namespaceOf, type SchedulerUse, type World } from './world.ts';

/** The first document of a case. */
export interface CaseHeader {
  /** What the case shows. */
  readonly case: string;
  /** `shop/web`. */
  readonly service?: string;
  readonly flow?: {
    readonly from: string;
    readonly to: string;
    readonly port: number;
    readonly protocol?: Protocol;
    readonly entry?: Entry;
    readonly namespace?: string;
  };
  readonly node?: Partial<Omit<NodeView, 'serviceRanges'>>;
  /** `given`: only the slices of the file; else Pods are listed as the controller would. */
  readonly slices?: 'given';
  /** `missing`: the Plan is empty; `unapplied`: no report yet. */
  readonly plan?: 'missing' | 'unapplied';
  readonly failures?: readonly FrontendRef[];
  readonly standIns?: readonly (FrontendRef & { readonly address: string; readonly at: number })[];
  readonly scheduler?: SchedulerUse;
  /** Of endpoints, by address:port. */
  readonly weights?: Readonly<Record<string, number>>;
  /** What is wrong with the Secret `shop/web-tls`. */
  readonly secretProblem?: SecretProblem;
  /** Requests are balanced here. */
  readonly gateway?: 'live';
  /** Also compare the JSON. */
  readonly json?: boolean;
}

interface FrontendRef {
  /** `shop/web`. */
  readonly of: string;
  readonly kind: Frontend['kind'];
  readonly message?: string;
  readonly remedy?: string;
}

export interface GoldenCase {
  readonly header: CaseHeader;
  readonly world: World;
}

/** The node every case is asked on, unless it says otherwise. */
export const node: NodeView = {
  name: 'node-a',
  zone: 'zone-a',
  addresses: ['192.0.2.1', '2001:db8::1'],
  nodePortAddresses: ['192.0.2.1', '2001:db8::1'],
  serviceRanges: ['10.96.0.0/16', 'fd00:96::/112'].map(range),
  masqueradeAll: false,
  detectsLocalPods: true,
};

/** Throws when the file is no case. */
export function readCase(file: string, text: string): GoldenCase {
  const { documents, problems } = parseManifest(file, text);
  const [first, ...rest] = documents.map((document) => document.value);
  if (problems.length > 0 || first === undefined) {
    throw new Error(`${file} is no case: ${JSON.stringify(problems)}`);
  }
  // A case is written by hand beside its golden file: a wrong header shows in the output.
  const header = first as unknown as CaseHeader;
  const objects = rest.map((value) => {
    if (!isKubeObject(value)) throw new Error(`${file} has a document that is no object`);
    return value;
  });
  return { header, world: freezeCase(worldOf(header, objects)) };
}

/** Plain parts are frozen to show that explaining changes nothing; the Plan's maps are immutable themselves. */
function freezeCase(world: World): World {
  const { namespaces, services, slices, pods, report, gatewayLacks } = world;
  return {
    ...freezeCopy({ namespaces, services, slices, pods, report }),
    report: report === undefined ? undefined : freezeCopy(report),
    plan: world.plan,
    schedulers: world.schedulers,
    gatewayLacks,
  };
}

function worldOf(header: CaseHeader, objects: readonly KubeObject[]): World {
  const services = ofKind(serviceKind, objects);
  const pods = ofKind(podKind, objects);
  const given = ofKind(endpointSliceKind, objects);
  const slices =
    header.slices === 'given'
      ? given
      : [...given, ...services.flatMap((service) => controllerSlices(service, pods))];
  const view = { ...node, ...header.node };
  const plan =
    header.plan === 'missing'
      ? emptyPlan(view)
      : planOf(view, { services, slices, gateway: header.gateway }, header.weights);
  return {
    namespaces: ofKind(namespaceKind, objects),
    services,
    slices,
    pods,
    plan,
    report: header.plan === 'unapplied' ? undefined : reportOf(plan, header),
    schedulers: schedulersOf(plan, header.scheduler),
    gatewayLacks: lacksOf(plan, header.secretProblem),
  };
}

function ofKind<T extends KubeObject>(kind: Kind<T>, objects: readonly KubeObject[]): readonly T[] {
  return objects.filter((object): object is T => isOfKind(kind, object));
}

function controllerSlices(service: Service, pods: readonly Pod[]): readonly EndpointSlice[] {
  const selector = service.spec?.selector;
  if (selector === undefined || service.spec?.type === 'ExternalName') return [];
  const namespace = namespaceOf(service);
  const own = pods.filter((pod) => namespaceOf(pod) === namespace && matches(selector, pod));
  if (own.length === 0) return [];
  return familiesOf(service).flatMap((family) => {
    const groups = desiredGroups(service, own, { family, zoneOf: () => undefined });
    return planSlices(ownerOfPods(service), groups, { family, existing: [] }).create;
  });
}

/** The Plan of a node as the product makes it; `weights` of endpoints by address:port. */
export function planOf(
  view: NodeView,
  objects: {
    readonly services: readonly Service[];
    readonly slices: readonly EndpointSlice[];
    readonly gateway?: CaseHeader['gateway'];
  },
  weights: Readonly<Record<string, number>> = {},
): Plan {
  const port = objects.gateway === undefined ? undefined : gatewayPort;
  const tracker = createChangeTracker({ node: view, gatewayOf: () => port });
  tracker.replaceServices(objects.services);
  tracker.replaceSlices(objects.slices);
  const empty = emptyPlan(view);
  const change = tracker.flush(empty);
  const plan = change === undefined ? empty : (nextPlan(empty, change)?.plan ?? empty);
  return withWeights(plan, weights);
}

const gatewayPort: Endpoint = {
  address: '127.0.0.1',
  port: 40_123,
  ready: true,
  serving: true,
  terminating: false,
  local: true,
  node: undefined,
  zone: undefined,
  zoneHints: [],
  nodeHints: [],
  weight: 1,
  pod: undefined,
};

function lacksOf(plan: Plan, problem: SecretProblem | undefined): World['gatewayLacks'] {
  if (problem === undefined) return undefined;
  const secret = 'shop/web-tls';
  const lack: GatewayLack = { kind: 'secret', problem, secret, text: `Secret ${secret}` };
  return new Map([...plan.servers].map(([id]) => [id, lack]));
}

/** Slices carry no weight yet: it is set on what was planned. */
function withWeights(plan: Plan, weights: Readonly<Record<string, number>>): Plan {
  const weigh = (endpoints: readonly Endpoint[]): readonly Endpoint[] =>
    endpoints.map((e) => ({ ...e, weight: weights[endpointKey(e)] ?? e.weight }));
  const servers = [...plan.servers.values()].map((server) => ({
    ...server,
    endpoints: weigh(server.endpoints),
    pools: {
      cluster: weigh(server.pools.cluster),
      local: weigh(server.pools.local),
      hasAny: server.pools.hasAny,
    },
  }));
  if (Object.keys(weights).length === 0) return plan;
  const empty: Plan = { ...emptyPlan(plan.node), servers: BucketMap.empty() };
  return nextPlan(empty, { set: servers, remove: [] })?.plan ?? empty;
}

function reportOf(plan: Plan, header: CaseHeader): ApplyReport {
  const failures = (header.failures ?? []).flatMap((ref) =>
    frontendsOf(plan, ref).map(({ server, frontend }) => ({
      server: server.id,
      frontend,
      code: 'NET_ADDRESS_IN_USE',
      message: ref.message ?? '',
      remedy: ref.remedy,
    })),
  );
  const standIns = (header.standIns ?? []).flatMap((ref) =>
    frontendsOf(plan, ref).map(({ server, frontend }) => ({
      server: server.id,
      frontend,
      address: { address: ref.address, port: ref.at },
    })),
  );
  return { revision: plan.revision, operations: 0, failures, standIns };
}

function frontendsOf(
  plan: Plan,
  { of, kind }: FrontendRef,
): readonly { readonly server: VirtualServer; readonly frontend: Frontend }[] {
  const found = [...plan.servers.values()]
    .filter(({ ref }) => `${ref.namespace}/${ref.name}` === of)
    .flatMap((server) =>
      server.frontends.filter((f) => f.kind === kind).map((frontend) => ({ server, frontend })),
    );
  if (found.length === 0) throw new Error(`${of} has no ${kind}`);
  return found;
}

function schedulersOf(plan: Plan, use: SchedulerUse | undefined): World['schedulers'] {
  if (use === undefined) return new Map();
  return new Map([...plan.servers.values()].map(({ ref }) => [servicePortId(ref), use]));
}

function range(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(`${text} is no range`);
  return parsed;
}
