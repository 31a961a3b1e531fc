/**
 * One port for all Services, by the name that is asked for: `http://SERVICE.NAMESPACE.localhost:PORT` for browsers, who
 * resolve every name below localhost to loopback, and `SERVICE.NAMESPACE.svc` where a gateway runs for a cluster. Any
 * other name is refused, so that no page of the web gets in by a name of its own.
 */
import {
  hostOf,
  plainRequestRules,
  type Clock,
  type Plan,
  type Random,
  type VirtualServer,
} from '../model/index.ts';
import { PortCount } from './counters.ts';
import type { RequestRouter, Routed } from './router.ts';
import type { RequestServer } from './request-server.ts';
import { ServiceRouter } from './service-router.ts';

/**
 * Whom a port answers for: `localhost` for every TCP port of every Service, by names below localhost; `cluster` for
 * those that balance requests, by the names of Services besides: who listens for others shows nothing unasked.
 */
export type HostScope = 'localhost' | 'cluster';

export interface HostRouterOptions {
  readonly scope: HostScope;
  readonly clock: Clock;
  readonly random: Random;
  readonly plan: () => Servers | undefined;
  /** Routers of per-request ServicePorts. */
  readonly routers: { routerOf(id: string): ServiceRouter | undefined };
}

/** What of a Plan names lead to. */
interface Servers {
  readonly servers: Pick<Plan['servers'], 'get'>;
}

/** Names seen lately that are kept; the oldest are looked up again. */
const maxKnown = 1_024;

interface Known {
  readonly server: VirtualServer;
  readonly router: ServiceRouter;
}

export interface HostRouter extends RequestRouter {
  /** What came in by name, for each ServicePort it was for lately. */
  counts(): ReadonlyMap<string, PortCount>;
}

export function createHostRouter(options: HostRouterOptions): HostRouter {
  const { scope } = options;
  const known = new Map<string, Known>();
  const counts = new Map<string, PortCount>();
  const countOf = (id: string): PortCount => {
    const count = counts.get(id) ?? new PortCount();
    const [oldest] = counts.keys();
    if (!counts.has(id) && counts.size >= maxKnown && oldest !== undefined) counts.delete(oldest);
    counts.set(id, count);
    return count;
  };
  const plainRouter = (server: VirtualServer): ServiceRouter => {
    const before = known.get(server.id);
    if (before?.server === server) return before.router;
    const asked: RequestServer = {
      ...server,
      perRequest: { ...plainRequestRules, pools: server.pools },
    };
    const router = before?.router ?? new ServiceRouter(asked, options);
    router.follow(asked, []);
    known.delete(server.id);
    const [oldest] = known.keys();
    if (known.size >= maxKnown && oldest !== undefined) known.delete(oldest);
    known.set(server.id, { server, router });
    return router;
  };
  return {
    counts: () => counts,
    route: (request): Routed => {
      const host = hostOf(request.authority);
      const name = scope === 'localhost' ? localhostName(host) : clusterName(host);
      if (name === undefined) return refuse(421, `this port answers for ${scopeNames[scope]} only`);
      const plan = options.plan();
      const server = plan === undefined ? undefined : findServer(plan, name);
      if (server === undefined || (scope === 'cluster' && server.perRequest === undefined)) {
        const what =
          scope === 'cluster' ? 'HTTP port whose requests are balanced' : 'TCP port that is served';
        return refuse(404, `no Service ${name.namespace}/${name.name} has a ${what}`);
      }
      // What a Service wants read by nobody on the way is not given without TLS.
      if (
        scope === 'cluster' &&
        server.perRequest?.tlsSecret !== undefined &&
        request.scheme !== 'https'
      ) {
        return refuse(421, 'this Service is served over TLS only');
      }
      const pool = server.internalTrafficPolicy === 'Local' ? 'local' : 'cluster';
      const router = options.routers.routerOf(server.id) ?? plainRouter(server);
      const routed = router.router(pool).route(request);
      if (routed.kind === 'refuse') return routed;
      const count = countOf(server.id);
      const ended: typeof routed.ended = (outcome) => {
        routed.ended(outcome);
        count.ended(routed.endpoint.key, outcome);
      };
      return { ...routed, ended };
    },
  };
}

interface Name {
  readonly namespace: string;
  readonly name: string;
  /** Of a port; undefined for the Service's only or first HTTP port. */
  readonly port: string | undefined;
}

const scopeNames: Readonly<Record<HostScope, string>> = {
  localhost: 'SERVICE.NAMESPACE.localhost',
  cluster: 'SERVICE.NAMESPACE, SERVICE.NAMESPACE.svc and SERVICE.NAMESPACE.localhost',
};

/** `web.shop.localhost`, or with a port's name in front. */
function localhostName(host: string): Name | undefined {
  const labels = host.split('.');
  return labels.pop() === 'localhost' ? nameOf(labels) : undefined;
}

/** `web.shop`, `web.shop.svc`, `web.shop.svc.cluster.local` whatever the zone, or with a port's name in front. */
function clusterName(host: string): Name | undefined {
  const labels = host.split('.');
  const end = labels.findIndex((label, i) => i > 1 && (label === 'svc' || label === 'localhost'));
  return nameOf(end < 0 ? labels : labels.slice(0, end));
}

function nameOf(labels: readonly string[]): Name | undefined {
  const [namespace, name, port] = labels.toReversed();
  if (namespace === undefined || name === undefined || labels.length > 3) return undefined;
  return { namespace, name, port };
}

/** The Service that `SERVICE.NAMESPACE.localhost` names; undefined for any other host. */
export function serverForHost(plan: Servers, host: string): VirtualServer | undefined {
  const name = localhostName(host);
  return name === undefined ? undefined : findServer(plan, name);
}

const usualPorts = ['http', '', 'web', 'grpc', 'https'] as const;
const families = ['IPv4', 'IPv6'] as const;

function findServer(plan: Servers, asked: Name): VirtualServer | undefined {
  const { namespace, name, port } = asked;
  const names = port === undefined ? usualPorts : [port];
  for (const portName of names) {
    for (const family of families) {
      const found = plan.servers.get(`${namespace}/${name}:${portName}/TCP/${family}`);
      // TLS that ends elsewhere is no HTTP to us.
      if (found !== undefined && (portName !== 'https' || found.perRequest !== undefined)) {
        return found;
      }
    }
  }
  return undefined;
}

function refuse(status: number, reason: string): Routed {
  return { kind: 'refuse', status, reason };
}
