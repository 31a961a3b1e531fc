/**
 * The ports of the gateway behind ServicePorts: each is served in full or not at all, what cannot be served is tried
 * again, and whoever makes the Plan is told whenever it is to lead elsewhere.
 */
import {
  messageOf,
  type Endpoint,
  type PoolName,
  type SessionKey,
  type VirtualServer,
} from '../model/index.ts';
import { plainPort } from './plain-port.ts';
import { portId } from './port-ids.ts';
import type { RequestServer } from './request-server.ts';
import type { Elsewhere, GatewayTls, PortOrder } from './router.ts';
import type { ServiceGatewayOptions } from './service-gateway.ts';
import type { ServiceRouter } from './service-router.ts';

/** A per-request ServicePort of the Plan. */
export interface Served {
  server: RequestServer;
  readonly router: ServiceRouter;
  /** The keys that its router has. */
  keys: readonly SessionKey[];
  /** What the engine was last told, as text; undefined while the port is not to be served. */
  told: string | undefined;
  /** The pools that have a port of the gateway: none while it is not live. */
  ports: readonly PoolName[];
  /** What was told last of what it lacks; undefined when nothing was missing. */
  lack: string | undefined;
  /** Why the engine cannot serve it, which is tried again; undefined when it can. */
  failure: string | undefined;
}

export function newlyServed(server: RequestServer, router: ServiceRouter): Served {
  const nothing = { told: undefined, lack: undefined, failure: undefined };
  return { server, router, keys: [], ports: [], ...nothing };
}

/** `namespace/name` of the Secret it ends TLS with; undefined without TLS. */
interface Wanted {
  readonly secret: string | undefined;
}

const retryMs = 2_000;

export class ServicePorts {
  private readonly options: ServiceGatewayOptions;
  private readonly tlsOf: (secret: string | undefined) => GatewayTls | undefined;
  private readonly stopping = new AbortController();
  /** The engine is told one thing after the other. */
  private telling: Promise<void> = Promise.resolve();

  constructor(options: ServiceGatewayOptions, tlsOf: ServicePorts['tlsOf']) {
    this.options = options;
    this.tlsOf = tlsOf;
  }

  /** Serves it as its ServicePort asks now; no longer when nothing is wanted. */
  set(served: Served, wanted: Wanted | undefined): void {
    if (this.stopping.signal.aborted) return;
    const { trustedProxies } = served.server.perRequest;
    const told =
      wanted && JSON.stringify([wanted.secret, trustedProxies, usesLocal(served.server)]);
    if (told === served.told) return;
    served.told = told;
    this.enqueue(async () => {
      // What was asked for since then comes next.
      if (served.told === told) await this.carryOut(served, wanted);
    });
  }

  /** Its ServicePort is gone, and with it who would be told. */
  forget(served: Served): void {
    served.told = undefined;
    served.ports = [];
    this.enqueue(() => this.withdraw(served));
  }

  /** What stands for a pool; undefined while it is not live. */
  endpointOf({ server, ports }: Served, pool: PoolName): Endpoint | undefined {
    if (ports.length === 0) return undefined;
    const { gateway } = this.options;
    const at = gateway.addressOf(portId(server.id, ports.includes(pool) ? pool : 'cluster'));
    return at === undefined ? undefined : { ...syntheticEndpoint, ...at };
  }

  /** None of these is live any more: who goes on forwarding does so by connections. */
  async end(all: Iterable<Served>): Promise<void> {
    this.stopping.abort();
    await this.telling;
    for (const served of all) this.lead(served, []);
  }

  private async carryOut(served: Served, wanted: Wanted | undefined): Promise<void> {
    if (this.stopping.signal.aborted) return;
    if (wanted !== undefined) {
      try {
        const ports = await this.serve(served, wanted);
        served.failure = undefined;
        return this.lead(served, ports);
      } catch (error) {
        this.failed(served, { error, wanted });
      }
    } else served.failure = undefined;
    this.lead(served, []);
    await this.withdraw(served);
  }

  private lead(served: Served, ports: readonly PoolName[]): void {
    if (served.ports.join() === ports.join()) return;
    served.ports = ports;
    this.options.changed(served.server.ref);
  }

  private failed(
    served: Served,
    { error, wanted }: { readonly error: unknown; readonly wanted: Wanted },
  ): void {
    const { clock, log, lacks } = this.options;
    const { server, told, failure: before } = served;
    served.failure = `the gateway cannot listen for it: ${messageOf(error)}`;
    if (served.failure !== before) {
      log.error('Cannot serve a port of the gateway; will try again', { port: server.id, error });
      lacks?.(server.ref, served.failure);
    }
    void clock.sleep(retryMs, this.stopping.signal).then(() => {
      if (served.told !== told) return;
      served.told = undefined;
      this.set(served, wanted);
    });
  }

  private async serve(
    { server, router }: Served,
    { secret }: Wanted,
  ): Promise<readonly PoolName[]> {
    const { acceptProxyProtocol, gateway } = this.options;
    const { trustedProxies } = server.perRequest;
    const tls = this.tlsOf(secret);
    const pools: readonly PoolName[] = usesLocal(server) ? ['cluster', 'local'] : ['cluster'];
    for (const pool of pools) {
      const id = portId(server.id, pool);
      const common = { ...plainPort, id, trustedProxies, acceptProxyProtocol };
      const serves = { server: server.id, pool };
      const order = { ...common, serves, tls: secret === undefined ? undefined : { secret } };
      // Who watches choices hears of those that are made here.
      const elsewhere = elsewhereOf(order, () => router.isWatched);
      await gateway.serve({ ...common, tls, elsewhere, router: router.router(pool) });
    }
    return pools;
  }

  private async withdraw({ server }: Served): Promise<void> {
    const { gateway } = this.options;
    const pools = ['cluster', 'local'] as const;
    await Promise.all(pools.map((pool) => gateway.withdraw(portId(server.id, pool))));
  }

  private enqueue(work: () => Promise<void>): void {
    this.telling = this.telling.then(work).catch((error: unknown) => {
      this.options.log.error('Cannot change a port of the gateway', { error });
    });
  }
}

export function elsewhereOf(order: PortOrder, stays: () => boolean): Elsewhere {
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
