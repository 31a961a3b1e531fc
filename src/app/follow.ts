/** Starts an instance, by itself or in the place of another process of it. */
import type { Component, Logger } from '../obs/index.ts';
import type { AddressBlock } from './address-block.ts';
import { startAll, stopAll } from './running.ts';
import type { Successor } from './take-over.ts';

interface Following {
  readonly log: Logger;
  readonly pid: number;
  readonly block: AddressBlock;
  readonly components: Component[];
  /** Their places are free only when the process before has let go. */
  readonly late: readonly Component[];
  readonly settled: () => void;
}

/** Starts in the place of another process, which goes on by itself when this rejects before that has let go. */
export async function startAfter(
  successor: Successor,
  { log, pid, block, components, late, settled }: Following,
  signal: AbortSignal,
): Promise<void> {
  await startOrRelease(components, { block, signal, log });
  try {
    await successor.serving(pid);
  } catch (thrown) {
    await stopAll(components, log);
    throw thrown;
  }
  settled();
  try {
    await startAll(late, signal, log);
  } catch (thrown) {
    await stopAll(components, log);
    throw thrown;
  }
  components.push(...late);
}

export async function startOrRelease(
  components: readonly Component[],
  { block, signal, log }: { block: AddressBlock; signal: AbortSignal; log: Logger },
): Promise<void> {
  try {
    await startAll(components, signal, log);
  } catch (thrown) {
    await block.release();
    throw thrown;
  }
}
