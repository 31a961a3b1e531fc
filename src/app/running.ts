/** Starts a list of components in order, and stops them in reverse, whatever happens on the way. */
import { messageOf } from '../model/index.ts';
import type { Component, Logger } from '../obs/index.ts';

/** Rejects with what the first that failed threw; those started before it are stopped again. */
export async function startAll(
  components: readonly Component[],
  signal: AbortSignal,
  log: Logger,
): Promise<void> {
  const started: Component[] = [];
  try {
    for (const component of components) {
      signal.throwIfAborted();
      await component.start(signal);
      started.push(component);
    }
  } catch (thrown) {
    await stopAll(started, log);
    throw thrown;
  }
}

/** Never rejects: what cannot be stopped is logged, and the others are stopped all the same. */
export async function stopAll(components: readonly Component[], log: Logger): Promise<void> {
  for (const component of components.toReversed()) {
    try {
      await component.stop();
    } catch (thrown) {
      log.warn('Cannot stop a component', { name: component.name, error: messageOf(thrown) });
    }
  }
}
