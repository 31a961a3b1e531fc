/**
 * One Pod as a host process: started with HOST and PORT, ready when it takes connections, restarted with
 * back-off when it ends, and ended with SIGTERM, then SIGKILL.
 */
import type { Clock } from '../model/index.ts';
import { messageOf } from '../model/index.ts';
import type { Logger } from '../obs/index.ts';
import { startChild, type Child } from '../sys/index.ts';
import type { NetEngine } from '../sys/net/index.ts';

export interface ProcessPodOptions {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly address: string;
  /** Undefined: ready as soon as the process runs. */
  readonly port: number | undefined;
  readonly gracePeriodMs: number;
  readonly clock: Clock;
  readonly engine: NetEngine;
  readonly log: Logger;
  /** Told of every change, in order. */
  onState(state: ProcessPodState): void;
}

export interface ProcessPodState {
  readonly ready: boolean;
  readonly restarts: number;
  /** Why it is not ready, for people. */
  readonly reason: string | undefined;
  readonly message: string | undefined;
}

const firstBackOffMs = 250;
const maxBackOffMs = 10_000;
const readyPollMs = 25;
/** A process that ran this long starts again with the first back-off. */
const stableMs = 10_000;

export class ProcessPod {
  private readonly options: ProcessPodOptions;
  private readonly stopping = new AbortController();
  private readonly finished: Promise<void>;
  private child: Child | undefined;
  private restarts = 0;

  constructor(options: ProcessPodOptions) {
    this.options = options;
    this.finished = this.live();
  }

  /** Resolves when the process is gone. */
  async stop(): Promise<void> {
    const { clock, gracePeriodMs } = this.options;
    this.stopping.abort();
    const child = this.child;
    if (child !== undefined) {
      child.kill('SIGTERM');
      const gone = new AbortController();
      void child.ended.then(() => gone.abort());
      await clock.sleep(gracePeriodMs, gone.signal);
      if (!gone.signal.aborted) child.kill('SIGKILL');
    }
    await this.finished;
  }

  private async live(): Promise<void> {
    const { clock, log, name } = this.options;
    let backOffMs = firstBackOffMs;
    while (!this.stopping.signal.aborted) {
      const startedAt = clock.monotonic();
      const why = await this.runOnce();
      if (this.stopping.signal.aborted) return;
      if (clock.monotonic() - startedAt > stableMs) backOffMs = firstBackOffMs;
      log.warn('Process of Pod ended; starting it again', { pod: name, why, inMs: backOffMs });
      this.restarts++;
      this.report(false, 'CrashLoopBackOff', `${why}; starting it again in ${backOffMs} ms`);
      await clock.sleep(backOffMs, this.stopping.signal);
      backOffMs = Math.min(backOffMs * 2, maxBackOffMs);
    }
  }

  /** One life of the process; resolves with how it ended. */
  private async runOnce(): Promise<string> {
    const { command, env, log, name } = this.options;
    let child: Child;
    try {
      child = await startChild({
        command,
        env,
        onLine: (line, from) => log.debug('Output of Pod', { pod: name, from, line }),
      });
    } catch (thrown) {
      return messageOf(thrown);
    }
    this.child = child;
    // Stopped while it was being started: nobody saw it run, so nobody waits for a graceful end.
    if (this.stopping.signal.aborted) child.kill('SIGKILL');
    const over = new AbortController();
    const ended = child.ended.finally(() => over.abort());
    await this.waitUntilReady(over.signal);
    const { code, signal } = await ended;
    this.child = undefined;
    return signal === undefined
      ? `it exited with code ${code ?? '?'}`
      : `it was ended by ${signal}`;
  }

  private async waitUntilReady(over: AbortSignal): Promise<void> {
    const { address, port, engine, clock } = this.options;
    this.report(false, 'ContainersNotReady', `nothing answers at ${address}:${port ?? '?'} yet`);
    while (port !== undefined && !over.aborted) {
      try {
        const options = { timeoutMs: 1_000, signal: over };
        (await engine.connect({ address, port }, options)).destroy();
        break;
      } catch {
        await clock.sleep(readyPollMs, over);
      }
    }
    if (!over.aborted) this.report(true);
  }

  private report(ready: boolean, reason?: string, message?: string): void {
    if (this.stopping.signal.aborted) return;
    this.options.onState({ ready, restarts: this.restarts, reason, message });
  }
}
