/** The driver that needs no privilege: a socket for each frontend, and one for each connection or UDP flow. */
import {
  emptyPlan,
  type ApplyReport,
  type Clock,
  type Delta,
  type Driver,
  type Plan,
  type Random,
} from '../../model/index.ts';
import type { Logger } from '../../obs/index.ts';
import type { Descriptors, NetEngine, UdpEngine } from '../../sys/net/index.ts';
import { Applier } from './apply.ts';
import { userspaceCapabilities } from './capabilities.ts';
import { Choices } from './choices.ts';
import { Connections, type HandOver } from './connections.ts';
import { Drains } from './drains.ts';
import { UserspaceError } from './errors.ts';
import type { DriverEstate, HandingOver } from './hand-over.ts';
import { Ledger } from './ledger.ts';
import { Listeners } from './listeners.ts';
import { probeHost } from './probe.ts';
import { Troubles } from './troubles.ts';
import { UdpFlows } from './udp-flows.ts';
import { Whereabouts } from './whereabouts.ts';

export interface UserspaceOptions {
  readonly engine: NetEngine;
  readonly udp: UdpEngine;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** How long an endpoint may take to answer before the next one is tried; 5 s when undefined. */
  readonly connectTimeoutMs?: number | undefined;
  /** How long connections may go on when their endpoint has gone; 30 s when undefined. */
  readonly drainMs?: number | undefined;
  /** A UDP flow without a datagram for this long ends; 60 s when undefined. */
  readonly udpIdleMs?: number | undefined;
  /** Open at once; one more is reset. 16,384 when undefined. */
  readonly maxConnections?: number | undefined;
  /** Takes the connections of per-request ServicePorts; they are carried to its port when undefined. */
  readonly handOver?: HandOver | undefined;
  /** UDP flows at once; for one more the flow idle longest ends. 16,384 when undefined. */
  readonly maxFlows?: number | undefined;
  /** Of the process before us; sockets that no Service wants any more are the caller's to close. */
  readonly inherited?: DriverEstate | undefined;
}

const defaults = {
  connectTimeoutMs: 5_000,
  drainMs: 30_000,
  udpIdleMs: 60_000,
  maxConnections: 16_384,
  maxFlows: 16_384,
} as const;

/** A backend that was asked before the next process took over answers through this one. */
const answersMs = 2_000;

/** What the driver forwards by before its first Plan: nothing, anywhere. */
const noPlan = emptyPlan({
  name: '',
  zone: undefined,
  addresses: [],
  nodePortAddresses: [],
  serviceRanges: [],
  masqueradeAll: false,
  detectsLocalPods: false,
});

export function createUserspaceDriver(options: UserspaceOptions): Driver & HandingOver {
  return new UserspaceDriver(options);
}

class UserspaceDriver implements Driver, HandingOver {
  readonly name = 'userspace';
  readonly capabilities = userspaceCapabilities;
  private readonly engine: NetEngine;
  private readonly clock: Clock;
  private readonly ledger = new Ledger();
  private readonly troubles: Troubles;
  private readonly choices: Choices;
  private readonly whereabouts: Whereabouts;
  private readonly drains: Drains;
  private readonly connections: Connections;
  private readonly flows: UdpFlows;
  private readonly listeners: Listeners;
  private readonly applier: Applier;
  private plan: Plan = noPlan;
  private stopped = false;

  constructor(options: UserspaceOptions) {
    const { engine, udp, clock, random, log } = options;
    this.engine = engine;
    this.clock = clock;
    this.troubles = new Troubles(clock, log);
    this.choices = new Choices(clock, random);
    this.whereabouts = new Whereabouts(clock);
    this.drains = new Drains({
      clock,
      drainMs: options.drainMs ?? defaults.drainMs,
      server: (id) => this.plan.servers.get(id),
    });
    const { ledger, choices, drains, whereabouts, troubles } = this;
    const carrying = { ledger, choices, whereabouts, troubles, plan: () => this.plan };
    this.connections = new Connections({
      ...carrying,
      engine,
      clock,
      drains,
      handOver: options.handOver,
      connectTimeoutMs: options.connectTimeoutMs ?? defaults.connectTimeoutMs,
      maxConnections: options.maxConnections ?? defaults.maxConnections,
    });
    this.flows = new UdpFlows({
      ...carrying,
      engine: udp,
      clock,
      idleMs: options.udpIdleMs ?? defaults.udpIdleMs,
      maxFlows: options.maxFlows ?? defaults.maxFlows,
    });
    const accept = this.connections.accept.bind(this.connections);
    this.listeners = new Listeners({
      open: {
        TCP: (declared, at) => engine.listen(at, (client) => accept(declared, client)),
        UDP: (declared, at) => this.flows.listen(declared, at),
      },
      inherited: new Map(options.inherited?.sockets.map((socket) => [socket.key, socket])),
    });
    if (options.inherited !== undefined) {
      this.choices.remember(options.inherited.memory);
      this.flows.remember(options.inherited.memory.flows);
    }
    this.applier = new Applier(this.listeners);
  }

  probe(): ReturnType<Driver['probe']> {
    return probeHost(this.engine);
  }

  async apply(plan: Plan, delta: Delta | undefined, signal: AbortSignal): Promise<ApplyReport> {
    if (this.stopped) {
      throw new UserspaceError('USERSPACE_STOPPED', 'Cannot apply a Plan: the driver has stopped');
    }
    const before = this.plan;
    // A Delta that leads from another Plan than ours would leave sockets behind.
    const usable = delta?.fromRevision === before.revision ? delta : undefined;
    const touched = this.applier.touchedBy(plan, usable);
    // The Plan goes first: a listener must not take a connection that its Plan does not know.
    this.plan = plan;
    try {
      const report = await this.applier.apply(plan, touched, signal);
      for (const id of touched) this.follow(id, plan);
      return report;
    } catch (error) {
      this.plan = before;
      throw error;
    }
  }

  observe(): ReturnType<Driver['observe']> {
    return { ...this.ledger.observe(this.plan), limited: { ...this.troubles.limited } };
  }

  drained(...asked: Parameters<Driver['drained']>): ReturnType<Driver['drained']> {
    return this.ledger.drained(...asked);
  }

  locate(flow: Parameters<Driver['locate']>[0]): ReturnType<Driver['locate']> {
    return this.whereabouts.locate(flow);
  }

  async stop(signal: AbortSignal): Promise<void> {
    this.stopped = true;
    this.choices.stop();
    await this.listeners.close();
    this.flows.stop();
    await this.connections.drain(signal);
  }

  async suspend(by: Descriptors, lingerMs: number): Promise<DriverEstate> {
    try {
      const sockets = this.listeners.suspend(by);
      const memory = { ...this.choices.memory(lingerMs), flows: this.flows.memory() };
      return { sockets, memory };
    } catch (error) {
      await this.listeners.resume();
      throw error;
    }
  }

  async resume(): Promise<void> {
    await this.listeners.resume();
  }

  async retire(signal: AbortSignal): Promise<void> {
    this.stopped = true;
    this.choices.stop();
    // At once: a socket kept here would hold its port when the other process gives it up.
    await this.listeners.closeSome('TCP');
    const answered = this.clock.sleep(answersMs, signal);
    await this.connections.drain(signal);
    await answered;
    this.flows.stop();
    await this.listeners.close();
  }

  private follow(id: string, plan: Plan): void {
    const server = plan.servers.get(id);
    this.ledger.follow(id, server);
    this.choices.follow(id, server);
    this.drains.follow(id);
    this.flows.follow(id);
  }
}
