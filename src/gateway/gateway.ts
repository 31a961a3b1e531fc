/**
 * The HTTP engine: listens for each per-request ServicePort at an address of its own, and takes connections that
 * somebody else accepted.
 */
import { ByteWriter, FieldTable, RequestHead, ResponseHead } from '../codec/http1/index.ts';
import { parseCidr, type Clock, type Random, type SocketAddress } from '../model/index.ts';
import type { Logger } from '../obs/index.ts';
import { createTlsDoor } from '../sys/http2/index.ts';
import type { Connection, Listener, StreamEngine } from '../sys/net/index.ts';
import { createAccessLog } from './access-log.ts';
import { ClientConnections, type ClientConnection } from './connections.ts';
import type { ClientTally } from './client-tally.ts';
import type { Context, ServedPort } from './context.ts';
import { PortCount, type PortRequests } from './counters.ts';
import { Deadlines } from './deadlines.ts';
import { EndpointPools } from './endpoint-pool.ts';
import { Exchange } from './exchange.ts';
import type { GatewayThreads } from './gateway-threads.ts';
import type { GatewayPort } from './router.ts';

export interface GatewayOptions {
  readonly engine: StreamEngine;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Where its ports listen, each at a free port; loopback unless somebody asks. */
  readonly address: string;
  /** Of all requests, how many are written to the log: 0 to 1. */
  readonly accessLogShare: number;
  readonly maxEndpointConnections: number;
  readonly maxWaiting: number;
  /** Other threads that connections may go on in; undefined: there are none. */
  readonly threads?: GatewayThreads | undefined;
  /** The clients of a port, where another thread is told of them. */
  readonly tallyOf?: ((port: string) => ClientTally | undefined) | undefined;
}

export interface Gateway {
  /** Serves a port, or serves it as it is now: open connections go on by what was before. */
  serve(port: GatewayPort): Promise<SocketAddress>;
  /** As `serve`, for a port that listens nowhere: its connections come by `take` alone. */
  carry(port: GatewayPort): void;
  /** Ends the port: no new connection, those that are open end with their request. */
  withdraw(id: string, patienceMs?: number): Promise<void>;
  /** Takes a connection that was accepted elsewhere. False: the port is not served, or has too many. */
  take(id: string, connection: Connection): boolean;
  /** Where the port listens; undefined when it is not served. */
  addressOf(id: string): SocketAddress | undefined;
  observe(): readonly PortRequests[];
  /**
   * Ends everything: requests under way may finish until the signal aborts, and so may what comes on quiet connections in
   * the time of `patienceMs`.
   */
  stop(signal: AbortSignal, patienceMs: number): Promise<void>;
}

export function createGateway(options: GatewayOptions): Gateway {
  return new HttpGateway(options);
}

/** A port with its listener and its clients. */
interface Serving {
  port: ServedPort;
  readonly listener: Listener | undefined;
  readonly clients: Set<ClientConnection>;
}

class HttpGateway implements Gateway {
  private readonly options: GatewayOptions;
  private readonly context: Context;
  private readonly serving = new Map<string, Serving>();
  /** Served no more, while clients of theirs are left. */
  private readonly leaving = new Set<Serving>();
  private readonly connections: ClientConnections;
  private readonly running: Promise<void>;

  constructor(options: GatewayOptions) {
    this.options = options;
    this.context = createContext(options);
    this.connections = new ClientConnections(this.context);
    this.running = this.context.deadlines.run();
  }

  async serve(port: GatewayPort): Promise<SocketAddress> {
    const { threads } = this.options;
    if (port.elsewhere !== undefined) await threads?.serve(port.elsewhere.order);
    const known = this.serving.get(port.id);
    if (known?.listener !== undefined) {
      known.port = servedPort(port, known.port.count);
      return known.listener.address;
    }
    const at = { address: this.options.address, port: 0 };
    try {
      const listener = await this.options.engine.listen(at, (connection) => {
        if (!this.take(port.id, connection)) connection.destroy('reset');
      });
      this.keep(port, listener);
      return listener.address;
    } catch (error) {
      threads?.withdraw(port.id, 0);
      throw error;
    }
  }

  carry(port: GatewayPort): void {
    if (port.elsewhere !== undefined) void this.options.threads?.serve(port.elsewhere.order);
    this.keep(port, undefined);
  }

  private keep(port: GatewayPort, listener: Listener | undefined): void {
    const known = this.serving.get(port.id);
    const { threads, tallyOf } = this.options;
    const tally = threads?.tallyOf(port.id) ?? tallyOf?.(port.id);
    const count = known?.port.count ?? new PortCount(tally);
    const served = servedPort(port, count);
    const clients = known?.clients ?? new Set<ClientConnection>();
    this.serving.set(port.id, { port: served, listener: listener ?? known?.listener, clients });
  }

  async withdraw(id: string, patienceMs = withdrawPatienceMs): Promise<void> {
    const serving = this.serving.get(id);
    if (serving === undefined) return;
    this.serving.delete(id);
    for (const each of this.leaving) if (each.clients.size === 0) this.leaving.delete(each);
    this.leaving.add(serving);
    this.options.threads?.withdraw(id, patienceMs);
    await serving.listener?.close();
    for (const client of serving.clients) client.drain(patienceMs);
  }

  take(id: string, connection: Connection): boolean {
    const serving = this.serving.get(id);
    if (serving === undefined) return false;
    const { port, clients } = serving;
    if (port.count.clients.total >= port.bounds.maxConnections) return false;
    const { threads } = this.options;
    if (port.elsewhere?.stays() === false && threads?.give(id, connection) === true) return true;
    this.connections.accept(connection, port, clients);
    return true;
  }

  addressOf(id: string): SocketAddress | undefined {
    return this.serving.get(id)?.listener?.address;
  }

  observe(): readonly PortRequests[] {
    return [...this.serving].map(([id, { port }]) => port.count.view(id));
  }

  async stop(signal: AbortSignal, patienceMs: number): Promise<void> {
    const all = [...this.serving.values(), ...this.leaving];
    await Promise.all([...this.serving.keys()].map((id) => this.withdraw(id, patienceMs)));
    const destroyAll = (): void => {
      for (const { clients } of all) for (const client of clients) client.destroy();
    };
    const threads = this.options.threads?.stop(signal, patienceMs);
    if (signal.aborted) destroyAll();
    signal.addEventListener('abort', destroyAll);
    const { clock } = this.options;
    while (all.some(({ clients }) => clients.size > 0)) {
      await clock.sleep(drainLookMs, new AbortController().signal);
    }
    signal.removeEventListener('abort', destroyAll);
    await threads;
    this.context.pools.close();
    this.context.deadlines.stop();
    await this.running;
  }
}

const drainLookMs = 20;
/** Where the Service goes on without a gateway, its clients are to notice by nothing but a new connection. */
const withdrawPatienceMs = 1_000;

function servedPort(port: GatewayPort, count: PortCount): ServedPort {
  const trusted = port.trustedProxies.map(parseCidr).filter((range) => range !== undefined);
  const { tls: given, http2, bounds } = port;
  const tls =
    given === undefined
      ? undefined
      : createTlsDoor({
          identities: () => given.identities(),
          http2,
          timeoutMs: bounds.headTimeoutMs,
        });
  return { ...port, tls, trusted, count };
}

function createContext(options: GatewayOptions): Context {
  const { engine, clock, random, log, accessLogShare } = options;
  const spare: Exchange[] = [];
  const context: Context = {
    engine,
    clock,
    accessLog: createAccessLog({ log, share: accessLogShare, random }),
    deadlines: new Deadlines(clock),
    pools: new EndpointPools(() => context, {
      maxConnections: options.maxEndpointConnections,
      maxWaiting: options.maxWaiting,
    }),
    exchanges: {
      take: () => {
        const known = spare.pop();
        if (known !== undefined) return known;
        const exchange = new Exchange(context);
        context.deadlines.add(exchange);
        return exchange;
      },
      giveBack: (exchange) => {
        if (spare.length < maxSpare) spare.push(exchange);
        else context.deadlines.remove(exchange);
      },
    },
    requestHead: new RequestHead(),
    responseHead: new ResponseHead(),
    trailers: new FieldTable(),
    wire: new ByteWriter(wireBytes),
  };
  return context;
}

/** Room for what comes in one read and the head in front of it. */
const wireBytes = 160 * 1024;

/** Exchanges kept for the next request. */
const maxSpare = 1024;
