/** What one thread does of a gateway that has several: the same as the first, but for listening and for following objects. */
import type { Clock, Random, SessionKey, VirtualServer } from '../model/index.ts';
import { silentLogger } from '../obs/index.ts';
import type { ThreadEngine } from '../sys/net/index.ts';
import { identitiesOf, tlsOf } from './certificates.ts';
import { ClientTally } from './client-tally.ts';
import { createGateway, type Gateway } from './gateway.ts';
import { createHostRouter, type HostRouter } from './host-router.ts';
import { plainPort } from './plain-port.ts';
import type { GatewayTls, PortOrder, TlsIdentity } from './router.ts';
import { ServiceRouter } from './service-router.ts';
import { SharedChoices } from './shared-choices.ts';
import type { ThreadOrder, ThreadStart, ThreadWord } from './thread-words.ts';

export interface GatewayThreadOptions {
  readonly start: ThreadStart;
  readonly engine: ThreadEngine;
  readonly clock: Clock;
  readonly random: Random;
  post(word: ThreadWord): void;
}

type Follow = Extract<ThreadOrder, { kind: 'follow' }>;

export class GatewayThread {
  private readonly options: GatewayThreadOptions;
  private readonly gateway: Gateway;
  private readonly byName: HostRouter;
  private readonly servers = new Map<string, VirtualServer>();
  private readonly routers = new Map<string, ServiceRouter>();
  private readonly tallies = new Map<string, ClientTally>();
  private readonly identities = new Map<string, TlsIdentity>();
  private keys: readonly SessionKey[] = [];
  private readonly cut = new AbortController();

  constructor(options: GatewayThreadOptions) {
    this.options = options;
    const { start, engine, clock, random } = options;
    this.gateway = createGateway({
      engine,
      clock,
      random,
      accessLogShare: start.accessLogShare,
      maxEndpointConnections: start.maxEndpointConnections,
      maxWaiting: start.maxWaiting,
      log: {
        ...silentLogger,
        info: (message, fields) => options.post({ kind: 'log', message, fields }),
      },
      address: '',
      tallyOf: (port) => this.tallies.get(port),
    });
    this.byName = createHostRouter({
      scope: 'cluster',
      clock,
      random,
      plan: () => ({ servers: this.servers }),
      routers: { routerOf: (id) => this.routers.get(id) },
    });
  }

  follow(order: ThreadOrder): void {
    switch (order.kind) {
      case 'follow':
        return this.followServer(order);
      case 'keys':
        return void (this.keys = order.keys);
      case 'forget':
        this.servers.delete(order.server);
        return void this.routers.delete(order.server);
      case 'certify':
        return this.certify(order);
      case 'serve':
        return this.serve(order.port, order.clients);
      case 'withdraw':
        this.tallies.delete(order.port);
        return void this.gateway.withdraw(order.port, order.patienceMs);
      case 'take':
        return this.take(order);
      case 'count':
        return this.count(order.question);
      case 'end':
        return void this.end(order.patienceMs);
      case 'cut':
        return this.cut.abort();
    }
  }

  private followServer({ server, rendering }: Follow): void {
    const { clock, random, start } = this.options;
    const { threads, thread } = start;
    let router = this.routers.get(server.id);
    if (router === undefined) {
      const { words } = rendering;
      const shared = new SharedChoices({ random, threads, thread, words });
      router = new ServiceRouter(server, { clock, random, shared });
      this.routers.set(server.id, router);
    }
    this.servers.set(server.id, server);
    router.follow(server, this.keys, rendering);
  }

  private certify({ secret, identity }: Extract<ThreadOrder, { kind: 'certify' }>): void {
    if (identity === undefined) this.identities.delete(secret);
    else this.identities.set(secret, identity);
  }

  private serve(order: PortOrder, clients: SharedArrayBuffer): void {
    const { id, serves, trustedProxies, acceptProxyProtocol } = order;
    const router =
      serves === undefined ? this.byName : this.routers.get(serves.server)?.router(serves.pool);
    // Forgotten meanwhile: the order to withdraw it is on its way.
    if (router === undefined) return;
    const { start } = this.options;
    const memory = { port: clients, all: start.clients, thread: start.thread };
    this.tallies.set(id, new ClientTally(memory));
    const tls = this.tlsOf(order);
    this.gateway.carry({ ...plainPort, id, router, tls, trustedProxies, acceptProxyProtocol });
  }

  private tlsOf({ tls }: PortOrder): GatewayTls | undefined {
    if (tls === undefined) return undefined;
    const identity = (secret: string): TlsIdentity | undefined => this.identities.get(secret);
    if (tls !== 'all') return tlsOf(tls.secret, identity);
    return { identities: () => identitiesOf(this.servers.values(), identity) };
  }

  private take({ port, passed }: Extract<ThreadOrder, { kind: 'take' }>): void {
    const { engine, start } = this.options;
    const connection = engine.take(passed);
    // It was counted as ours when it was sent here, and is now as any other.
    const tally = this.tallies.get(port);
    if (tally === undefined) Atomics.sub(new Int32Array(start.clients), start.thread, 1);
    else tally.add(-1);
    if (!this.gateway.take(port, connection)) connection.destroy('reset');
  }

  private count(question: number): void {
    const byName = [...this.byName.counts()].map(([id, count]) => count.view(id));
    const counted = { ports: this.gateway.observe(), byName };
    this.options.post({ kind: 'counted', question, counted });
  }

  private async end(patienceMs: number): Promise<void> {
    await this.gateway.stop(this.cut.signal, patienceMs);
    this.options.engine.end();
    this.options.post({ kind: 'ended' });
  }
}
