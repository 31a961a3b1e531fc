/** The engine that a command carries TCP with, and what is said where it is another than was asked for. */
import type { Logger } from '../obs/index.ts';
import { createEngine, type EnginePreference, type StreamEngine } from '../sys/net/index.ts';

export interface CarryingEngineOptions {
  readonly prefer: EnginePreference;
  /** Threads that carry TCP; 1 when undefined. */
  readonly workers: number | undefined;
  readonly log: Logger;
}

export async function createCarryingEngine({
  prefer,
  workers = 1,
  log,
}: CarryingEngineOptions): Promise<StreamEngine> {
  const { engine, notEpoll } = await createEngine({
    prefer,
    workers,
    onThreadFailed: (error) =>
      log.error('A thread failed: the connections it carried are reset', { error }),
  });
  if (notEpoll !== undefined) log.info('Carrying TCP with the portable engine', { why: notEpoll });
  if (workers > 1 && engine.name === 'portable') {
    log.warn('Carrying TCP in one thread: only the epoll engine shares connections', { workers });
  }
  return engine;
}
