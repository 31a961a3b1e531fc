/** Follows Plans: what a Delta touches is rendered again, and sockets change only where that differs. */
import {
  claimantsOf,
  serversOf,
  type ApplyReport,
  type Delta,
  type FrontendFailure,
  type Plan,
  type StandIn,
  type VirtualServer,
} from '../../model/index.ts';
import type { Listeners } from './listeners.ts';
import { renderServer, type Rendering, type WantedListener } from './render.ts';

/** What one apply is going to do; nothing of it has happened yet. */
interface Staged {
  /** By ServicePort id; undefined for one that is gone. */
  readonly renderings: ReadonlyMap<string, Rendering | undefined>;
  /** By key: what the touched VirtualServers want. */
  readonly wanted: ReadonlyMap<string, WantedListener>;
  /** Keys that nobody wants any more. */
  readonly obsolete: readonly string[];
  /** New ones, and those that were refused before. */
  readonly toOpen: readonly WantedListener[];
}

interface Standing {
  readonly failures: readonly FrontendFailure[];
  readonly standIns: readonly StandIn[];
}

export class Applier {
  private readonly listeners: Listeners;
  /** By ServicePort id. */
  private readonly rendered = new Map<string, Rendering>();
  /** Those of `rendered` that have failures, so that a report need not look at all of them. */
  private readonly failing = new Map<string, readonly FrontendFailure[]>();
  private standing: Standing = { failures: [], standIns: [] };

  constructor(listeners: Listeners) {
    this.listeners = listeners;
  }

  /** The ids whose listeners may differ after this Delta: every one when there is none. */
  touchedBy(plan: Plan, delta: Delta | undefined): ReadonlySet<string> {
    if (delta === undefined || delta.nodeChanged) {
      return new Set([...[...plan.servers.values()].map((s) => s.id), ...this.rendered.keys()]);
    }
    const ids = new Set<string>();
    for (const server of serversOf(delta)) {
      ids.add(server.id);
      for (const rival of rivalsOf(plan, server)) ids.add(rival.id);
    }
    return ids;
  }

  /** Opens what is new, then closes what is obsolete. If it rejects, what was served before still is. */
  async apply(plan: Plan, touched: ReadonlySet<string>, signal: AbortSignal): Promise<ApplyReport> {
    signal.throwIfAborted();
    const staged = this.stage(plan, touched);
    const fresh = staged.toOpen.map((w) => w.key).filter((key) => !this.listeners.has(key));
    let operations = 0;
    try {
      operations += await this.listeners.openAll(staged.toOpen);
      signal.throwIfAborted();
    } catch (error) {
      await this.listeners.closeAll(fresh);
      throw error;
    }
    const stale = this.commit(staged);
    operations += await this.listeners.closeAll(staged.obsolete);
    operations += await this.listeners.resolveCollisions(staged.toOpen);
    if (stale || operations > 0 || staged.toOpen.length > 0) this.standing = this.takeStock();
    return { revision: plan.revision, operations, ...this.standing };
  }

  private stage(plan: Plan, touched: ReadonlySet<string>): Staged {
    const renderings = new Map<string, Rendering | undefined>();
    const wanted = new Map<string, WantedListener>();
    const before: string[] = [];
    for (const id of touched) {
      const server = plan.servers.get(id);
      const rendering = server === undefined ? undefined : renderServer(plan, server);
      renderings.set(id, rendering);
      for (const listener of rendering?.listeners ?? []) wanted.set(listener.key, listener);
      for (const { key } of this.rendered.get(id)?.listeners ?? []) before.push(key);
    }
    const obsolete = before.filter((key) => !wanted.has(key));
    const left = new Set(obsolete);
    const retried = this.listeners.waiting().filter((w) => !left.has(w.key) && !wanted.has(w.key));
    const unopened = [...wanted.values()].filter((w) => !this.listeners.isOpen(w.key));
    return { renderings, wanted, obsolete, toOpen: [...unopened, ...retried] };
  }

  /** Returns whether reports have to be drawn up again. */
  private commit({ renderings, wanted, obsolete }: Staged): boolean {
    let stale = obsolete.length > 0;
    for (const [id, rendering] of renderings) {
      if (rendering === undefined) this.rendered.delete(id);
      else this.rendered.set(id, rendering);
      const failures = rendering?.failures ?? [];
      stale ||= failures.length > 0 || this.failing.has(id);
      if (failures.length === 0) this.failing.delete(id);
      else this.failing.set(id, failures);
    }
    for (const listener of wanted.values()) {
      if (this.listeners.retarget(listener)) stale = true;
    }
    return stale;
  }

  private takeStock(): Standing {
    return {
      failures: [...[...this.failing.values()].flat(), ...this.listeners.failures()],
      standIns: this.listeners.standIns(),
    };
  }
}

/** Whoever claims a frontend that `server` claims or claimed: who has it may change with `server`. */
function* rivalsOf(plan: Plan, server: VirtualServer): Iterable<VirtualServer> {
  for (const frontend of server.frontends) {
    yield* claimantsOf(plan.frontends, server, frontend);
    const { address, port } = frontend;
    if (address === undefined || !plan.node.nodePortAddresses.includes(address)) continue;
    // An address of the node's own goes before the NodePort there.
    const nodePort = { kind: 'nodePort', address: undefined, port } as const;
    yield* claimantsOf(plan.frontends, server, nodePort);
  }
}
