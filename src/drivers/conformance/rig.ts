/**
 * One story's world: a driver under test, a Plan that moves on by Deltas, backends, and checks that hold each flow
 * against the specification and against real packets at once.
 */
import assert from 'node:assert/strict';
import {
  decide,
  endpointKey,
  familyOf,
  type Decision,
  type Driver,
  type Endpoint,
  type Flow,
  type NodeView,
  type Plan,
  type SocketAddress,
  type VirtualServer,
} from '../../model/index.ts';
import { testEndpoint } from './builders.ts';
import type { Ground } from './ground.ts';
import type { AskOptions, Backend, Held, Met } from './peers.ts';
import type { UdpClient } from './udp-peers.ts';
import type { Carried, Client, World } from './world.ts';

type Why<Kind extends Decision['kind']> = Extract<Decision, { kind: Kind; why: unknown }>['why'];

/** How long silence must last to count as a drop. */
const silenceMs = 500;

export class Rig {
  private readonly ground: Ground;
  private readonly own: (server: VirtualServer) => VirtualServer;
  private readonly backends = new Map<string, Backend>();
  private readonly held: Held[] = [];
  private readonly udpClients: UdpClient[] = [];

  constructor(ground: Ground) {
    this.ground = ground;
    this.own = ground.nameStory();
  }

  get driver(): Driver {
    return this.ground.driver;
  }

  get world(): World {
    return this.ground.world;
  }

  get plan(): Plan {
    return this.ground.plan;
  }

  /** An address and port where nothing listens, for a Service. */
  freePlace(address?: string): Promise<SocketAddress> {
    return this.world.freePlace('TCP', address);
  }

  freeUdpPlace(address?: string): Promise<SocketAddress> {
    return this.world.freePlace('UDP', address);
  }

  /** A ready, local endpoint with a live server behind it, called `name`. */
  async endpoint(name: string, conditions: Partial<Endpoint> = {}): Promise<Endpoint> {
    return { ...(await this.endpointAt(name, {})), ...conditions };
  }

  async endpoints(...names: readonly string[]): Promise<readonly Endpoint[]> {
    return await Promise.all(names.map((name) => this.endpoint(name)));
  }

  /** Ready, local endpoints of a UDP port. */
  async udpEndpoints(...names: readonly string[]): Promise<readonly Endpoint[]> {
    return await Promise.all(names.map((name) => this.endpointAt(name, { protocol: 'UDP' })));
  }

  /** One at an address of the test's choice, for either protocol. */
  async endpointAt(
    name: string,
    { protocol = 'TCP', address }: { protocol?: Carried; address?: string },
  ): Promise<Endpoint> {
    const backend = await this.world.backend(protocol, name, address);
    this.backends.set(endpointKey(backend.at), backend);
    return testEndpoint(backend.at);
  }

  /** Moves the Plan on and applies it; every frontend must be served, and where it says. */
  async apply(...set: readonly VirtualServer[]): Promise<void> {
    await this.ground.change({ set: set.map(this.own), remove: [] });
  }

  async remove(...servers: readonly VirtualServer[]): Promise<void> {
    await this.ground.change({ set: [], remove: servers.map((server) => this.own(server).id) });
  }

  /** The specification forwards, and this is who answered how often, to the connection. */
  async expectShares(
    to: SocketAddress,
    shares: Readonly<Record<string, number>>,
    protocol: Carried = 'TCP',
  ): Promise<void> {
    const decision = decide(this.plan, this.flowTo(to, protocol));
    assert.equal(decision.kind, 'forward', 'the specification forwards');
    if (decision.kind !== 'forward') return;
    const takers = decision.candidates.filter((candidate) => candidate.weight > 0);
    assert.deepEqual(
      takers.map((taker) => this.nameOf(taker)).toSorted(),
      Object.keys(shares).toSorted(),
      'the candidates of the specification',
    );
    const seen: Record<string, number> = {};
    const total = Object.values(shares).reduce((sum, share) => sum + share, 0);
    for (let i = 0; i < total; i++) {
      const name = protocol === 'TCP' ? await this.nameAt(to) : await this.nameAtNewFlow(to);
      seen[name] = (seen[name] ?? 0) + 1;
    }
    assert.deepEqual(sorted(seen), sorted(shares), 'who answered');
  }

  /** Like `nameAt`, from a port that no later flow of the case gets: a flow outlives its client's socket. */
  private async nameAtNewFlow(to: SocketAddress): Promise<string> {
    const met: Met = await (await this.holdUdp(to)).ask();
    return met.kind === 'answered' ? met.name : met.kind;
  }

  /** Who answers one new connection or flow, or how it is turned away. */
  async nameAt(
    to: SocketAddress,
    { protocol = 'TCP', ...options }: AskOptions & { readonly protocol?: Carried } = {},
  ): Promise<string> {
    const met: Met = await this.world.client.ask(protocol, to, options);
    return met.kind === 'answered' ? met.name : met.kind;
  }

  async expectRejected(
    to: SocketAddress,
    why: Why<'reject'>,
    protocol: Carried = 'TCP',
  ): Promise<void> {
    const decision = decide(this.plan, this.flowTo(to, protocol));
    assert.deepEqual([decision.kind, 'why' in decision && decision.why], ['reject', why]);
    assert.equal(await this.nameAt(to, { protocol }), 'refused');
  }

  async expectDropped(to: SocketAddress, why: Why<'drop'>): Promise<void> {
    const decision = decide(this.plan, this.flowTo(to));
    assert.deepEqual([decision.kind, 'why' in decision && decision.why], ['drop', why]);
    assert.equal((await this.world.client.ask('TCP', to, { timeoutMs: silenceMs })).kind, 'silent');
  }

  /** The specification no longer knows the place, and nobody answers there. */
  async expectGone(to: SocketAddress): Promise<void> {
    assert.equal(decide(this.plan, this.flowTo(to)).kind, 'pass');
    const { client, nobody } = this.world;
    const options = nobody === 'silent' ? { timeoutMs: silenceMs } : {};
    assert.equal((await client.ask('TCP', to, options)).kind, nobody);
  }

  async hold(to: SocketAddress): Promise<Held> {
    const held = await this.world.client.hold(to);
    this.held.push(held);
    return held;
  }

  /** A UDP client that stays. */
  async holdUdp(to: SocketAddress): Promise<UdpClient> {
    const client = await this.world.client.openUdp(to);
    this.udpClients.push(client);
    return client;
  }

  async close(): Promise<void> {
    for (const held of this.held) held.close();
    await Promise.all(this.udpClients.map((client) => client.close()));
    await Promise.all([...this.backends.values()].map((backend) => backend.close()));
  }

  nameOf(endpoint: Pick<Endpoint, 'address' | 'port'>): string {
    return this.backends.get(endpointKey(endpoint))?.name ?? endpointKey(endpoint);
  }

  /** Something of the node, told from how it is. */
  changeNode(follow: (node: NodeView) => NodeView): Promise<void> {
    return this.ground.changeNode(follow);
  }

  /** A connection of the client; the port is the system's to choose. */
  flowTo(
    to: SocketAddress,
    protocol: Carried = 'TCP',
    { entry, source }: Pick<Client, 'entry' | 'source'> = this.world.client,
  ): Flow {
    return {
      protocol,
      source: source(familyOf(to.address)),
      sourcePort: 40_000,
      destination: to.address,
      destinationPort: to.port,
      entry,
    };
  }
}

function sorted(record: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
