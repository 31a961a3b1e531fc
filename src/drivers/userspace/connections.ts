/** Carries connections: decides, picks, connects, tries another endpoint when one refuses, relays. */
import {
  decide,
  endpointKey,
  type Clock,
  type Endpoint,
  type Flow,
  type Plan,
  type SocketAddress,
} from '../../model/index.ts';
import type { Logger } from '../../obs/index.ts';
import {
  NetError,
  type Connection,
  type GiveUpSignal,
  type NetEngine,
  type Relay,
} from '../../sys/net/index.ts';
import type { Ledger } from './ledger.ts';
import type { Choices, Forward } from './choices.ts';

/** At most one line in this time about sockets the system would not give us. */
const complaintIntervalMs = 10_000;

export interface ConnectionsOptions {
  readonly engine: NetEngine;
  readonly clock: Clock;
  readonly log: Logger;
  readonly connectTimeoutMs: number;
  readonly ledger: Ledger;
  readonly choices: Choices;
  /** The Plan in force. */
  plan(): Plan;
}

/** A connection from its accept to its end. */
interface Live {
  readonly client: Connection;
  readonly flow: Flow;
  /** Aborts the connect under way when the client goes. */
  readonly gone: Gone;
  endpoint: Endpoint | undefined;
  relay: Relay | undefined;
  /** Those who want to know the endpoint. */
  readonly waiting: ((endpoint: Endpoint | undefined) => void)[];
}

/** What a connect needs of an AbortController, for every connection: a flag and one listener. */
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
  private complainedAt = -Infinity;

  constructor(options: ConnectionsOptions) {
    this.options = options;
  }

  /** Takes a connection that meant to go to `declared`. */
  accept(declared: SocketAddress, client: Connection): void {
    const live = this.register(declared, client);
    void this.carry(live).finally(() => this.unregister(live));
  }

  /** The endpoint of an open connection, once it is chosen and answers. */
  async locate(flow: Flow): Promise<Endpoint | undefined> {
    // A client may know that it is connected before we do: the kernel answers it, and we hear of it in the
    // next turn of the event loop.
    let live = this.find(flow);
    for (let turns = 0; turns < 2 && live === undefined; turns++) {
      await new Promise((resolve) => setImmediate(resolve));
      live = this.find(flow);
    }
    if (live === undefined || live.endpoint !== undefined) return live?.endpoint;
    return await new Promise((resolve) => live.waiting.push(resolve));
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
    const { remote } = client;
    const flow: Flow = {
      protocol: 'TCP',
      source: remote.address,
      sourcePort: remote.port,
      destination: declared.address,
      destinationPort: declared.port,
      entry: entryOf(remote.address, this.options.plan()),
    };
    const live: Live = {
      client,
      flow,
      gone: new Gone(),
      endpoint: undefined,
      relay: undefined,
      waiting: [],
    };
    this.live.add(live);
    client.onClosed(() => {
      if (live.relay === undefined) live.gone.abort();
    });
    return live;
  }

  private unregister(live: Live): void {
    this.live.delete(live);
    for (const tell of live.waiting) tell(undefined);
    if (this.live.size === 0) for (const wake of this.idle.splice(0)) wake();
  }

  /** The newest that is this Flow: where its client went, or where it meant to go. Rare, so nothing is indexed. */
  private find(flow: Flow): Live | undefined {
    let found: Live | undefined;
    for (const live of this.live) if (isFlow(live, flow)) found = live;
    return found;
  }

  /** Never rejects. */
  private async carry(live: Live): Promise<void> {
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

  /** The next endpoint for a Flow by the Plan in force, none of those that failed it. */
  private choose(flow: Flow, tried: ReadonlySet<string>): Choice | undefined {
    const decision = decide(this.options.plan(), flow);
    if (decision.kind !== 'forward') return undefined;
    const endpoint = this.options.choices.next(decision, flow, tried);
    return endpoint === undefined ? undefined : { decision, endpoint };
  }

  /** Connects and relays. Returns false when another endpoint may be tried. */
  private async tryEndpoint(live: Live, { decision, endpoint }: Choice): Promise<boolean> {
    const { engine, ledger, choices, connectTimeoutMs } = this.options;
    const load = choices.count(decision, endpoint);
    const account = ledger.account(decision.server.id, endpoint);
    account.attempt();
    let backend: Connection;
    try {
      const options = { timeoutMs: connectTimeoutMs, signal: live.gone };
      backend = await engine.connect(endpoint, options);
    } catch (error) {
      const atFault = isEndpointsFault(error);
      account.failed(atFault);
      load?.closed();
      this.report(error, { endpoint, server: decision.server.id });
      return false;
    }
    load?.answered();
    const relay = engine.relay(live.client, backend);
    live.relay = relay;
    live.endpoint = endpoint;
    for (const tell of live.waiting.splice(0)) tell(endpoint);
    account.opened(relay);
    await relay.done;
    account.closed(relay);
    load?.closed();
    return true;
  }

  /** One refused connection is for debugging; sockets the system does not give us concern everybody. */
  private report(
    error: unknown,
    at: { readonly endpoint: Endpoint; readonly server: string },
  ): void {
    const { log, clock } = this.options;
    const fields = { server: at.server, endpoint: endpointKey(at.endpoint), error };
    if (isEndpointsFault(error) || (error instanceof NetError && error.code === 'NET_ABORTED')) {
      log.debug('Endpoint did not take a connection', fields);
    } else if (clock.monotonic() - this.complainedAt >= complaintIntervalMs) {
      this.complainedAt = clock.monotonic();
      log.error('Cannot connect to endpoints', fields);
    }
  }
}

function isEndpointsFault(error: unknown): boolean {
  if (!(error instanceof NetError)) return false;
  const { code } = error;
  return code === 'NET_REFUSED' || code === 'NET_TIMED_OUT' || code === 'NET_UNREACHABLE';
}

function entryOf(source: string, { node }: Plan): Flow['entry'] {
  const ofNode = source.startsWith('127.') || source === '::1' || node.addresses.includes(source);
  return ofNode ? 'node' : 'outside';
}

function isFlow({ client, flow: own }: Live, flow: Flow): boolean {
  if (own.sourcePort !== flow.sourcePort || own.source !== flow.source) return false;
  const { destination: address, destinationPort: port } = flow;
  if (own.destination === address && own.destinationPort === port) return true;
  return client.local.address === address && client.local.port === port;
}
