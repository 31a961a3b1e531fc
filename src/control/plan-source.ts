/** Answers the commands from what a node holds: its Plan, its driver, and the driver's last report. */
import type { World } from '../explain/index.ts';
import { measureSpread } from '../lab/index.ts';
import {
  formatSocketAddress,
  leadsToGateway,
  type ApplyReport,
  type Clock,
  type Driver,
  type Plan,
  type SocketAddress,
  type VirtualServer,
} from '../model/index.ts';
import type { NetEngine } from '../sys/net/index.ts';
import { ControlError } from './errors.ts';
import type { NameSource } from './name-protocol.ts';
import type { RequestSource } from './request-protocol.ts';
import type { InstanceView, MetricsView, SpreadRequest } from './protocol.ts';
import { explainIn } from './explain-view.ts';
import { createReach, formatFrontend, type Applied, type Reach } from './reach.ts';
import type { ControlSource } from './server.ts';
import type { WorkloadSource } from './workload-protocol.ts';
import { endpointViews, planView, serversOf, servicePortViews, spreadView } from './views.ts';

export interface PlanSourceOptions {
  readonly instance: () => InstanceView;
  /** The Plan applied last. */
  readonly plan: () => Plan;
  /** What the driver said of it; undefined before the first apply. */
  readonly report: () => ApplyReport | undefined;
  readonly driver: Pick<Driver, 'name' | 'capabilities' | 'locate' | 'observe' | 'audit'>;
  readonly engine: NetEngine;
  readonly clock: Clock;
  /** Objects, Plan and report as they are now, for explanations. */
  readonly world: () => Promise<World>;
  /** Undefined where nothing is measured. */
  readonly metrics?: (() => Promise<MetricsView>) | undefined;
  /** Where Pods are run. */
  readonly workloads?: WorkloadSource | undefined;
  /** Where names are answered. */
  readonly names?: NameSource | undefined;
  /** Where requests are decided. */
  readonly requests?: RequestSource | undefined;
}

const connectTimeoutMs = 5_000;

export function createPlanSource(options: PlanSourceOptions): ControlSource {
  const applied = (): Applied => ({ plan: options.plan(), report: options.report() });
  return {
    instance: options.instance,
    workloads: options.workloads,
    names: options.names,
    requests: options.requests,
    services: (filter) =>
      servicePortViews(applied(), filter, options.driver.capabilities.schedulers),
    endpoints: (filter) => endpointViews(options.plan(), options.driver.observe(), filter),
    traffic: (filter) => {
      const plan = options.plan();
      const observation = options.driver.observe();
      return {
        atMs: options.clock.monotonic(),
        planRevision: plan.revision,
        limited: observation.limited,
        endpoints: endpointViews(plan, observation, filter),
      };
    },
    metrics: async () => (await options.metrics?.()) ?? { address: undefined, text: '' },
    plan: () => planView(options.plan()),
    audit: async () => ({
      driver: options.driver.name,
      deviations: (await options.driver.audit?.()) ?? [],
    }),
    explain: async (request) => explainIn(await options.world(), request),
    spread: async (request, { onProgress, signal }) => {
      const now = applied();
      const { server, declared, target } = chooseTarget(now, request);
      const measurement = await measureSpread({
        engine: options.engine,
        driver: options.driver,
        clock: options.clock,
        request: requestTo(server, options.requests),
        plan: now.plan,
        protocol: server.ref.protocol,
        declared,
        target,
        connections: request.connections,
        concurrency: request.concurrency,
        timeoutMs: connectTimeoutMs,
        onProgress,
        signal,
      });
      return spreadView(request, { server, target: formatSocketAddress(target), measurement });
    },
  };
}

/** Where a gateway balances the requests of a ServicePort, those are what spreads. */
function requestTo(
  server: VirtualServer,
  requests: RequestSource | undefined,
): ((at: SocketAddress) => ReturnType<RequestSource['probe']>) | undefined {
  if (requests === undefined || leadsToGateway(server) !== true) return undefined;
  return (at) => requests.probe(server.id, at);
}

interface Target {
  readonly server: VirtualServer;
  readonly declared: SocketAddress;
  readonly target: SocketAddress;
}

function chooseTarget(applied: Applied, request: SpreadRequest): Target {
  const { namespace, service } = request;
  const all = serversOf(applied.plan, { namespace, name: service });
  const name = `${namespace}/${service}`;
  if (all.length === 0) {
    throw new ControlError(
      'CONTROL_SERVICE_NOT_FOUND',
      `Cannot measure the spread of ${name}: no Service of that name is forwarded`,
      { remedy: 'See those that are with switchyard get services -A' },
    );
  }
  const servers = choosePort(all, request);
  const reachOf = createReach(applied);
  const reaches = servers.flatMap((server) => reachOf(server).map((reach) => ({ server, reach })));
  for (const { server, reach } of reaches) {
    const [target] = reach.addresses;
    if (target === undefined) continue;
    const { address = target.address, port } = reach.frontend;
    return { server, declared: { address, port }, target };
  }
  throw notReachable(
    name,
    reaches.map(({ reach }) => reach),
  );
}

/** One port, in each family it has. */
function choosePort(
  all: readonly VirtualServer[],
  { namespace, service, port }: SpreadRequest,
): readonly VirtualServer[] {
  const carried = all.filter(({ ref }) => ref.protocol !== 'SCTP');
  const named = port === undefined ? carried : carried.filter((server) => hasPort(server, port));
  // A port for both protocols, as DNS has, is one to people: TCP then, which answers for sure.
  const tcp = named.filter(({ ref }) => ref.protocol === 'TCP');
  const isBoth = tcp.length > 0 && new Set(named.map(numberOf)).size === 1;
  const matching = isBoth ? tcp : named;
  const names = new Set(matching.map(({ ref }) => ref.portName));
  if (names.size === 1) return matching;
  const details = [...new Set(all.map(describePort))];
  if (names.size === 0) {
    throw new ControlError(
      'CONTROL_PORT_NOT_FOUND',
      `Cannot measure the spread of ${namespace}/${service}: it has no TCP or UDP port${port === undefined ? '' : ` ${port}`}`,
      { details, remedy: 'Name one of its TCP or UDP ports with --port' },
    );
  }
  throw new ControlError(
    'CONTROL_PORT_NEEDED',
    `Cannot measure the spread of ${namespace}/${service}: it has several ports`,
    { details, remedy: 'Name one of them with --port' },
  );
}

/** Of the port itself; a NodePort is another number for it. */
function numberOf({ frontends }: VirtualServer): number | undefined {
  return frontends.find(({ kind }) => kind !== 'nodePort')?.port;
}

function hasPort(server: VirtualServer, port: string): boolean {
  return (
    server.ref.portName === port ||
    server.frontends.some((f) => f.kind !== 'nodePort' && String(f.port) === port)
  );
}

function describePort({ ref, frontends }: VirtualServer): string {
  const number = frontends[0] === undefined ? '' : ` ${frontends[0].port}`;
  return `port${number} ${ref.protocol}${ref.portName === '' ? '' : ` (${ref.portName})`}`;
}

function notReachable(name: string, reaches: readonly Reach[]): ControlError {
  const problem = reaches.find((reach) => reach.problem !== undefined)?.problem;
  const details = reaches.map(({ frontend, problem: why }) => {
    const at = `${frontend.kind} ${formatFrontend(frontend)}`;
    return why === undefined ? at : `${at}: ${why.message}`;
  });
  return new ControlError(
    'CONTROL_NOT_REACHABLE',
    `Cannot measure the spread of ${name}: none of its frontends answers`,
    { details, remedy: problem?.remedy ?? 'See switchyard get services' },
  );
}
