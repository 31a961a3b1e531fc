/**
 * One Pod as a host process: started with HOST and PORT, ready when its probe says so or it takes connections,
 * restarted with back-off when it ends or its liveness probe fails, and ended with SIGTERM, then SIGKILL.
 */
import type { Container, Happening, Probe } from '../kube/index.ts';
import type { Clock } from '../model/index.ts';
import { messageOf } from '../model/index.ts';
import type { Logger } from '../obs/index.ts';
import {
  startChild,
  type Child,
  type ChildOutput,
  type OrphanGuard,
  type Within,
} from '../sys/index.ts';
import type { NetEngine } from '../sys/net/index.ts';
import { runHook } from './lifecycle-hook.ts';
import type { LogLine } from './pod-logs.ts';
import { runProbe, type ProbeTarget } from './probe.ts';

export interface ProcessPodOptions {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where the command runs; this process's own folder when undefined. */
  readonly folder: string | undefined;
  readonly address: string;
  /** Starts programs in the Pod's network. */
  readonly within: Within;
  /** Where it takes TCP connections; undefined: ready as soon as the process runs. */
  readonly port: number | undefined;
  /** Its probes count, and the names of its ports. */
  readonly container: Container | undefined;
  readonly gracePeriodMs: number;
  /** The first life began in another process. */
  readonly adopted?: AdoptedLife | undefined;
  readonly clock: Clock;
  readonly engine: NetEngine;
  readonly guard: OrphanGuard;
  readonly log: Logger;
  /** Told of every change, in order. */
  onState(state: ProcessPodState): void;
  readonly onLine: (line: LogLine) => void;
  /** Whether it is started again when it has ended: Always, OnFailure or Never. */
  readonly restartPolicy: string;
  /** Something people should hear of. */
  readonly onHappening: (happening: Happening) => void;
}

/** How a life of the process ended. */
export interface ProcessEnd {
  readonly code: number | undefined;
  readonly signal: string | undefined;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
}

/** A life that goes on here; without a child there is only its count. */
export interface AdoptedLife {
  readonly child: Child | undefined;
  readonly startedAtMs: number | undefined;
  readonly restarts: number;
  readonly isReady: boolean;
  readonly lastEnd: ProcessEnd | undefined;
}

/** What goes on in another process; the descriptors stay this one's. */
export interface SuspendedLife extends Omit<AdoptedLife, 'child'> {
  readonly child: { readonly pid: number; readonly output: ChildOutput | undefined } | undefined;
}

export interface ProcessPodState {
  readonly ready: boolean;
  readonly restarts: number;
  /** Undefined while no process runs. */
  readonly startedAtMs: number | undefined;
  readonly lastEnd: ProcessEnd | undefined;
  /** It has ended and is not started again. */
  readonly isOver: boolean;
  /** Why it is not ready, for people. */
  readonly reason: string | undefined;
  readonly message: string | undefined;
}

const firstBackOffMs = 250;
const maxBackOffMs = 10_000;
const readyPollMs = 25;
/** A hook after the start has no limit but what a timer takes: 24 days. */
const longestHookMs = 2 ** 31 - 1;
/** A process that ran this long starts again with the first back-off. */
const stableMs = 10_000;

export class ProcessPod {
  private readonly options: ProcessPodOptions;
  private readonly stopping = new AbortController();
  private readonly finished: Promise<void>;
  private child: Child | undefined;
  private isReady = false;
  private isOver = false;
  private restarts = 0;
  private startedAtMs: number | undefined;
  private lastEnd: ProcessEnd | undefined;
  private adopted: AdoptedLife | undefined;
  /** Set while another process may take over: nothing is started until it is settled. */
  private held: PromiseWithResolvers<void> | undefined;

  constructor(options: ProcessPodOptions) {
    this.options = options;
    this.adopted = options.adopted;
    this.restarts = this.adopted?.restarts ?? 0;
    this.lastEnd = this.adopted?.lastEnd;
    this.finished = this.live();
  }

  /** What another process goes on with; nothing is started here until `resume`. */
  suspend(): SuspendedLife {
    this.held ??= Promise.withResolvers<void>();
    const { child, startedAtMs, restarts, isReady, lastEnd } = this;
    if (child !== undefined) this.options.guard.remove(child.pid);
    const output = child?.suspend();
    const life = { startedAtMs, restarts, isReady, lastEnd };
    return { ...life, child: child === undefined ? undefined : { pid: child.pid, output } };
  }

  resume(): void {
    if (this.child !== undefined) this.options.guard.add(this.child.pid);
    this.child?.resume();
    this.held?.resolve();
    this.held = undefined;
  }

  /** Lets go of the process without ending it. */
  release(): void {
    this.stopping.abort();
    this.held?.resolve();
  }

  /** Resolves when the process is gone; what it wants done before its end counts towards the grace. */
  async stop(gracePeriodMs = this.options.gracePeriodMs): Promise<void> {
    this.stopping.abort();
    await this.endInGrace(gracePeriodMs);
    await this.finished;
  }

  /** What the process wants done before its end, then its end. */
  private async endInGrace(gracePeriodMs: number): Promise<void> {
    const { clock } = this.options;
    const begun = clock.monotonic();
    if (this.child !== undefined && gracePeriodMs > 0) await this.beforeEnd(gracePeriodMs);
    await this.endChild(Math.max(0, gracePeriodMs - (clock.monotonic() - begun)));
  }

  /** Until the hook is done, or the process is gone by itself. */
  private async beforeEnd(atMostMs: number): Promise<void> {
    const { container, onHappening } = this.options;
    const preStop = container?.lifecycle?.preStop;
    const { child } = this;
    if (preStop === undefined || child === undefined) return;
    const gone = new AbortController();
    void child.ended.then(() => gone.abort());
    const failure = await runHook(preStop, this.target(), { atMostMs, signal: gone.signal });
    if (failure === undefined || gone.signal.aborted) return;
    const message = `PreStopHook failed: ${failure}`;
    onHappening({ type: 'Warning', reason: 'FailedPreStopHook', message });
  }

  private async endChild(gracePeriodMs: number): Promise<void> {
    const child = this.child;
    if (child === undefined) return;
    child.kill('SIGTERM');
    const gone = new AbortController();
    void child.ended.then(() => gone.abort());
    await this.options.clock.sleep(gracePeriodMs, gone.signal);
    if (!gone.signal.aborted) child.kill('SIGKILL');
  }

  private target(): ProbeTarget {
    const { address, container, env, folder, within, engine, clock } = this.options;
    return { address, container, env, folder, within, engine, clock };
  }

  private async live(): Promise<void> {
    const { clock, log, name, onHappening } = this.options;
    let backOffMs = firstBackOffMs;
    while (!this.stopping.signal.aborted) {
      const startedAt = clock.monotonic();
      const why = await this.runOnce();
      await this.held?.promise;
      if (this.stopping.signal.aborted) return;
      if (!this.isStartedAgain()) {
        this.isOver = true;
        return this.report(false, 'PodCompleted', why);
      }
      if (clock.monotonic() - startedAt > stableMs) backOffMs = firstBackOffMs;
      log.warn('Process of Pod ended; starting it again', { pod: name, why, inMs: backOffMs });
      this.restarts++;
      this.report(false, 'CrashLoopBackOff', `${why}; starting it again in ${backOffMs} ms`);
      const message = `Back-off restarting failed process: ${why}`;
      onHappening({ type: 'Warning', reason: 'BackOff', message });
      await clock.sleep(backOffMs, this.stopping.signal);
      backOffMs = Math.min(backOffMs * 2, maxBackOffMs);
    }
  }

  /** One that could not even be started is tried again whatever the policy. */
  private isStartedAgain(): boolean {
    const { restartPolicy } = this.options;
    if (restartPolicy === 'Always' || this.lastEnd === undefined) return true;
    return restartPolicy === 'OnFailure' && this.lastEnd.code !== 0;
  }

  /** One life of the process; resolves with how it ended. */
  private async runOnce(): Promise<string> {
    const { command, env, folder, within, clock, guard, onLine, onHappening } = this.options;
    const life = this.restarts;
    const { adopted } = this;
    this.adopted = undefined;
    const startedAtMs = adopted?.startedAtMs ?? clock.now();
    let child: Child;
    try {
      child =
        adopted?.child ??
        (await startChild({
          command,
          env,
          cwd: folder,
          within,
          onLine: (text, from) => onLine({ text, from, atMs: clock.now(), life }),
        }));
    } catch (thrown) {
      return messageOf(thrown);
    }
    const message = `Started container ${this.options.container?.name ?? 'main'}`;
    onHappening({ type: 'Normal', reason: 'Started', message });
    guard.add(child.pid);
    this.child = child;
    this.startedAtMs = startedAtMs;
    // Stopped while it was being started: nobody saw it run, so nobody waits for a graceful end.
    if (this.stopping.signal.aborted && adopted === undefined) child.kill('SIGKILL');
    const over = new AbortController();
    const ended = child.ended.finally(() => over.abort());
    const watched = this.watch(over.signal, adopted);
    const { code, signal } = await ended;
    await watched;
    guard.remove(child.pid);
    this.child = undefined;
    this.startedAtMs = undefined;
    this.lastEnd = { code, signal, startedAtMs, finishedAtMs: clock.now() };
    if (adopted?.child !== undefined && code === undefined) return 'it ended';
    return signal === undefined
      ? `it exited with code ${code ?? '?'}`
      : `it was ended by ${signal}`;
  }

  /** Follows the process through its start, then its readiness and its liveness, until it is over. */
  private async watch(over: AbortSignal, adopted: AdoptedLife | undefined): Promise<void> {
    const wasReady = adopted?.isReady === true;
    const { address, port, container } = this.options;
    const { startupProbe, readinessProbe } = container ?? {};
    const target = this.target();
    if (wasReady) this.report(true);
    else {
      this.report(false, 'ContainersNotReady', `nothing answers at ${address}:${port ?? '?'} yet`);
    }
    // Another process has seen to the hook of a life that began there.
    if (adopted?.child === undefined && !(await this.afterStart(over))) return;
    if (startupProbe !== undefined && !wasReady) {
      await runProbe({
        probe: startupProbe,
        target,
        signal: over,
        onTurn: (isWell, why) => {
          if (!isWell) this.unhealthy('Startup', startupProbe, why);
          return true;
        },
      });
    }
    if (over.aborted) return;
    const living = this.watchLiveness(target, over);
    if (readinessProbe === undefined) {
      await this.waitUntilReady(over);
    } else {
      await runProbe({
        probe: readinessProbe,
        target,
        signal: over,
        onTurn: (isWell, why) => {
          this.answered(isWell, why);
          return false;
        },
      });
    }
    await living;
  }

  /** Nothing is asked of the process before its hook is done; one whose hook fails is ended. */
  private async afterStart(over: AbortSignal): Promise<boolean> {
    const { container, onHappening, gracePeriodMs } = this.options;
    const postStart = container?.lifecycle?.postStart;
    if (postStart === undefined) return true;
    const how = { atMostMs: longestHookMs, signal: over };
    const failure = await runHook(postStart, this.target(), how);
    if (over.aborted) return false;
    if (failure === undefined) return true;
    const message = `PostStartHook failed: ${failure}`;
    onHappening({ type: 'Warning', reason: 'FailedPostStartHook', message });
    onHappening({ type: 'Normal', reason: 'Killing', message: 'FailedPostStartHook' });
    this.report(false, 'PostStartHookError', message);
    void this.endInGrace(gracePeriodMs);
    return false;
  }

  private async watchLiveness(target: ProbeTarget, over: AbortSignal): Promise<void> {
    const probe = target.container?.livenessProbe;
    if (probe === undefined) return;
    const onTurn = (isWell: boolean, why: string | undefined): boolean => {
      if (!isWell) this.unhealthy('Liveness', probe, why);
      return !isWell;
    };
    await runProbe({ probe, target, signal: over, onTurn });
  }

  /** What the readiness probe found; only a change is told. */
  private answered(isWell: boolean, why: string | undefined): void {
    if (isWell === this.isReady) return;
    if (isWell) this.report(true);
    else {
      const message = `Readiness probe failed: ${why ?? ''}`;
      this.report(false, 'ContainersNotReady', message);
      this.options.onHappening({ type: 'Warning', reason: 'Unhealthy', message });
    }
  }

  private unhealthy(
    which: 'Startup' | 'Liveness',
    { terminationGracePeriodSeconds: seconds }: Probe,
    why: string | undefined,
  ): void {
    const { onHappening, container, gracePeriodMs } = this.options;
    const message = `${which} probe failed: ${why ?? ''}`;
    onHappening({ type: 'Warning', reason: 'Unhealthy', message });
    const named = container?.name ?? 'main';
    const end = `Container ${named} failed ${which.toLowerCase()} probe, will be restarted`;
    onHappening({ type: 'Normal', reason: 'Killing', message: end });
    this.report(false, 'Unhealthy', message);
    // `live` starts it again when it is gone; nothing else waits for that.
    void this.endChild(seconds === undefined ? gracePeriodMs : seconds * 1_000);
  }

  private async waitUntilReady(over: AbortSignal): Promise<void> {
    const { address, port, engine, clock } = this.options;
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
    this.isReady = ready;
    if (this.stopping.signal.aborted) return;
    const { restarts, startedAtMs, lastEnd, isOver } = this;
    this.options.onState({ ready, restarts, startedAtMs, lastEnd, isOver, reason, message });
  }
}
