/** Routes the requests of one per-request ServicePort by the model's word, and remembers what choosing needs. */
import {
  createSessions,
  decideRequest,
  endpointKey,
  keepsSessions,
  matchesAll,
  RequestChoices,
  TokenCache,
  type Clock,
  type Endpoint,
  type ForwardRequest,
  type PerRequest,
  type PoolName,
  type Random,
  type RequestBackend,
  type RequestDecision,
  type RequestTrace,
  type RouteTable,
  type SessionKey,
  type Sessions,
  type VirtualServer,
} from '../model/index.ts';
import type { HttpRequest } from '../model/index.ts';
import { defaultPolicy } from './bounds.ts';
import { RequestCount } from './request-count.ts';
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

/** A per-request ServicePort: `perRequest` is there. */
export type RequestServer = VirtualServer & { readonly perRequest: PerRequest };

export interface ServiceRouterOptions {
  readonly clock: Clock;
  readonly random: Random;
}

const refusals: Readonly<Record<Extract<RequestDecision, { kind: 'refuse' }>['why'], string>> = {
  'no-route': 'no route is for this host and path',
  'no-backend': 'the route has no backend that takes requests',
  'no-endpoints': 'no endpoint of the Service is ready',
};

/** Everything that is known of an endpoint of the Plan in force, made once. */
interface Known {
  readonly endpoint: Endpoint;
  readonly routed: RoutedEndpoint;
}

export class ServiceRouter {
  readonly count = new RequestCount();
  private readonly options: ServiceRouterOptions;
  private readonly choices: RequestChoices;
  private readonly tokens = new TokenCache();
  private readonly routed = new Map<string, Known>();
  private server: RequestServer;
  private policy: RequestPolicy = defaultPolicy;
  private tables: Readonly<Record<PoolName, RouteTable>> = { cluster: [], local: [] };

  constructor(server: RequestServer, options: ServiceRouterOptions) {
    this.options = options;
    this.choices = new RequestChoices(options.random);
    this.server = server;
  }

  /** Takes note of the ServicePort and the keys as they are now; requests under way go on. */
  follow(server: RequestServer, keys: readonly SessionKey[]): void {
    this.server = server;
    const { retries, on, responseTimeoutMs } = server.perRequest.retry;
    this.policy = { ...defaultPolicy, retries, retryOn: on, responseTimeoutMs };
    this.tables = { cluster: this.tableOf('cluster', keys), local: this.tableOf('local', keys) };
    this.choices.follow(server, this.options.clock.monotonic());
    this.count.retain(server.endpoints);
    this.routed.clear();
  }

  /** The way in for connections that the traffic policy sent to this pool. */
  router(pool: PoolName): RequestRouter {
    return { route: (request) => this.route(pool, request) };
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
    const choice = this.choices.choose(decision, {
      nowMs: this.options.clock.monotonic(),
      client: request.client.address,
      destination: this.server.frontends[0]?.address ?? '',
      tried: request.tried,
    });
    if (choice === undefined) return refuse(503, 'every endpoint of the Service failed');
    return this.forward(decision, choice.endpoint, choice.setCookie);
  }

  private forward(
    { backend }: ForwardRequest,
    endpoint: Endpoint,
    setCookie: string | undefined,
  ): Forwarded {
    const { choices, count } = this;
    const closed = choices.opened(endpoint);
    count.opened(endpoint);
    return {
      kind: 'forward',
      endpoint: this.routedTo(endpoint),
      addToResponse: setCookie === undefined ? none : [['Set-Cookie', setCookie]],
      policy: this.policy,
      ended: (outcome) => {
        closed();
        const failed = isEndpointsFault(outcome);
        count.closed(endpoint, failed);
        const nowMs = this.options.clock.monotonic();
        if (failed) choices.failed(backend.id, endpoint, nowMs);
        else if (outcome.status !== undefined) {
          choices.answered(backend.id, endpoint, { latencyMs: outcome.latencyMs, nowMs });
        }
      },
    };
  }

  private routedTo(endpoint: Endpoint): RoutedEndpoint {
    const key = endpointKey(endpoint);
    const known = this.routed.get(key);
    if (known?.endpoint === endpoint) return known.routed;
    const { address, port } = endpoint;
    const { perRequest, proxyProtocol } = this.server;
    const routed = { key, address, port, protocol: perRequest.protocol, proxyProtocol };
    this.routed.set(key, { endpoint, routed });
    return routed;
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
