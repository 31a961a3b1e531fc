/**
 * HTTP at the Service: follows the Plan, keeps a router and a port of the gateway for each per-request ServicePort,
 * and says when one is live, so that the Plan leads to it. A change costs what it changes.
 */
import type { ObjectClient } from '../kube/index.ts';
import {
  leadsToGateway,
  type Clock,
  type Delta,
  type Endpoint,
  type EndpointCounters,
  type EndpointPlace,
  type GatewayLack,
  type Plan,
  type PoolName,
  type Random,
  type ServicePortRef,
  type VirtualServer,
} from '../model/index.ts';
import type { Component, ComponentStatus, Logger, MetricFamily } from '../obs/index.ts';
import type { Connection } from '../sys/net/index.ts';
import { identitiesOf, secretOf, tlsOf } from './certificates.ts';
import { sumCounts } from './counters.ts';
import { labelledPorts, requestFamilies } from './families.ts';
import { byName, portId } from './port-ids.ts';
import type { Gateway } from './gateway.ts';
import { createHostRouter, type HostRouter, type HostScope } from './host-router.ts';
import type { GatewayThreads } from './gateway-threads.ts';
import { plainPort } from './plain-port.ts';
import { isPerRequest, type RequestServer } from './request-server.ts';
import { elsewhereOf, newlyServed, ServicePorts, type Served } from './service-ports.ts';
import type { Elsewhere, TlsIdentity } from './router.ts';
import { ServiceRouter, type RequestWatcher } from './service-router.ts';
import { createSessionKeys } from './session-keys.ts';
import { createTlsSecrets, secretProblems } from './tls-secrets.ts';

export interface ServiceGatewayOptions {
  readonly gateway: Gateway;
  /** The other threads that the gateway has; undefined: there are none. */
  readonly threads?: GatewayThreads | undefined;
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Whose names the ports that are shared by all Services answer to. */
  readonly scope: HostScope;
  /** Clients are proxies that say first whom they speak for, by the PROXY protocol. */
  readonly acceptProxyProtocol: boolean;
  /** How long requests under way may take at the end. */
  readonly drainMs: number;
  /** Told once of each thing a ServicePort lacks here, in words; nobody when undefined. */
  readonly lacks?: ((ref: ServicePortRef, what: string) => void) | undefined;
  /** Called when the gateway of a ServicePort came or went: its Service is to be compiled again. */
  readonly changed: (ref: ServicePortRef) => void;
}

export interface ServiceGateway extends Component {
  /** As `stop`, where others go on serving: who keeps a connection is told to go; cut off only when `signal` aborts. */
  retire(signal: AbortSignal): Promise<void>;
  /** Takes note of the Plan in force; without a Delta of all of it. */
  follow(plan: Plan, delta: Delta | undefined): void;
  /** What drivers are told stands behind a ServicePort; undefined while its gateway is not live. */
  gatewayOf(id: string, pool: PoolName): Endpoint | undefined;
  /** What a per-request ServicePort lacks to be served as it should; undefined when nothing is missing. */
  lackOf(id: string): GatewayLack | undefined;
  /** Whether every port that can be served is, and the Plan leads to it. */
  isSettled(plan: Plan): boolean;
  /** Takes a connection whose source and policy are decided. False: it is not ours, and still whole. */
  handOver(connection: Connection, id: string, pool: PoolName): boolean;
  /** Requests, statuses and latencies of each port and endpoint, for Prometheus. */
  metrics(): Promise<readonly MetricFamily[]>;
  /** Requests as a driver tells of connections, by ServicePort id: of those that are live. */
  observe(): ReadonlyMap<string, ReadonlyMap<string, EndpointCounters>>;
  /** Resolves when no request is under way at any of these, or when `signal` aborts. */
  drained(places: readonly EndpointPlace[], signal: AbortSignal): Promise<void>;
  /** Tells of each choice for a ServicePort, on connections that come from now on, until the returned function is called. */
  watch(id: string, watcher: RequestWatcher): () => void;
  /** The router of a per-request ServicePort, for explanations. */
  routerOf(id: string): ServiceRouter | undefined;
  /** Takes a connection of a client that says by name which Service it wants, over TLS or without. */
  takeByName(connection: Connection, how: { readonly tls: boolean }): boolean;
}

export function createServiceGateway(options: ServiceGatewayOptions): ServiceGateway {
  return new Following(options);
}

/** For the next request on a connection that is kept: with its answer the client learns that it is to go. */
const retirePatienceMs = 1_000;

class Following implements ServiceGateway {
  readonly name = 'gateway';
  private readonly options: ServiceGatewayOptions;
  private readonly served = new Map<string, Served>();
  private readonly keys;
  private readonly secrets;
  private readonly ports: ServicePorts;
  private plan: Plan | undefined;
  private byHost: HostRouter | undefined;
  private state: ComponentStatus = { state: 'starting', detail: undefined };

  constructor(options: ServiceGatewayOptions) {
    this.options = options;
    this.ports = new ServicePorts(options, (secret) =>
      tlsOf(secret, (name) => this.secrets.identity(name)),
    );
    const { client, clock, random, log } = options;
    const changed = (): void => this.refreshAll();
    const common = { client, clock, random, log, changed };
    this.keys = createSessionKeys(common);
    this.secrets = createTlsSecrets(common);
  }

  async start(signal: AbortSignal): Promise<void> {
    const { gateway, scope } = this.options;
    await Promise.all([this.keys.start(signal), this.secrets.start(signal)]);
    const router = createHostRouter({ ...this.options, plan: () => this.plan, routers: this });
    this.byHost = router;
    const { acceptProxyProtocol } = this.options;
    const shared = { ...plainPort, acceptProxyProtocol, router };
    // Of the names of this host any TCP port of a Plan may be meant, which other threads know nothing of.
    const elsewhere = (id: string, tls?: 'all'): Elsewhere | undefined =>
      scope === 'localhost'
        ? undefined
        : elsewhereOf({ ...shared, id, serves: undefined, tls }, () => false);
    gateway.carry({ ...shared, id: byName.plain, elsewhere: elsewhere(byName.plain) });
    const tls = { identities: () => this.identities() };
    gateway.carry({ ...shared, id: byName.tls, tls, elsewhere: elsewhere(byName.tls, 'all') });
    this.state = { state: 'ready', detail: undefined };
  }

  async stop(): Promise<void> {
    await this.end(AbortSignal.timeout(this.options.drainMs), 0);
  }

  async retire(signal: AbortSignal): Promise<void> {
    await this.end(signal, retirePatienceMs);
  }

  private async end(signal: AbortSignal, patienceMs: number): Promise<void> {
    this.state = { state: 'stopped', detail: undefined };
    await this.ports.end(this.served.values());
    await Promise.all([this.keys.stop(), this.secrets.stop()]);
    await this.options.gateway.stop(signal, patienceMs);
  }

  status(): ComponentStatus {
    const keys = this.keys.status();
    const all = [...this.served.values()];
    const missed = all.some(({ server }) => server.perRequest.cookie);
    if (keys.state === 'degraded' && missed) return keys;
    const failed = all.find(({ failure }) => failure !== undefined);
    if (failed === undefined || this.state.state !== 'ready') return this.state;
    return { state: 'degraded', detail: `${failed.server.id} is not served: ${failed.failure}` };
  }

  follow(plan: Plan, delta: Delta | undefined): void {
    this.plan = plan;
    if (delta === undefined) {
      for (const id of this.served.keys()) {
        if (plan.servers.get(id) === undefined) this.forget(id);
      }
      for (const server of plan.servers.values()) this.set(server);
      return;
    }
    for (const { id } of delta.removed) this.forget(id);
    for (const server of delta.added) this.set(server);
    for (const { after } of delta.updated) this.set(after);
  }

  gatewayOf(id: string, pool: PoolName): Endpoint | undefined {
    const served = this.served.get(id);
    return served === undefined ? undefined : this.ports.endpointOf(served, pool);
  }

  lackOf(id: string): GatewayLack | undefined {
    const served = this.served.get(id);
    if (served === undefined) return undefined;
    const ofSecret = this.secretLack(served);
    if (ofSecret !== undefined) return ofSecret;
    if (served.failure !== undefined) return { kind: 'port', text: served.failure };
    return this.lacksKey(served.server)
      ? { kind: 'session-key', text: 'there is no key for cookies yet' }
      : undefined;
  }

  isSettled(plan: Plan): boolean {
    for (const [id, { told, ports, router }] of this.served) {
      if (told === undefined) continue;
      if (!router.isKnown) return false;
      const server = plan.servers.get(id);
      if (ports.length === 0 || (server !== undefined && leadsToGateway(server) === false)) {
        return false;
      }
    }
    return true;
  }

  handOver(connection: Connection, id: string, pool: PoolName): boolean {
    return this.options.gateway.take(portId(id, pool), connection);
  }

  observe(): ReadonlyMap<string, ReadonlyMap<string, EndpointCounters>> {
    const counters = new Map<string, ReadonlyMap<string, EndpointCounters>>();
    for (const [id, { server, router, ports }] of this.served) {
      if (ports.length > 0) counters.set(id, router.count.observe(server.endpoints));
    }
    return counters;
  }

  async metrics(): Promise<readonly MetricFamily[]> {
    const { gateway, threads } = this.options;
    const others = (await threads?.counted()) ?? [];
    const named = [...(this.byHost?.counts() ?? [])].map(([id, count]) => count.view(id));
    const all = [...gateway.observe(), ...others.flatMap(({ ports }) => ports)];
    const ports = labelledPorts(sumCounts(all), {
      served: [...this.served.values()].map(({ server }) => server),
      byName: sumCounts([...named, ...others.flatMap((each) => each.byName)]),
      serverOf: (id) => this.plan?.servers.get(id),
    });
    return requestFamilies(ports);
  }

  async drained(places: readonly EndpointPlace[], signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => aborted.resolve(), { once: true });
    if (signal.aborted) return;
    const idle = places.map(async ({ server, endpoint }) =>
      this.served.get(server)?.router.count.idle(endpoint, signal),
    );
    await Promise.race([aborted.promise, Promise.all(idle)]);
  }

  watch(id: string, watcher: RequestWatcher): () => void {
    return this.served.get(id)?.router.watch(watcher) ?? (() => undefined);
  }

  routerOf(id: string): ServiceRouter | undefined {
    return this.served.get(id)?.router;
  }

  takeByName(connection: Connection, { tls }: { readonly tls: boolean }): boolean {
    return this.options.gateway.take(tls ? byName.tls : byName.plain, connection);
  }

  private identities(): readonly TlsIdentity[] {
    const servers = [...this.served.values()].map(({ server }) => server);
    return identitiesOf(servers, (secret) => this.secrets.identity(secret));
  }

  private set(server: VirtualServer): void {
    if (!isPerRequest(server)) return this.forget(server.id);
    let served = this.served.get(server.id);
    if (served === undefined) {
      const { clock, random, threads } = this.options;
      const shared = threads?.share(server.id);
      served = newlyServed(server, new ServiceRouter(server, { clock, random, shared }));
      this.served.set(server.id, served);
    }
    served.server = server;
    this.lead(served);
    this.tell(served);
  }

  /** Routers learn the ServicePort as it is now, here and in other threads. */
  private lead(served: Served): void {
    const { server, router } = served;
    served.keys = this.keys.keys();
    router.follow(server, served.keys);
    this.options.threads?.follow(server, served.keys);
  }

  private forget(id: string): void {
    const served = this.served.get(id);
    if (served === undefined) return;
    this.served.delete(id);
    this.options.threads?.forget(id);
    this.ports.forget(served);
  }

  /** Keys or certificates are others: routers learn it, and ports that waited for them begin. */
  private refreshAll(): void {
    for (const served of this.served.values()) {
      if (served.keys !== this.keys.keys()) this.lead(served);
      this.tell(served);
    }
  }

  /** Serves a port as its ServicePort asks, or not while what it needs is missing. */
  private tell(served: Served): void {
    const secret = secretOf(served.server);
    this.note(served);
    const identity = secret === undefined ? undefined : this.secrets.identity(secret);
    if (secret !== undefined) this.options.threads?.certify(secret, identity);
    const lacksSecret = secret !== undefined && identity === undefined;
    const isWanted = !lacksSecret && !this.lacksKey(served.server);
    this.ports.set(served, isWanted ? { secret } : undefined);
  }

  private lacksKey({ perRequest }: RequestServer): boolean {
    return perRequest.affinity === 'cookie' && this.keys.keys().length === 0;
  }

  private secretLack({ server }: Served): GatewayLack | undefined {
    const secret = secretOf(server);
    const problem = secret === undefined ? undefined : this.secrets.problem(secret);
    if (secret === undefined || problem === undefined) return undefined;
    return { kind: 'secret', problem, secret, text: `Secret ${secret} ${secretProblems[problem]}` };
  }

  /** Takes note of what is missing, and says so when that is news. */
  private note(served: Served): void {
    const before = served.lack;
    served.lack = this.secretLack(served)?.text;
    if (served.lack === undefined || served.lack === before) return;
    this.options.lacks?.(served.server.ref, served.lack);
  }
}
