/** Takes Events away an hour after they last happened, as the API server does: they tell of now. */
import { eventKind, isNotFound, nameOf, type Event } from '../kube/index.ts';
import type { Component, ComponentStatus } from '../obs/index.ts';
import type { ControllerOptions } from './mirror.ts';

const livesMs = 3_600_000;
const sweepMs = 60_000;

export function createEventExpiry({ client, clock, log }: ControllerOptions): Component {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  let status: ComponentStatus = { state: 'starting', detail: undefined };
  const sweep = async (): Promise<void> => {
    const { items } = await client.list(eventKind);
    for (const event of items) {
      if (lastMs(event) + livesMs > clock.now()) continue;
      try {
        await client.delete(eventKind, nameOf(event));
      } catch (thrown) {
        if (!isNotFound(thrown)) throw thrown;
      }
    }
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await clock.sleep(sweepMs, stopping.signal);
      if (stopping.signal.aborted) return;
      try {
        await sweep();
      } catch (thrown) {
        log.warn('Cannot take away old Events; will try again', { error: thrown });
      }
    }
  };
  return {
    name: 'event-expiry',
    start: async () => {
      running = run();
      status = { state: 'ready', detail: undefined };
    },
    stop: async () => {
      stopping.abort();
      await running;
      status = { state: 'stopped', detail: undefined };
    },
    status: () => status,
  };
}

/** One without any time never expires. */
function lastMs({ lastTimestamp, firstTimestamp, metadata }: Event): number {
  const ms = Date.parse(lastTimestamp ?? firstTimestamp ?? metadata.creationTimestamp ?? '');
  return Number.isNaN(ms) ? Infinity : ms;
}
