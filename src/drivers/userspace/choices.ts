/** What choosing remembers in this driver: one state a ServicePort, as long as the Plan has it. */
import {
  ChoiceState,
  choose,
  effectiveScheduler,
  endpointKey,
  PassiveHealth,
  schedulerFacts,
  schedulerNames,
  type Clock,
  type Decision,
  type Endpoint,
  type Flow,
  type PickableScheduler,
  type Random,
  type SchedulerName,
  type VirtualServer,
} from '../../model/index.ts';
import { userspaceCapabilities } from './capabilities.ts';
import type { Remembered } from './hand-over.ts';

export type Forward = Extract<Decision, { kind: 'forward' }>;

/** A connection attempt as load-based schedulers see it. */
export interface LoadTicket {
  /** The endpoint answered, so many milliseconds after it was chosen. */
  answered(): void;
  /** The connection, or the attempt, is over. */
  closed(): void;
}

const schedulers = new Map<SchedulerName, PickableScheduler>(
  schedulerNames.map((name) => [
    name,
    effectiveScheduler(name, userspaceCapabilities.schedulers).scheduler,
  ]),
);

/** In so many steps connections of the process before this one are taken for ended. */
const fadeSteps = 10;

export class Choices {
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly states = new Map<string, ChoiceState>();
  private readonly health: PassiveHealth;
  private readonly stopping = new AbortController();
  /** ServicePorts whose flows go on in the process after this one, and are counted there. */
  private readonly moving = new Set<string>();

  constructor(clock: Clock, random: Random) {
    this.clock = clock;
    this.random = random;
    this.health = new PassiveHealth(random);
  }

  /**
   * The endpoint for a connection, none of those it tried in vain; undefined when none takes it. Those set aside
   * are asked only when nobody else is left.
   */
  next(decision: Forward, flow: Flow, tried: ReadonlySet<string>): Endpoint | undefined {
    const { candidates, server } = decision;
    const healthy = this.health.inUse(server.id, candidates, this.clock.monotonic());
    if (healthy === candidates) return this.choose(decision, flow, tried);
    if (!isHashed(decision.scheduler)) {
      const chosen = this.choose({ ...decision, candidates: healthy }, flow, tried);
      return chosen ?? this.choose(decision, flow, tried);
    }
    // Another pool would give every client of a hash another endpoint; so only those of the one aside move on.
    const passedOver = new Set(tried);
    for (const each of candidates) if (!healthy.includes(each)) passedOver.add(endpointKey(each));
    return this.choose(decision, flow, passedOver) ?? this.choose(decision, flow, tried);
  }

  /** The endpoint refused or did not answer in time. */
  failed(server: string, endpoint: Endpoint): void {
    this.health.failed(server, endpoint, this.clock.monotonic());
  }

  succeeded(server: string, endpoint: Endpoint): void {
    this.health.succeeded(server, endpoint);
  }

  /** Counts a connection to `endpoint` from now on; undefined when no scheduler of the ServicePort minds. */
  count({ server, scheduler }: Forward, endpoint: Endpoint): LoadTicket | undefined {
    const used = schedulers.get(scheduler) ?? 'rr';
    const needs: readonly string[] = schedulerFacts[used].needs;
    if (!needs.includes('open-connections')) return undefined;
    if (server.ref.protocol === 'UDP') this.moving.add(server.id);
    const { loads } = this.stateOf(server.id);
    const slot = loads.slotOf(endpoint);
    const startedMs = this.clock.monotonic();
    loads.opened(slot);
    return {
      answered: () => {
        loads.answered(slot, this.clock.monotonic() - startedMs, this.clock.now());
      },
      closed: () => loads.closed(slot),
    };
  }

  /** Takes note of a ServicePort as it is now; undefined: it is gone. */
  follow(id: string, server: VirtualServer | undefined): void {
    this.health.follow(id, server);
    if (server === undefined) {
      this.states.delete(id);
      this.moving.delete(id);
    } else this.states.get(id)?.loads.retain(server.endpoints);
  }

  /** What every ServicePort remembers, for the process after us. */
  memory(lingerMs: number): Remembered {
    const choices = [...this.states].map(([id, state]) => {
      const memory = state.memory();
      const loads = memory.loads.map((load) => (this.moving.has(id) ? { ...load, open: 0 } : load));
      return [id, { ...memory, loads }] as const;
    });
    return { choices, health: this.health.memory(this.clock.monotonic()), lingerMs };
  }

  remember({ choices, health, lingerMs }: Remembered): void {
    this.health.remember(health, this.clock.monotonic());
    for (const [id, memory] of choices) {
      const state = this.stateOf(id);
      state.remember(memory);
      for (const load of memory.loads) {
        const slot = state.loads.remember(load);
        if (load.open > 0) void this.letGo(state, { slot, open: load.open, lingerMs });
      }
    }
  }

  stop(): void {
    this.stopping.abort();
  }

  /**
   * What is open in the process before this one ends there unseen: it counts less and less, and no more when that
   * process has to be gone.
   */
  private async letGo(
    { loads }: ChoiceState,
    {
      slot,
      open,
      lingerMs,
    }: { readonly slot: number; readonly open: number; readonly lingerMs: number },
  ): Promise<void> {
    const { signal } = this.stopping;
    let left = open;
    for (let step = fadeSteps - 1; step >= 0 && !signal.aborted; step--) {
      await this.clock.sleep(lingerMs / fadeSteps, signal);
      const kept = Math.floor((open * step) / fadeSteps);
      for (; left > kept; left--) loads.closed(slot);
    }
  }

  private choose(decision: Forward, flow: Flow, tried: ReadonlySet<string>): Endpoint | undefined {
    return choose(this.stateOf(decision.server.id), decision, flow, {
      nowMs: this.clock.now(),
      random: this.random,
      scheduler: schedulers.get(decision.scheduler) ?? 'rr',
      tried,
    });
  }

  private stateOf(id: string): ChoiceState {
    let state = this.states.get(id);
    if (state === undefined) this.states.set(id, (state = new ChoiceState()));
    return state;
  }
}

function isHashed(scheduler: SchedulerName): boolean {
  const needs: readonly string[] = schedulerFacts[schedulers.get(scheduler) ?? 'rr'].needs;
  return needs.includes('source-hash') || needs.includes('destination-hash');
}
