/** Carries connections: decides, picks, connects, tries another endpoint when one refuses, relays. */
import { encodeProxyHeader } from '../../codec/index.ts';
import {
  decide,
  endpointKey,
  type Clock,
  type Endpoint,
  type Flow,
  type Plan,
  type PoolName,
  type SocketAddress,
} from '../../model/index.ts';
import {
  ClientWords,
  type Connection,
  type GiveUpSignal,
  type NetEngine,
  type Relay,
  type RelayOptions,
} from '../../sys/net/index.ts';
import type { Choices, Forward, LoadTicket } from './choices.ts';
import type { Drains } from './drains.ts';
import type { Ledger } from './ledger.ts';
import type { Troubles } from './troubles.ts';
import { flowOf, type Sighting, type Whereabouts } from './whereabouts.ts';

export interface ConnectionsOptions {
  readonly engine: NetEngine;
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  /** At this many open connections a new one is reset. */
  readonly maxConnections: number;
  readonly ledger: Ledger;
  readonly choices: Choices;
  readonly drains: Drains;
  readonly whereabouts: Whereabouts;
  readonly troubles: Troubles;
  readonly handOver: HandOver | undefined;
  /** The Plan in force. */
  plan(): Plan;
}

/**
 * Offers a connection to a gateway that balances its requests, once its source and policy are decided. False: it is
 * carried here, to the gateway's own port.
 */
export type HandOver = (connection: Connection, server: string, pool: PoolName) => boolean;

/** A connection from its accept to its end. */
interface Live {
  readonly client: Connection;
  readonly flow: Flow;
  readonly sighting: Sighting;
  /** Aborts the connect under way when the client goes. */
  readonly gone: Gone;
  relay: Relay | undefined;
  /** What to tell the next endpoint when this one goes; undefined where bytes are said once. */
  words: ClientWords | undefined;
}

/** An AbortController is a fifteenth of what a connection costs; this is a flag and a listener. */
class Gone implements GiveUpSignal {
  aborted = false;
  private listener: (() => void) | undefined;

  abort(): void {
    this.aborted = true;
    this.listener?.();
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.listener = listener;
  }

  removeEventListener(): void {
    this.listener = undefined;
  }
}

interface Choice {
  readonly decision: Forward;
  readonly endpoint: Endpoint;
}

export class Connections {
  private readonly options: ConnectionsOptions;
  private readonly live = new Set<Live>();
  private readonly idle: (() => void)[] = [];

  constructor(options: ConnectionsOptions) {
    this.options = options;
  }

  /** Takes a connection that meant to go to `declared`. */
  accept(declared: SocketAddress, client: Connection): void {
    const { maxConnections, troubles } = this.options;
    if (this.live.size >= maxConnections) {
      troubles.limitReached('connections', maxConnections);
      return client.destroy('reset');
    }
    const live = this.register(declared, client);
    void this.carry(live).finally(() => this.unregister(live));
  }

  /** Waits until every connection has ended; resets them when `signal` aborts. */
  async drain(signal: AbortSignal): Promise<void> {
    const resetAll = (): void => {
      for (const live of this.live) {
        live.gone.abort();
        live.client.destroy('reset');
        live.relay?.destroy();
      }
    };
    if (signal.aborted) resetAll();
    signal.addEventListener('abort', resetAll);
    while (this.live.size > 0) await new Promise<void>((resolve) => this.idle.push(resolve));
    signal.removeEventListener('abort', resetAll);
  }

  private register(declared: SocketAddress, client: Connection): Live {
    const { whereabouts } = this.options;
    const ends = { source: client.remote, declared };
    const flow = flowOf('TCP', ends, this.options.plan().node.addresses);
    const sighting = whereabouts.enter(flow, client);
    const live: Live = {
      client,
      flow,
      sighting,
      gone: new Gone(),
      relay: undefined,
      words: undefined,
    };
    this.live.add(live);
    client.onClosed(() => {
      if (live.relay === undefined) live.gone.abort();
    });
    return live;
  }

  private unregister(live: Live): void {
    this.live.delete(live);
    this.options.whereabouts.leave(live.sighting);
    if (this.live.size === 0) for (const wake of this.idle.splice(0)) wake();
  }

  /** Never rejects. */
  private async carry(live: Live): Promise<void> {
    if (this.offered(live)) return;
    const tried = new Set<string>();
    for (;;) {
      const choice = live.gone.aborted ? undefined : this.choose(live.flow, tried);
      // An accepted connection can no longer be refused or ignored; a reset is the nearest there is.
      if (choice === undefined) return live.client.destroy('reset');
      const key = endpointKey(choice.endpoint);
      tried.add(key);
      const ended = await this.tryEndpoint(live, choice);
      this.options.ledger.settle(choice.decision.server.id, key);
      if (ended) return;
    }
  }

  private offered({ client, flow }: Live): boolean {
    const { handOver } = this.options;
    if (handOver === undefined) return false;
    const decision = decide(this.options.plan(), flow);
    // Without a live gateway a per-request ServicePort has the pools it would have without one.
    if (decision.kind !== 'forward') return false;
    const { server, pool } = decision;
    const { perRequest } = server;
    if (perRequest === undefined || perRequest.pools[pool] === server.pools[pool]) return false;
    return handOver(client, server.id, pool);
  }

  /** The next endpoint for a Flow by the Plan in force, none of those that failed it. */
  private choose(flow: Flow, tried: ReadonlySet<string>): Choice | undefined {
    const decision = decide(this.options.plan(), flow);
    if (decision.kind !== 'forward') return undefined;
    const endpoint = this.options.choices.next(decision, flow, tried);
    return endpoint === undefined ? undefined : { decision, endpoint };
  }

  /** Connects and relays. Returns false when another endpoint may be tried. */
  private async tryEndpoint(live: Live, choice: Choice): Promise<boolean> {
    const { engine, clock, ledger, choices, troubles, connectTimeoutMs } = this.options;
    const { decision, endpoint } = choice;
    const serverId = decision.server.id;
    const load = choices.count(decision, endpoint);
    const account = ledger.account(serverId, endpoint);
    account.attempt();
    const startedMs = clock.monotonic();
    let backend: Connection;
    try {
      const how = { timeoutMs: connectTimeoutMs, signal: live.gone };
      backend = await engine.connect(endpoint, how);
    } catch (error) {
      const atFault = troubles.report(error, { server: serverId, endpoint });
      if (atFault) choices.failed(serverId, endpoint);
      account.failed(atFault);
      load?.closed();
      return false;
    }
    choices.succeeded(serverId, endpoint);
    const connectMs = clock.monotonic() - startedMs;
    return await this.relay(live, choice, { backend, load, connectMs });
  }

  /** Until both directions have ended. Returns false when another endpoint may be told what the client said. */
  private async relay(
    live: Live,
    { decision, endpoint }: Choice,
    { backend, load, connectMs }: Reached,
  ): Promise<boolean> {
    const { engine, ledger, drains } = this.options;
    const serverId = decision.server.id;
    const account = ledger.account(serverId, endpoint);
    load?.answered();
    const relay = engine.relay(live.client, backend, relayOptions(decision, live));
    live.relay = relay;
    live.sighting.reached(endpoint);
    account.opened(relay, connectMs);
    const leave = drains.enter({ serverId, endpoint: endpointKey(endpoint) }, relay);
    const end = await relay.done;
    leave();
    account.closed(relay);
    load?.closed();
    if (end !== 'unanswered') return true;
    live.relay = undefined;
    account.fault();
    return false;
  }
}

/** An endpoint that has accepted. */
interface Reached {
  readonly backend: Connection;
  readonly load: LoadTicket | undefined;
  readonly connectMs: number;
}

/** Undefined for most: then nothing is said first, and nothing is kept. */
function relayOptions(decision: Forward, live: Live): RelayOptions | undefined {
  const { proxyProtocol, replay } = decision.server;
  if (replay === 'first-bytes') live.words ??= new ClientWords();
  if (proxyProtocol === 'none' && live.words === undefined) return undefined;
  return { preface: prefaceFor(decision, live.client), words: live.words };
}

/** What the backend is told of the client first, where its Service asks for it. */
function prefaceFor({ server }: Forward, client: Connection): Uint8Array | undefined {
  const { proxyProtocol } = server;
  if (proxyProtocol === 'none') return undefined;
  return encodeProxyHeader(proxyProtocol, { source: client.remote, destination: client.local });
}
