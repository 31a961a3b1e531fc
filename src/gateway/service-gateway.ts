/**
 * HTTP at the Service: follows the Plan, keeps a router and a port of the gateway for each per-request ServicePort,
 * and says when one is live, so that the Plan leads to it. A change costs what it changes.
 */
import type { ObjectClient } from '../kube/index.ts';
import type {
  Clock,
  Delta,
  Endpoint,
  EndpointCounters,
  EndpointPlace,
  Plan,
  PoolName,
  Random,
  ServicePortRef,
  SessionKey,
  VirtualServer,
} from '../model/index.ts';
import type { Component, ComponentStatus, Logger, MetricFamily } from '../obs/index.ts';
import type { Connection } from '../sys/net/index.ts';
import { identitiesOf, secretOf } from './certificates.ts';
import { sumCounts } from './counters.ts';
import { labelledPorts, requestFamilies } from './families.ts';
import { byName, portId } from './port-ids.ts';
import { isPerRequest, type RequestServer } from './request-server.ts';
import type { Gateway } from './gateway.ts';
import { createHostRouter, type HostRouter, type HostScope } from './host-router.ts';
import type { GatewayThreads } from './gateway-threads.ts';
import { plainPort } from './plain-port.ts';
import type { Elsewhere, GatewayTls, PortOrder, TlsIdentity } from './router.ts';
import { ServiceRouter, type RequestWatcher } from './service-router.ts';
import { createSessionKeys } from './session-keys.ts';
import { createTlsSecrets } from './tls-secrets.ts';

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
  /** What a per-request ServicePort lacks to be served, in words; undefined when nothing is missing. */
  lackOf(id: string): string | undefined;
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

/** A per-request ServicePort of the Plan. */
interface Served {
  server: RequestServer;
  readonly router: ServiceRouter;
  /** The keys that its router has. */
  keys: readonly SessionKey[];
  /** What the engine was last told, as text; undefined while the port is not served. */
  told: string | undefined;
  live: boolean;
  lack: string | undefined;
}

/** For the next request on a connection that is kept: with its answer the client learns that it is to go. */
const retirePatienceMs = 1_000;

class Following implements ServiceGateway {
  readonly name = 'gateway';
  private readonly options: ServiceGatewayOptions;
  private readonly served = new Map<string, Served>();
  private readonly keys;
  private readonly secrets;
  /** The engine is told one thing after the other. */
  private telling: Promise<void> = Promise.resolve();
  private plan: Plan | undefined;
  private byHost: HostRouter | undefined;
  private state: ComponentStatus = { state: 'starting', detail: undefined };

  constructor(options: ServiceGatewayOptions) {
    this.options = options;
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
    await Promise.all([this.keys.stop(), this.secrets.stop()]);
    await this.telling;
    await this.options.gateway.stop(signal, patienceMs);
  }

  status(): ComponentStatus {
    const keys = this.keys.status();
    const missed = [...this.served.values()].some(({ server }) => server.perRequest.cookie);
    return keys.state === 'degraded' && missed ? keys : this.state;
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
    if (served === undefined) return undefined;
    const { server, live } = served;
    if (!live) return undefined;
    const at = this.options.gateway.addressOf(portId(id, usesLocal(server) ? pool : 'cluster'));
    return at === undefined ? undefined : { ...syntheticEndpoint, ...at };
  }

  lackOf(id: string): string | undefined {
    const served = this.served.get(id);
    if (served?.lack !== undefined || served === undefined) return served?.lack;
    return this.lacksKey(served.server) ? 'there is no key for cookies yet' : undefined;
  }

  isSettled(plan: Plan): boolean {
    for (const [id, { told, live, router }] of this.served) {
      if (told === undefined) continue;
      if (!router.isKnown) return false;
      const server = plan.servers.get(id);
      const empty = server?.pools.cluster.length === 0;
      if (!live || (!empty && server?.pools.cluster === server?.perRequest?.pools.cluster)) {
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
    for (const [id, { server, router, live }] of this.served) {
      if (live) counters.set(id, router.count.observe(server.endpoints));
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
      const router = new ServiceRouter(server, { clock, random, shared });
      served = { server, router, keys: [], told: undefined, live: false, lack: undefined };
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
    served.live = false;
    this.enqueue(() => this.withdraw(id));
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
    const { id, ref, perRequest } = served.server;
    const { trustedProxies } = perRequest;
    const secret = secretOf(served.server);
    this.note(served, secret);
    const identity = secret === undefined ? undefined : this.secrets.identity(secret);
    if (secret !== undefined) this.options.threads?.certify(secret, identity);
    const lacksSecret = secret !== undefined && identity === undefined;
    const told =
      lacksSecret || this.lacksKey(served.server)
        ? undefined
        : JSON.stringify([secret, trustedProxies, usesLocal(served.server)]);
    if (told === served.told) return;
    served.told = told;
    this.enqueue(async () => {
      if (this.served.get(id) !== served) return;
      if (told === undefined) await this.withdraw(id);
      else await this.serve(served, secret);
      if (served.live === (told !== undefined)) return;
      served.live = told !== undefined;
      this.options.changed(ref);
    });
  }

  private lacksKey({ perRequest }: RequestServer): boolean {
    return perRequest.affinity === 'cookie' && this.keys.keys().length === 0;
  }

  /** Takes note of what is missing, and says so when that is news. */
  private note(served: Served, secret: string | undefined): void {
    const { server } = served;
    const problem = secret === undefined ? undefined : this.secrets.problem(secret);
    const before = served.lack;
    served.lack = problem === undefined ? undefined : `Secret ${secret} ${problem}`;
    if (served.lack === undefined || served.lack === before) return;
    this.options.lacks?.(server.ref, served.lack);
  }

  private async serve({ server, router }: Served, secret: string | undefined): Promise<void> {
    const { acceptProxyProtocol } = this.options;
    const { trustedProxies } = server.perRequest;
    const tls = this.tlsOf(secret);
    const pools: readonly PoolName[] = usesLocal(server) ? ['cluster', 'local'] : ['cluster'];
    for (const pool of pools) {
      const id = portId(server.id, pool);
      const common = { ...plainPort, id, trustedProxies, acceptProxyProtocol };
      const order = {
        ...common,
        serves: { server: server.id, pool },
        tls: secret === undefined ? undefined : { secret },
      };
      // Who watches choices hears of those that are made here.
      const elsewhere = elsewhereOf(order, () => router.isWatched);
      await this.options.gateway.serve({ ...common, tls, elsewhere, router: router.router(pool) });
    }
  }

  private async withdraw(id: string): Promise<void> {
    const { gateway } = this.options;
    await Promise.all([
      gateway.withdraw(portId(id, 'cluster')),
      gateway.withdraw(portId(id, 'local')),
    ]);
  }

  private tlsOf(secret: string | undefined): GatewayTls | undefined {
    if (secret === undefined) return undefined;
    return {
      identities: () => {
        const identity = this.secrets.identity(secret);
        return identity === undefined ? [] : [identity];
      },
    };
  }

  private enqueue(work: () => Promise<void>): void {
    this.telling = this.telling.then(work).catch((error: unknown) => {
      this.options.log.error('Cannot serve a port of the gateway', { error });
    });
  }
}

function elsewhereOf(order: PortOrder, stays: () => boolean): Elsewhere {
  const { id, serves, tls, trustedProxies, acceptProxyProtocol } = order;
  return { order: { id, serves, tls, trustedProxies, acceptProxyProtocol }, stays };
}

const syntheticEndpoint: Omit<Endpoint, 'address' | 'port'> = {
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

function usesLocal(server: VirtualServer): boolean {
  return server.internalTrafficPolicy === 'Local' || server.externalTrafficPolicy === 'Local';
}
