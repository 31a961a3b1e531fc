/**
 * Keeps a node forwarding as the objects say: list and watch -> change tracker -> Plan and Delta -> driver.
 *
 * Nothing is applied before Services and EndpointSlices have both been listed, so that a start never shows
 * Services without endpoints. After a failed apply the next one is full.
 */
import type { EventRecorder, ObjectClient } from '../kube/index.ts';
import {
  emptyPlan,
  nextPlan,
  type ApplyReport,
  type Clock,
  type Delta,
  type Driver,
  type NodeView,
  type Plan,
  type Random,
  type SchedulerName,
} from '../model/index.ts';
import type { Component, ComponentStatus, Logger } from '../obs/index.ts';
import { createFeeds } from './feeds.ts';
import { createSyncLoop, type RunResult } from './sync-loop.ts';
import { createChangeTracker, type ChangeTracker, type ChangeTrackerOptions } from './tracker.ts';

export interface PlannerOptions {
  readonly client: ObjectClient;
  readonly driver: Driver;
  readonly node: NodeView;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly minIntervalMs: number;
  readonly retryMs: number;
  readonly maxIntervalMs: number;
  /** The live gateway's port for a pool of a per-request ServicePort; there is none when undefined. */
  readonly gatewayOf?: ChangeTrackerOptions['gatewayOf'];
  /** Where a ServicePort answers instead; undefined leaves it out. All where they say when there is none. */
  readonly frontendsOf?: ChangeTrackerOptions['frontendsOf'];
  /** Of Services that name none; round robin when undefined. */
  readonly defaultScheduler?: SchedulerName | undefined;
  /** Tells people of settings that were not taken; nobody when undefined. */
  readonly events?: EventRecorder | undefined;
  /** Called when something has changed that is not forwarded yet. */
  readonly onQueued?: (() => void) | undefined;
  /** Called when everything that was queued is forwarded, also when it came to nothing. */
  readonly onSynced?: (() => void) | undefined;
  /** Called after each apply that succeeded, in order. */
  readonly onApplied?: (applied: Applied) => void;
}

export interface Applied {
  readonly plan: Plan;
  readonly report: ApplyReport;
  /** What led to this Plan; undefined when everything was applied. */
  readonly delta: Delta | undefined;
}

export interface Planner extends Component {
  /** What the driver forwards now. */
  readonly applied: () => Applied;
  /** Ids of the VirtualServers that have a Pod among their endpoints; costs what they are. */
  readonly serversOf: ChangeTracker['serversOf'];
  /** The node has changed: everything is compiled again. */
  readonly setNode: ChangeTracker['setNode'];
  /** Compiles a Service again: its gateway came or went. */
  readonly refresh: ChangeTracker['refresh'];
}

export function createPlanner(options: PlannerOptions): Planner {
  const { client, clock, random, log } = options;
  const { node, gatewayOf, frontendsOf, defaultScheduler } = options;
  const tracker = createChangeTracker({ node, gatewayOf, frontendsOf, defaultScheduler });
  const work = createApplyWork(tracker, options);
  const loop = createSyncLoop(work.run, {
    clock,
    minIntervalMs: options.minIntervalMs,
    retryMs: options.retryMs,
    maxIntervalMs: options.maxIntervalMs,
    onFailure: (thrown) => log.error('Cannot apply the Plan; will try again', { error: thrown }),
  });
  const feeds = createFeeds({
    client,
    tracker,
    clock,
    random,
    log,
    events: options.events,
    changed: () => {
      options.onQueued?.();
      loop.trigger();
    },
  });
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  let state: ComponentStatus = { state: 'starting', detail: undefined };
  const stop = async (): Promise<void> => {
    stopping.abort();
    await Promise.all(feeds.map((feed) => feed.stop()));
    await running;
    state = { state: 'stopped', detail: undefined };
  };
  return {
    name: 'plan',
    start: async (signal) => {
      await Promise.all(feeds.map((feed) => feed.start(signal)));
      loop.trigger();
      running = loop.run(stopping.signal);
      await work.first(signal);
      if (signal.aborted) await stop();
      signal.throwIfAborted();
      state = { state: 'ready', detail: undefined };
    },
    stop,
    status: () => work.problem() ?? state,
    applied: work.applied,
    setNode: (changed) => {
      tracker.setNode(changed);
      loop.trigger();
    },
    refresh: (namespace, name) => {
      tracker.refresh(namespace, name);
      loop.trigger();
    },
    serversOf: (namespace, pod) => tracker.serversOf(namespace, pod),
  };
}

interface ApplyWork {
  readonly run: (signal: AbortSignal) => Promise<RunResult>;
  /** Resolves after the first apply that succeeded, or when `signal` aborts. */
  first(signal: AbortSignal): Promise<void>;
  readonly applied: () => Applied;
  problem(): ComponentStatus | undefined;
}

function createApplyWork(tracker: ChangeTracker, options: PlannerOptions): ApplyWork {
  const { driver, clock, log, onApplied, maxIntervalMs } = options;
  let wanted = emptyPlan(options.node);
  let applied: Applied = {
    plan: wanted,
    report: { revision: 0, operations: 0, failures: [], standIns: [] },
    delta: undefined,
  };
  let full = true;
  let failing = false;
  let fullAtMs = clock.monotonic();
  const first = Promise.withResolvers<void>();
  const run = async (signal: AbortSignal): Promise<RunResult> => {
    // Whatever others did to the host meanwhile: what the kernel was told once is said again, all of it.
    if (clock.monotonic() - fullAtMs >= maxIntervalMs) full = true;
    const change = tracker.flush(wanted);
    const next = change === undefined ? undefined : nextPlan(wanted, change);
    if (next === undefined && !full && applied.report.failures.length === 0) return 'done';
    wanted = next?.plan ?? wanted;
    const delta = full ? undefined : (next?.delta ?? emptyDelta(wanted));
    // Until it has succeeded, this apply counts as failed: the next is full whatever happens in it.
    full = true;
    const report = await driver.apply(wanted, delta, signal);
    full = false;
    if (delta === undefined) fullAtMs = clock.monotonic();
    applied = { plan: wanted, report, delta };
    log.debug('Applied the Plan', {
      revision: report.revision,
      operations: report.operations,
      failures: report.failures.length,
    });
    onApplied?.(applied);
    first.resolve();
    return report.failures.length > 0 ? 'retry' : 'done';
  };
  return {
    run: async (signal) => {
      try {
        const result = await run(signal);
        failing = false;
        options.onSynced?.();
        return result;
      } catch (thrown) {
        failing = true;
        throw thrown;
      }
    },
    first: async (signal) => {
      const aborted = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => aborted.resolve(), { once: true });
      if (signal.aborted) return;
      await Promise.race([first.promise, aborted.promise]);
    },
    applied: () => applied,
    problem: () => {
      if (failing) {
        return { state: 'degraded', detail: 'The last Plan could not be applied yet' };
      }
      const failed = applied.report.failures.length;
      return failed === 0
        ? undefined
        : { state: 'degraded', detail: `${failed} frontends cannot be served` };
    },
  };
}

function emptyDelta(plan: Plan): Delta {
  return {
    fromRevision: plan.revision,
    toRevision: plan.revision,
    added: [],
    updated: [],
    removed: [],
    nodeChanged: false,
  };
}
