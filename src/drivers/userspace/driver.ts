/** The driver that needs no privilege: a socket for each frontend, and a relay for each connection. */
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
import type { NetEngine } from '../../sys/net/index.ts';
import { Applier } from './apply.ts';
import { userspaceCapabilities } from './capabilities.ts';
import { Choices } from './choices.ts';
import { Connections } from './connections.ts';
import { UserspaceError } from './errors.ts';
import { Ledger } from './ledger.ts';
import { Listeners } from './listeners.ts';
import { probeHost } from './probe.ts';

export interface UserspaceOptions {
  readonly engine: NetEngine;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** How long an endpoint may take to answer before the next one is tried; 5 s when undefined. */
  readonly connectTimeoutMs?: number | undefined;
}

const defaultConnectTimeoutMs = 5000;

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

export function createUserspaceDriver(options: UserspaceOptions): Driver {
  return new UserspaceDriver(options);
}

class UserspaceDriver implements Driver {
  readonly name = 'userspace';
  readonly capabilities = userspaceCapabilities;
  private readonly engine: NetEngine;
  private readonly ledger = new Ledger();
  private readonly choices: Choices;
  private readonly connections: Connections;
  private readonly listeners: Listeners;
  private readonly applier: Applier;
  private plan: Plan = noPlan;
  private stopped = false;

  constructor(options: UserspaceOptions) {
    const { engine, clock, random, log } = options;
    this.engine = engine;
    this.choices = new Choices(clock, random);
    this.connections = new Connections({
      engine,
      clock,
      log,
      connectTimeoutMs: options.connectTimeoutMs ?? defaultConnectTimeoutMs,
      ledger: this.ledger,
      choices: this.choices,
      plan: () => this.plan,
    });
    this.listeners = new Listeners({
      engine,
      onConnection: (declared, connection) => this.connections.accept(declared, connection),
    });
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
    return this.ledger.observe(this.plan);
  }

  locate(flow: Parameters<Driver['locate']>[0]): ReturnType<Driver['locate']> {
    return this.connections.locate(flow);
  }

  async stop(signal: AbortSignal): Promise<void> {
    this.stopped = true;
    await this.listeners.close();
    await this.connections.drain(signal);
  }

  private follow(id: string, plan: Plan): void {
    const server = plan.servers.get(id);
    this.ledger.follow(id, server);
    this.choices.follow(id, server);
  }
}
