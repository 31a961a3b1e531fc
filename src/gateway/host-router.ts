/**
 * `http://SERVICE.NAMESPACE.localhost:PORT` for browsers: one loopback port for all Services, by the name that is
 * asked for. Browsers resolve every name below localhost to loopback; any other name is refused, so that no page of
 * the web gets in by a name of its own.
 */
import {
  hostOf,
  plainRequestRules,
  type Clock,
  type Plan,
  type Random,
  type VirtualServer,
} from '../model/index.ts';
import type { RequestRouter, Routed } from './router.ts';
import { ServiceRouter, type RequestServer } from './service-router.ts';

export const localhostPort = 'localhost';

export interface HostRouterOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly plan: () => Plan | undefined;
  /** Routers of per-request ServicePorts. */
  readonly routers: { routerOf(id: string): ServiceRouter | undefined };
}

/** Names seen lately that are kept; the oldest are looked up again. */
const maxKnown = 1_024;

interface Known {
  readonly server: VirtualServer;
  readonly router: ServiceRouter;
}

export function createHostRouter(options: HostRouterOptions): RequestRouter {
  const known = new Map<string, Known>();
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
    route: (request): Routed => {
      const name = serviceName(hostOf(request.authority));
      if (name === undefined) {
        return refuse(421, 'this port answers for SERVICE.NAMESPACE.localhost only');
      }
      const plan = options.plan();
      const server = plan === undefined ? undefined : findServer(plan, name);
      if (server === undefined) {
        return refuse(
          404,
          `no Service ${name.namespace}/${name.name} has a TCP port that is served`,
        );
      }
      const pool = server.internalTrafficPolicy === 'Local' ? 'local' : 'cluster';
      const router = options.routers.routerOf(server.id) ?? plainRouter(server);
      return router.router(pool).route(request);
    },
  };
}

interface Name {
  readonly namespace: string;
  readonly name: string;
  /** Of a port; undefined for the Service's only or first HTTP port. */
  readonly port: string | undefined;
}

/** `web.shop.localhost`, or with a port's name in front. */
function serviceName(host: string): Name | undefined {
  const labels = host.split('.');
  if (labels.pop() !== 'localhost') return undefined;
  const [namespace, name, port] = labels.toReversed();
  if (namespace === undefined || name === undefined || labels.length > 3) return undefined;
  return { namespace, name, port };
}

/** The Service that `SERVICE.NAMESPACE.localhost` names; undefined for any other host. */
export function serverForHost(plan: Plan, host: string): VirtualServer | undefined {
  const name = serviceName(host);
  return name === undefined ? undefined : findServer(plan, name);
}

const families = ['IPv4', 'IPv6'] as const;

function findServer(plan: Plan, asked: Name): VirtualServer | undefined {
  const { namespace, name, port } = asked;
  const names = port === undefined ? ['http', '', 'web', 'grpc'] : [port];
  for (const portName of names) {
    for (const family of families) {
      const found = plan.servers.get(`${namespace}/${name}:${portName}/TCP/${family}`);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function refuse(status: number, reason: string): Routed {
  return { kind: 'refuse', status, reason };
}
