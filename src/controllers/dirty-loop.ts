/**
 * A controller's life: follow kinds, collect the keys of what changed, and bring each of them in order, one after
 * the other. A key that failed, or that time will change, comes again.
 */
import { isAlreadyExists, isConflict, isNotFound } from '../kube/index.ts';
import type { Clock } from '../model/index.ts';
import type { Component, ComponentStatus, Logger } from '../obs/index.ts';
import { createSyncLoop, type RunResult } from '../plan/index.ts';

export interface DirtyLoopOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** How soon a key that failed or waits comes again. */
  readonly retryMs: number;
  /** Keep the pictures true that `sync` reads; they call `trigger` after a change. */
  readonly reflectors: (trigger: () => void) => readonly Component[];
  readonly dirty: Set<string>;
  /** Brings one key in order; `wait` when it should be looked at again although nothing changes. */
  readonly sync: (key: string) => Promise<'done' | 'wait'>;
}

export function createDirtyLoop(options: DirtyLoopOptions): Component {
  const { name, clock, log, retryMs, dirty } = options;
  const loop = createSyncLoop((signal) => syncDirty(options, signal), {
    clock,
    minIntervalMs: 0,
    retryMs,
    maxIntervalMs: 3_600_000,
    onFailure: (thrown) => log.warn('Cannot sync; will try again', { error: thrown }),
  });
  const reflectors = options.reflectors(() => {
    if (dirty.size > 0) loop.trigger();
  });
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  let status: ComponentStatus = { state: 'starting', detail: undefined };
  return {
    name,
    start: async (signal) => {
      await Promise.all(reflectors.map((reflector) => reflector.start(signal)));
      loop.trigger();
      running = loop.run(stopping.signal);
      status = { state: 'ready', detail: undefined };
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(reflectors.map((reflector) => reflector.stop()));
      await running;
      status = { state: 'stopped', detail: undefined };
    },
    status: () => status,
  };
}

async function syncDirty(
  { dirty, sync, log, name }: DirtyLoopOptions,
  signal: AbortSignal,
): Promise<RunResult> {
  let again = 0;
  // What `sync` itself makes dirty is done in the same run, but for keys that failed or wait.
  const later = new Set<string>();
  while (dirty.size > 0 && !signal.aborted) {
    const [key = ''] = dirty;
    dirty.delete(key);
    try {
      if ((await sync(key)) === 'done') continue;
    } catch (thrown) {
      // Somebody else was quicker, or the API is away: this key comes again, the others go on.
      const expected = isConflict(thrown) || isAlreadyExists(thrown) || isNotFound(thrown);
      if (!expected) log.warn('Cannot sync an object', { controller: name, key, error: thrown });
    }
    again++;
    later.add(key);
  }
  for (const key of later) dirty.add(key);
  return again > 0 ? 'retry' : 'done';
}
