/** Routes the requests of one per-request ServicePort by the model's word, and remembers what choosing needs. */
import {
  createSessions,
  decideRequest,
  endpointKey,
  keepsSessions,
  matchesAll,
  RequestChoices,
  TokenCache,
  type ChooseRequest,
  type Clock,
  type Endpoint,
  type ForwardRequest,
  type PoolName,
  type Random,
  type RequestBackend,
  type RequestDecision,
  type RequestLoad,
  type RequestTrace,
  type RouteTable,
  type SessionKey,
  type Sessions,
  type SocketAddress,
} from '../model/index.ts';
import type { HttpRequest } from '../model/index.ts';
import { defaultPolicy } from './bounds.ts';
import type { RequestServer } from './request-server.ts';
import { RequestCount, type RequestCounters } from './request-count.ts';
import type {
  Forwarded,
  Outcome,
  Refused,
  RequestFacts,
  RequestPolicy,
  RequestRouter,
  Routed,
  RoutedEndpoint,
} from './router.ts';
import type { SharedChoices, SharedRendering } from './shared-choices.ts';

/** Told of a client and the endpoint that was chosen for its request. */
export type RequestWatcher = (client: SocketAddress, endpoint: Endpoint) => void;

export interface ServiceRouterOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** What it shares with the routers that other threads have for this ServicePort; undefined: there are none. */
  readonly shared?: SharedChoices | undefined;
}

const refusals: Readonly<Record<Extract<RequestDecision, { kind: 'refuse' }>['why'], string>> = {
  'no-route': 'no route is for this host and path',
  'no-backend': 'the route has no backend that takes requests',
  'no-endpoints': 'no endpoint of the Service is ready',
};

/** Everything that is known of an endpoint of the Plan in force, made once. */
interface Known {
  readonly routed: RoutedEndpoint;
  readonly load: RequestLoad;
  readonly counters: RequestCounters;
}

export class ServiceRouter {
  readonly count: RequestCount;
  private readonly options: ServiceRouterOptions;
  private readonly choices: RequestChoices;
  private readonly tokens = new TokenCache();
  private readonly known = new Map<Endpoint, Known>();
  private readonly watchers = new Set<RequestWatcher>();
  private server: RequestServer;
  private policy: RequestPolicy = defaultPolicy;
  private tables: Readonly<Record<PoolName, RouteTable>> = { cluster: [], local: [] };

  constructor(server: RequestServer, options: ServiceRouterOptions) {
    const { clock, random, shared } = options;
    this.options = options;
    this.choices = new RequestChoices(random, shared);
    this.count = new RequestCount({ clock, shared });
    this.server = server;
  }

  /** Every thread chooses by what was last followed here. */
  get isKnown(): boolean {
    return this.options.shared?.isKnown ?? true;
  }

  /** Somebody wants to know of each choice, and hears of those that are made in this thread. */
  get isWatched(): boolean {
    return this.watchers.size > 0;
  }

  /**
   * Takes note of the ServicePort and the keys as they are now; requests under way go on. `rendering`: what the first
   * thread made of it, in any other.
   */
  follow(server: RequestServer, keys: readonly SessionKey[], rendering?: SharedRendering): void {
    this.server = server;
    const { retries, on, responseTimeoutMs } = server.perRequest.retry;
    this.policy = { ...defaultPolicy, retries, retryOn: on, responseTimeoutMs };
    this.tables = { cluster: this.tableOf('cluster', keys), local: this.tableOf('local', keys) };
    this.followChoices(server, rendering);
    this.count.retain(server.endpoints);
    this.known.clear();
  }

  private followChoices(server: RequestServer, rendering: SharedRendering | undefined): void {
    const { clock, shared } = this.options;
    if (shared !== undefined && rendering !== undefined) {
      shared.learn(server, rendering);
      return this.choices.learn(rendering.newcomers);
    }
    shared?.enter();
    try {
      this.choices.follow(server, clock.monotonic());
    } finally {
      shared?.leave();
    }
    shared?.render(server, this.choices.newcomers());
  }

  /** The way in for connections that the traffic policy sent to this pool. */
  router(pool: PoolName): RequestRouter {
    return { route: (request) => this.route(pool, request) };
  }

  /** Tells of each choice until the returned function is called. */
  watch(watcher: RequestWatcher): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  /** The decision alone, with its steps: nothing is chosen or counted. */
  explain(pool: PoolName, request: HttpRequest, trace: RequestTrace): RequestDecision {
    return decideRequest(this.tables[pool], request, { random: this.options.random, trace });
  }

  private tableOf(pool: PoolName, keys: readonly SessionKey[]): RouteTable {
    const { id, perRequest, scheduler } = this.server;
    const candidates = perRequest.pools[pool];
    const sessions = this.sessionsOf(pool, keys);
    const backend: RequestBackend = {
      id,
      pool,
      candidates,
      scheduler,
      hash: perRequest.hash,
      sessions,
    };
    return [{ name: id, match: matchesAll, targets: [{ weight: 1, backend }] }];
  }

  private sessionsOf(pool: PoolName, keys: readonly SessionKey[]): Sessions | undefined {
    const { ref, endpoints, perRequest } = this.server;
    const { cookie } = perRequest;
    if (cookie === undefined || keys.length === 0) return undefined;
    const serving = endpoints.filter(
      (each) => keepsSessions(each) && (pool === 'cluster' || each.local),
    );
    const scope = `${ref.namespace}/${ref.name}`;
    return createSessions(serving, { cookie, scope, keys, tokens: this.tokens });
  }

  private route(pool: PoolName, request: RequestFacts): Routed {
    const decision = decideRequest(this.tables[pool], request, this.options);
    if (decision.kind === 'refuse') return refuse(decision.status, refusals[decision.why]);
    const { clock, shared } = this.options;
    const destination = this.server.frontends[0]?.address ?? '';
    const asked = new Asked(clock, request, destination);
    if (shared === undefined) return this.choose(decision, asked, request);
    shared.enter();
    try {
      return this.choose(decision, asked, request);
    } finally {
      shared.leave();
    }
  }

  private choose(decision: ForwardRequest, asked: Asked, { client }: RequestFacts): Routed {
    const choice = this.choices.choose(decision, asked);
    if (choice === undefined) return refuse(503, 'every endpoint of the Service failed');
    if (this.watchers.size > 0) {
      for (const watcher of this.watchers) watcher(client, choice.endpoint);
    }
    return this.forward(decision, choice.endpoint, choice.setCookie);
  }

  private forward(
    { backend }: ForwardRequest,
    endpoint: Endpoint,
    setCookie: string | undefined,
  ): Forwarded {
    const { count } = this;
    const { clock, shared } = this.options;
    const { routed, load, counters } = this.knownOf(endpoint, backend.id);
    load.opened();
    counters.opened();
    return {
      kind: 'forward',
      endpoint: routed,
      addToResponse: setCookie === undefined ? none : [['Set-Cookie', setCookie]],
      policy: this.policy,
      ended: (outcome) => {
        const failed = isEndpointsFault(outcome);
        const nowMs = outcome.atMs ?? clock.monotonic();
        shared?.enter();
        try {
          load.closed();
          count.closed(routed.key, counters, failed);
          if (failed) load.failed(nowMs);
          else if (outcome.status !== undefined) {
            load.answered({ latencyMs: outcome.latencyMs, nowMs });
          }
        } finally {
          shared?.leave();
        }
      },
    };
  }

  private knownOf(endpoint: Endpoint, backend: string): Known {
    const before = this.known.get(endpoint);
    if (before !== undefined) return before;
    const { address, port } = endpoint;
    const { perRequest, proxyProtocol } = this.server;
    const { protocol } = perRequest;
    const key = endpointKey(endpoint);
    const known: Known = {
      routed: { key, address, port, protocol, proxyProtocol },
      load: this.choices.loadOf(backend, endpoint),
      counters: this.count.of(key),
    };
    this.known.set(endpoint, known);
    return known;
  }
}

/** What choosing may ask of a request; most have a session, and then nothing asks for the time. */
class Asked implements ChooseRequest {
  readonly client: string;
  readonly destination: string;
  readonly tried: readonly string[];
  private readonly clock: Clock;

  constructor(clock: Clock, { client, tried }: RequestFacts, destination: string) {
    this.clock = clock;
    this.client = client.address;
    this.tried = tried;
    this.destination = destination;
  }

  get nowMs(): number {
    return this.clock.monotonic();
  }
}

const none: readonly never[] = [];

function refuse(status: number, reason: string): Refused {
  return { kind: 'refuse', status, reason };
}

function isEndpointsFault({ failure }: Outcome): boolean {
  switch (failure) {
    case 'connect':
    case 'reset':
    case 'timeout':
    case 'malformed':
      return true;
    case 'stale':
    case 'client-gone':
    case 'status':
    case undefined:
      return false;
  }
}
