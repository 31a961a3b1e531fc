/**
 * Carries UDP: every client of a frontend has a flow with a socket of its own to the endpoint it was given, until
 * it is idle, refused, or its endpoint goes. UDP knows no end, so there is nothing to drain.
 */
import {
  decide,
  endpointKey,
  formatSocketAddress,
  type Clock,
  type Endpoint,
  type Flow,
  type Plan,
  type SocketAddress,
} from '../../model/index.ts';
import type { ListenAt, NetError, UdpEngine, UdpListener, UdpPeer } from '../../sys/net/index.ts';
import type { Choices, Forward, LoadTicket } from './choices.ts';
import { isServing } from './drains.ts';
import type { Account, Carried, Ledger } from './ledger.ts';
import type { Troubles } from './troubles.ts';
import { flowOf, type Sighting, type Whereabouts } from './whereabouts.ts';

export interface UdpFlowsOptions {
  readonly engine: UdpEngine;
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly choices: Choices;
  readonly whereabouts: Whereabouts;
  readonly troubles: Troubles;
  /** A flow without a datagram either way for this long ends. */
  readonly idleMs: number;
  /** At this many the flow idle longest makes room. */
  readonly maxFlows: number;
  /** The Plan in force. */
  plan(): Plan;
}

/** A frontend's socket, with where its clients mean to go. */
interface Door {
  readonly declared: SocketAddress;
  readonly listener: UdpListener;
}

interface ClientFlow {
  readonly key: string;
  readonly door: Door;
  readonly source: SocketAddress;
  readonly flow: Flow;
  readonly sighting: Sighting;
  lastMs: number;
  /** Endpoints that refused since one of them last answered. */
  readonly tried: Set<string>;
  /** Undefined after a refusal, until the next datagram. */
  leg: Leg | undefined;
}

/** Where a client's datagrams went in the process before us. */
export interface FlowMemory {
  /** Client, and the address it is answered from. */
  readonly key: string;
  readonly serverId: string;
  /** Key of its endpoint. */
  readonly endpoint: string;
}

/** A flow's way to one endpoint; it is what the ledger counts. */
interface Leg extends Carried {
  readonly serverId: string;
  readonly endpoint: Endpoint;
  readonly peer: UdpPeer;
  readonly account: Account;
  readonly load: LoadTicket | undefined;
  bytesFromClient: number;
  bytesFromBackend: number;
}

export class UdpFlows {
  private readonly options: UdpFlowsOptions;
  /** In order of the last datagram: Map keeps insertion order, and a datagram inserts anew. */
  private readonly flows = new Map<string, ClientFlow>();
  private readonly byServer = new Map<string, Set<ClientFlow>>();
  private readonly byDoor = new Map<UdpListener, Set<ClientFlow>>();
  /** Keys of endpoints that would be sockets of this driver itself. */
  private readonly ownPlaces = new Set<string>();
  private readonly stopped = new AbortController();
  private expiring = false;
  /** By flow key: taken at the flow's first datagram here, forgotten once the flow would have been idle. */
  private remembered = new Map<string, FlowMemory>();

  constructor(options: UdpFlowsOptions) {
    this.options = options;
  }

  /** Serves clients that mean to go to `declared` at `at`; closing it ends its flows. */
  async listen(declared: SocketAddress, at: ListenAt): Promise<UdpListener> {
    const listener: UdpListener = await this.options.engine.bind(at, (bytes, source) =>
      this.receive({ declared, listener }, source, bytes),
    );
    const place = endpointKey(listener.address);
    this.ownPlaces.add(place);
    return {
      address: listener.address,
      send: (bytes, to) => listener.send(bytes, to),
      suspend: (by) => listener.suspend(by),
      resume: () => listener.resume(),
      close: async () => {
        this.ownPlaces.delete(place);
        await listener.close();
        for (const flow of this.byDoor.get(listener) ?? []) this.end(flow);
      },
    };
  }

  /** Ends flows of a ServicePort that the Plan does not send where they go; others go on. */
  follow(serverId: string): void {
    const plan = this.options.plan();
    for (const flow of this.byServer.get(serverId) ?? []) {
      const decision = decide(plan, flow.flow);
      const stays =
        decision.kind === 'forward' &&
        decision.server.id === serverId &&
        flow.leg !== undefined &&
        isServing(decision.server, endpointKey(flow.leg.endpoint));
      if (!stays) this.end(flow);
    }
  }

  /** The flows as they are, for the process after us. */
  memory(): readonly FlowMemory[] {
    return [...this.flows.values()].flatMap(({ key, leg }) =>
      leg === undefined
        ? []
        : [{ key, serverId: leg.serverId, endpoint: endpointKey(leg.endpoint) }],
    );
  }

  remember(flows: readonly FlowMemory[]): void {
    const { clock, idleMs } = this.options;
    this.remembered = new Map(flows.map((flow) => [flow.key, flow]));
    void clock.sleep(idleMs, this.stopped.signal).then(() => this.remembered.clear());
  }

  stop(): void {
    this.stopped.abort();
    for (const flow of this.flows.values()) this.end(flow);
  }

  private receive(door: Door, source: SocketAddress, bytes: Uint8Array): void {
    const key = `${formatSocketAddress(source)}>${formatSocketAddress(door.listener.address)}`;
    const flow = this.flows.get(key) ?? this.begin(key, door, source);
    this.touch(flow);
    this.pass(flow, bytes);
  }

  private begin(key: string, door: Door, source: SocketAddress): ClientFlow {
    const { whereabouts, clock, maxFlows, troubles } = this.options;
    const [oldest] = this.flows.size >= maxFlows ? this.flows.values() : [];
    if (oldest !== undefined) {
      troubles.limitReached('flows', maxFlows);
      this.end(oldest);
    }
    const flow = flowOf(
      'UDP',
      { source, declared: door.declared },
      this.options.plan().node.addresses,
    );
    const sighting = whereabouts.enter(flow, { local: door.listener.address });
    const lastMs = clock.monotonic();
    const begun = { key, door, source, flow, sighting, lastMs, tried: new Set<string>() };
    const client: ClientFlow = { ...begun, leg: undefined };
    this.flows.set(key, client);
    file(this.byDoor, door.listener, client);
    if (!this.expiring) void this.expire();
    return client;
  }

  /** Sends on, by the way the flow has or a new one; without an endpoint the flow is over, and nobody is told. */
  private pass(flow: ClientFlow, bytes: Uint8Array): void {
    const leg = flow.leg ?? this.open(flow);
    if (leg === undefined) return this.end(flow);
    leg.bytesFromClient += bytes.length;
    leg.peer.send(bytes);
  }

  private open(flow: ClientFlow): Leg | undefined {
    const decision = decide(this.options.plan(), flow.flow);
    if (decision.kind !== 'forward') return undefined;
    const endpoint = this.recall(decision, flow) ?? this.choose(decision, flow);
    if (endpoint === undefined) return undefined;
    const { engine, ledger, choices } = this.options;
    const serverId = decision.server.id;
    const peer = engine.connect(endpoint, {
      onDatagram: (bytes) => this.answer(flow, leg, bytes),
      onFailed: (error, unsent) => this.refused({ flow, leg, error, unsent }),
    });
    const account = ledger.account(serverId, endpoint);
    const load = choices.count(decision, endpoint);
    const counts = { bytesFromClient: 0, bytesFromBackend: 0 };
    const leg: Leg = { serverId, endpoint, peer, account, load, ...counts };
    account.attempt();
    account.opened(leg);
    flow.leg = leg;
    flow.sighting.reached(endpoint);
    file(this.byServer, serverId, flow);
    return leg;
  }

  /** The endpoint the flow had in the process before us, while it may be used. */
  private recall({ server, candidates }: Forward, { key }: ClientFlow): Endpoint | undefined {
    const known = this.remembered.get(key);
    if (known === undefined) return undefined;
    this.remembered.delete(key);
    if (known.serverId !== server.id) return undefined;
    return candidates.find((candidate) => endpointKey(candidate) === known.endpoint);
  }

  /** When all have refused, they are asked once more: a refusal is a word about one moment. */
  private choose(decision: Forward, { flow, tried }: ClientFlow): Endpoint | undefined {
    const endpoint = this.chooseOther(decision, flow, tried);
    if (endpoint !== undefined || tried.size === 0) return endpoint;
    tried.clear();
    return this.chooseOther(decision, flow, tried);
  }

  /** A datagram sent to a frontend of our own would come back as a new client's, and go round for ever. */
  private chooseOther(
    decision: Forward,
    flow: Flow,
    tried: ReadonlySet<string>,
  ): Endpoint | undefined {
    const { choices, troubles } = this.options;
    const endpoint = choices.next(decision, flow, tried);
    if (endpoint === undefined || !this.ownPlaces.has(endpointKey(endpoint))) return endpoint;
    troubles.loop({ server: decision.server.id, endpoint });
    const own = decision.candidates.map(endpointKey).filter((key) => this.ownPlaces.has(key));
    return choices.next(decision, flow, new Set([...tried, ...own]));
  }

  private answer(flow: ClientFlow, leg: Leg, bytes: Uint8Array): void {
    if (flow.leg !== leg) return;
    if (leg.bytesFromBackend === 0) {
      leg.load?.answered();
      this.options.choices.succeeded(leg.serverId, leg.endpoint);
      flow.tried.clear();
    }
    leg.bytesFromBackend += bytes.length;
    this.touch(flow);
    flow.door.listener.send(bytes, flow.source);
  }

  /** The next datagram goes to another endpoint, and at once what the refusal kept from leaving. */
  private refused({
    flow,
    leg,
    error,
    unsent,
  }: {
    readonly flow: ClientFlow;
    readonly leg: Leg;
    readonly error: NetError;
    readonly unsent: readonly Uint8Array[];
  }): void {
    if (flow.leg !== leg) return;
    this.leave(flow);
    const atFault = this.options.troubles.report(error, {
      server: leg.serverId,
      endpoint: leg.endpoint,
    });
    if (atFault) {
      this.options.ledger.fault(leg.serverId, leg.endpoint);
      this.options.choices.failed(leg.serverId, leg.endpoint);
    }
    flow.tried.add(endpointKey(leg.endpoint));
    // One sent while the refusal was on its way; what is left of a whole round is dropped, as UDP may.
    const [first] = unsent;
    if (first !== undefined && flow.tried.size < 8) this.pass(flow, first);
  }

  private touch(flow: ClientFlow): void {
    flow.lastMs = this.options.clock.monotonic();
    this.flows.delete(flow.key);
    this.flows.set(flow.key, flow);
  }

  /** Lets go of the flow's endpoint. */
  private leave(flow: ClientFlow): void {
    const { leg } = flow;
    if (leg === undefined) return;
    flow.leg = undefined;
    leg.peer.close();
    leg.account.closed(leg);
    leg.load?.closed();
    unfile(this.byServer, leg.serverId, flow);
    this.options.ledger.settle(leg.serverId, endpointKey(leg.endpoint));
  }

  private end(flow: ClientFlow): void {
    this.leave(flow);
    if (this.flows.get(flow.key) === flow) this.flows.delete(flow.key);
    unfile(this.byDoor, flow.door.listener, flow);
    this.options.whereabouts.leave(flow.sighting);
  }

  /** One sleeper for all: with one idle time for all, the order of the last datagram is the order of expiry. */
  private async expire(): Promise<void> {
    const { clock, idleMs } = this.options;
    this.expiring = true;
    for (;;) {
      const [oldest] = this.flows.values();
      if (oldest === undefined || this.stopped.signal.aborted) break;
      const leftMs = oldest.lastMs + idleMs - clock.monotonic();
      if (leftMs <= 0) this.end(oldest);
      else await clock.sleep(leftMs, this.stopped.signal);
    }
    this.expiring = false;
  }
}

function file<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const found = map.get(key);
  if (found === undefined) map.set(key, new Set([value]));
  else found.add(value);
}

function unfile<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const found = map.get(key);
  if (found?.delete(value) === true && found.size === 0) map.delete(key);
}
