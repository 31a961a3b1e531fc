/**
 * The nftables driver: a table a family in the kernel, followed by commits of our own over netlink. What it does
 * goes on when this process ends; the next one takes over.
 */
import { NftBatch } from '../../codec/nftables/index.ts';
import { netlinkProtocols } from '../../codec/netlink/index.ts';
import {
  messageOf,
  type ApplyReport,
  type Delta,
  type Driver,
  type Flow,
  type FrontendFailure,
  type Plan,
  type Random,
} from '../../model/index.ts';
import type { Logger } from '../../obs/index.ts';
import { Conntrack, endpointOf, reconcileUdp } from '../netfilter/index.ts';
import { loadNetlink, type NetlinkSocket, type OpenNetlink } from '../../sys/netlink/index.ts';
import {
  needsWhole,
  stageDelta,
  stageWhole,
  takenFrontends,
  type Staged,
  type Standing,
} from './apply.ts';
import { nftablesCapabilities } from './capabilities.ts';
import { NftablesError } from './errors.ts';
import { families, tableName } from './family.ts';
import type { LocalPods } from './local-pods.ts';
import { probeHost } from './probe.ts';

export interface NftablesOptions {
  readonly random: Random;
  readonly log: Logger;
  /** How local Pods are told from other sources, where the Plan's node says that they are. */
  readonly localPods?: LocalPods | undefined;
  /** The network namespace it forwards in, as a file; our own when it is undefined. */
  readonly namespace?: string | undefined;
  /** What happens to the tables at `stop`: a node agent leaves them, so that they forward until the next one. */
  readonly atStop: 'leave' | 'remove';
}

export function createNftablesDriver(options: NftablesOptions): Driver {
  return new NftablesDriver(options);
}

class NftablesDriver implements Driver {
  readonly name = 'nftables';
  readonly capabilities = nftablesCapabilities;
  private readonly options: NftablesOptions;
  private open: OpenNetlink | undefined;
  private socket: NetlinkSocket | undefined;
  private standing: Standing | undefined;
  private readonly failing = new Map<string, readonly FrontendFailure[]>();
  private stopped = false;

  constructor(options: NftablesOptions) {
    this.options = options;
  }

  probe(): ReturnType<Driver['probe']> {
    return probeHost(this.options.namespace);
  }

  async apply(plan: Plan, delta: Delta | undefined, signal: AbortSignal): Promise<ApplyReport> {
    if (this.stopped) {
      throw new NftablesError('NFTABLES_STOPPED', 'Cannot apply a Plan: the driver has stopped');
    }
    const socket = await this.netlink();
    signal.throwIfAborted();
    const staged = this.stage(plan, delta);
    const { operations } = staged.batch;
    try {
      if (!staged.batch.isEmpty) socket.request('commit rules', staged.batch.finish());
    } catch (error) {
      // The kernel took nothing, but slots and counts were given out: begin anew.
      this.standing = undefined;
      throw error;
    }
    const before = this.standing?.plan;
    this.standing = staged.settle();
    this.reconcile(socket, plan, { before, delta });
    this.followFailures(plan, delta);
    return {
      revision: plan.revision,
      operations,
      failures: [...this.failing.values()].flat(),
      standIns: [],
    };
  }

  observe(): ReturnType<Driver['observe']> {
    return { endpoints: new Map() };
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
    const entry = new Conntrack(await this.netlink()).find(flow);
    return entry && endpointOf(standing.plan, entry);
  }

  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    if (this.options.atStop === 'remove' && this.standing !== undefined) {
      (await this.netlink()).request('remove the tables', removal());
    }
    this.socket?.close();
  }

  private stage(plan: Plan, delta: Delta | undefined): Staged {
    const { standing } = this;
    const { random, localPods } = this.options;
    const usable =
      standing !== undefined &&
      delta?.fromRevision === standing.plan.revision &&
      !needsWhole(standing.plan, plan);
    if (!usable) return stageWhole(plan, { random, localPods });
    return stageDelta(standing, plan, { delta, localPods });
  }

  /** Rules are in force already: a table of connections that cannot be read costs stale UDP flows, not the apply. */
  private reconcile(
    socket: NetlinkSocket,
    plan: Plan,
    since: { readonly before: Plan | undefined; readonly delta: Delta | undefined },
  ): void {
    try {
      const forgotten = reconcileUdp(new Conntrack(socket), plan, since);
      if (forgotten > 0) this.options.log.debug('Forgot stale UDP connections', { forgotten });
    } catch (error) {
      this.options.log.warn('Cannot reconcile UDP connections', { error: messageOf(error) });
    }
  }

  private async netlink(): Promise<NetlinkSocket> {
    this.open ??= await loadNetlink();
    const { namespace } = this.options;
    this.socket ??= this.open({ protocol: netlinkProtocols.netfilter, groups: 0, namespace });
    return this.socket;
  }

  private followFailures(plan: Plan, delta: Delta | undefined): void {
    const changed =
      delta === undefined
        ? [...plan.servers.values()]
        : [
            ...this.failing.keys(),
            ...[...delta.added, ...delta.updated.map((u) => u.after)].map((s) => s.id),
          ].flatMap((id) => plan.servers.get(id) ?? []);
    if (delta === undefined) this.failing.clear();
    for (const id of this.failing.keys())
      if (plan.servers.get(id) === undefined) this.failing.delete(id);
    for (const server of changed) {
      const failures = takenFrontends(plan, server);
      if (failures.length > 0) this.failing.set(server.id, failures);
      else this.failing.delete(server.id);
    }
  }
}

function removal(): Uint8Array {
  const batch = new NftBatch();
  for (const family of Object.values(families)) {
    batch.in({ family: family.number, name: tableName });
    batch.addTable();
    batch.deleteTable();
  }
  return batch.finish();
}
