/**
 * The nftables driver: a table a family in the kernel, followed by commits of our own over netlink. What it does
 * goes on when this process ends; the next one takes over.
 */
import { netlinkProtocols } from '../../codec/netlink/index.ts';
import {
  messageOf,
  type ApplyReport,
  type Clock,
  type Delta,
  type Deviation,
  type Driver,
  type Flow,
  type FrontendFailure,
  type IpFamily,
  type Plan,
  type Random,
} from '../../model/index.ts';
import type { Logger } from '../../obs/index.ts';
import {
  Conntrack,
  endpointOf,
  FlowCounters,
  reconcileUdp,
  type Since,
} from '../netfilter/index.ts';
import { loadNetlink, type NetlinkSocket, type OpenNetlink } from '../../sys/netlink/index.ts';
import { needsWhole, stageDelta, stageWhole, type Staged, type Standing } from './apply.ts';
import { auditTables } from './audit-tables.ts';
import { nftablesCapabilities } from './capabilities.ts';
import { NftablesError } from './errors.ts';
import { Counters } from './counters.ts';
import { failuresOf } from './failures.ts';
import { readInheritedAffinity, type InheritedAffinity } from './inherited-affinity.ts';
import { Kernel } from './kernel.ts';
import type { LocalPods } from './local-pods.ts';
import { probeHost } from './probe.ts';
import { Refusals } from './refusals.ts';

export interface NftablesOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** How local Pods are told from other sources, where the Plan's node says that they are. */
  readonly localPods?: LocalPods | undefined;
  /** The network namespace it forwards in, as a file; our own when it is undefined. */
  readonly namespace?: string | undefined;
  /** What happens to the tables at `stop`: a node agent leaves them, so that they forward until the next one. */
  readonly atStop: 'leave' | 'remove';
  /** How its sockets are opened, when not as anybody's. */
  readonly openNetlink?: OpenNetlink | undefined;
}

export function createNftablesDriver(options: NftablesOptions): Driver {
  return new NftablesDriver(options);
}

/** How often it looks whether the tables are still there: rebuilt within a second, for two questions of 50 us. */
const lookEveryMs = 500;

/** A socket, and what is asked through it. */
interface Line {
  readonly socket: NetlinkSocket;
  readonly kernel: Kernel;
  readonly conntrack: Conntrack;
  readonly flows: FlowCounters;
}

class NftablesDriver implements Driver {
  readonly name = 'nftables';
  readonly capabilities = nftablesCapabilities;
  private readonly options: NftablesOptions;
  private line: Line | undefined;
  private standing: Standing | undefined;
  private identity: string | undefined;
  /** False when the kernel may have something else than `standing`: then everything is made anew. */
  private sure = true;
  private readonly refusals: Refusals;
  private readonly counters = new Counters();
  private readonly failing = new Map<string, readonly FrontendFailure[]>();
  private readonly stopping = new AbortController();

  constructor(options: NftablesOptions) {
    this.options = options;
    this.refusals = new Refusals(options);
  }

  probe(): ReturnType<Driver['probe']> {
    return probeHost(this.options.namespace);
  }

  async apply(plan: Plan, delta: Delta | undefined, signal: AbortSignal): Promise<ApplyReport> {
    if (this.stopping.signal.aborted) {
      throw new NftablesError('NFTABLES_STOPPED', 'Cannot apply a Plan: the driver has stopped');
    }
    const line = await this.open();
    signal.throwIfAborted();
    if (this.identity === undefined) line.kernel.refuseForeign();
    const before = this.standing?.plan;
    const inherited = before === undefined ? line.kernel.servedUdp() : undefined;
    const operations = this.commit(line, plan, delta);
    this.reconcile(line, plan, { before, delta, inherited });
    this.followFailures(plan, delta);
    line.flows.follow(plan);
    return {
      revision: plan.revision,
      operations,
      failures: [...this.failing.values()].flat(),
      standIns: [],
    };
  }

  observe(): ReturnType<Driver['observe']> {
    const { line, standing } = this;
    if (line === undefined || standing === undefined) return { endpoints: new Map() };
    return this.counters.observe(line.kernel, standing, line.flows);
  }

  async drained(...[, signal]: Parameters<Driver['drained']>): Promise<void> {
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  async locate(flow: Flow): ReturnType<Driver['locate']> {
    const { standing } = this;
    if (standing === undefined) return undefined;
    const { conntrack } = await this.open();
    const entry = conntrack.find(flow);
    return entry && endpointOf(standing.plan, entry)?.endpoint;
  }

  async audit(): Promise<readonly Deviation[]> {
    const { line, standing, options } = this;
    if (line === undefined || standing === undefined) return [];
    return auditTables(line.socket, standing, options.localPods);
  }

  async stop(): Promise<void> {
    if (this.stopping.signal.aborted) return;
    this.stopping.abort();
    const { line } = this;
    if (this.options.atStop === 'remove' && this.identity !== undefined) line?.kernel.remove();
    line?.flows.close();
    line?.socket.close();
    this.line = undefined;
  }

  /** All or nothing; returns how many objects it changed. */
  private commit({ kernel }: Line, plan: Plan, delta: Delta | undefined): number {
    const { standing } = this;
    const staged = this.stage(kernel, plan, delta);
    const { operations } = staged.batch;
    const counted = standing && this.counters.before(kernel, standing, staged.next);
    try {
      kernel.commit(staged.batch);
    } catch (error) {
      // The kernel took nothing, but slots and counts were given out: what stands stays, the next begins anew.
      this.sure = false;
      throw error;
    }
    this.standing = staged.settle();
    this.sure = true;
    counted?.();
    this.counters.follow(this.standing, staged.next);
    if (staged.next === 'whole' || this.identity === undefined) {
      const first = this.identity === undefined;
      this.identity = kernel.identity();
      if (first) void this.watch();
    }
    return operations;
  }

  private stage(kernel: Kernel, plan: Plan, delta: Delta | undefined): Staged {
    const { standing } = this;
    const { random, localPods } = this.options;
    const usable =
      this.sure &&
      standing !== undefined &&
      delta?.fromRevision === standing.plan.revision &&
      !needsWhole(standing.plan, plan);
    if (!usable) {
      // What a refused commit had of an earlier table is not tried again.
      const inherited = this.sure ? inheritedFrom(kernel) : undefined;
      return stageWhole(plan, { random, localPods, inherited });
    }
    return stageDelta(standing, plan, { delta, localPods });
  }

  /** Looks again and again whether the tables are still those we made; `nft flush ruleset` takes ours as well. */
  private async watch(): Promise<void> {
    const { clock, log } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await clock.sleep(lookEveryMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        this.restoreLost();
      } catch (error) {
        log.warn('Cannot make the lost tables again', { error: messageOf(error) });
      }
    }
  }

  private restoreLost(): void {
    const { line, standing } = this;
    if (line === undefined || standing === undefined) return;
    if (line.kernel.identity() === this.identity) return;
    line.kernel.refuseForeign();
    this.commit(line, standing.plan, undefined);
    this.options.log.warn('Made the tables again: somebody took them away', {
      services: standing.servers.size,
    });
  }

  /** Rules are in force already: a table of connections that cannot be read costs stale UDP flows, not the apply. */
  private reconcile({ conntrack }: Line, plan: Plan, since: Since): void {
    try {
      const forgotten = reconcileUdp(conntrack, plan, since);
      if (forgotten > 0) this.options.log.debug('Forgot stale UDP connections', { forgotten });
    } catch (error) {
      this.options.log.warn('Cannot reconcile UDP connections', { error: messageOf(error) });
    }
  }

  private async open(): Promise<Line> {
    if (this.line !== undefined) return this.line;
    const { namespace, openNetlink: open = await loadNetlink() } = this.options;
    const socket = open({ protocol: netlinkProtocols.netfilter, groups: 0, namespace });
    const kernel = new Kernel(socket, this.refusals);
    const conntrack = new Conntrack(socket);
    const flows = new FlowCounters(conntrack, open, namespace);
    this.line = { socket, kernel, conntrack, flows };
    return this.line;
  }

  private followFailures(plan: Plan, delta: Delta | undefined): void {
    const changed = [...(delta?.added ?? []), ...(delta?.updated.map(({ after }) => after) ?? [])];
    const again = [...this.failing.keys(), ...changed.map(({ id }) => id)];
    const ids = delta === undefined ? [...plan.servers].map(([id]) => id) : again;
    this.failing.clear();
    for (const id of new Set(ids)) {
      const server = plan.servers.get(id);
      const failures = server === undefined ? [] : failuresOf(plan, server);
      if (failures.length > 0) this.failing.set(id, failures);
    }
  }
}

function inheritedFrom(kernel: Kernel): Readonly<Record<IpFamily, InheritedAffinity>> {
  const of = (family: IpFamily): InheritedAffinity =>
    readInheritedAffinity(family, (set) => kernel.elements(family, set));
  return { IPv4: of('IPv4'), IPv6: of('IPv6') };
}
