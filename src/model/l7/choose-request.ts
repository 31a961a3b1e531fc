/**
 * From a verdict on a request to an endpoint: its session first, then a hash of it, then the scheduler, past
 * endpoints that were tried, are set aside, or are too new for a whole share. Its state belongs to one ServicePort.
 */
import { effectiveScheduler } from '../capabilities.ts';
import { ChoiceState, pickUntried } from '../choose.ts';
import type { Random } from '../clock.ts';
import { PassiveHealth, type Troubles } from '../passive-health.ts';
import type { Loads } from '../schedulers/loads.ts';
import { buildMaglev } from '../schedulers/maglev.ts';
import {
  pickableSchedulers,
  schedulerFacts,
  schedulerNames,
  type PickableScheduler,
  type SchedulerName,
} from '../schedulers/names.ts';
import { endpointKey, type Endpoint, type VirtualServer } from '../service-port.ts';
import type { ForwardRequest } from './decide-request.ts';
import { pickBounded, type BoundedRing } from './hash-rule.ts';
import type { RequestBackend } from './route.ts';
import { SharedTurns, type SharedChoice } from './shared-turns.ts';
import { SlowStart, type Newcomer } from './slow-start.ts';

/** Which endpoint gets a request, and what it takes to count it there. */
export interface RequestChoice {
  readonly endpoint: Endpoint;
  /** The cookie to send; undefined where the client has it, or needs none. */
  readonly setCookie: string | undefined;
}

export interface ChooseRequest {
  /** Milliseconds of a clock that never goes back. */
  readonly nowMs: number;
  readonly client: string;
  /** Where the client meant to go, for `dh`. */
  readonly destination: string;
  /** Keys of the endpoints that failed this request. */
  readonly tried: readonly string[];
}

/** Told of the requests of one endpoint, so that choosing knows of them. */
export interface RequestLoad {
  opened(): void;
  closed(): void;
  answered(how: { readonly latencyMs: number; readonly nowMs: number }): void;
  failed(nowMs: number): void;
}

/** What the threads that choose for one ServicePort share. Whoever chooses or is told keeps the others out meanwhile. */
export interface SharedRequestChoice extends SharedChoice {
  readonly troubles: Troubles;
}

interface RingState {
  readonly candidates: readonly Endpoint[];
  readonly ring: BoundedRing;
}

/** How often a new endpoint that is not up to its share yet may be passed over for one request. */
const slowStartDraws = 3;

export class RequestChoices {
  private readonly random: Random;
  private readonly turns: Pick<ChoiceState, 'stateOf'>;
  private readonly loads: Loads;
  private readonly rings = new Map<string, RingState>();
  private readonly health: PassiveHealth;
  private readonly slowStart = new SlowStart();
  private readonly none: ReadonlySet<string> = new Set();

  constructor(random: Random, shared?: SharedRequestChoice) {
    this.random = random;
    const own = new ChoiceState();
    this.turns = shared === undefined ? own : new SharedTurns(shared);
    this.loads = shared?.loads ?? own.loads;
    this.health = new PassiveHealth(random, shared?.troubles);
  }

  /** Takes note of the ServicePort as it is now. */
  follow(server: VirtualServer, nowMs: number): void {
    this.loads.retain(server.endpoints);
    this.health.follow(server.id, server);
    this.slowStart.follow(server, nowMs);
  }

  /** Endpoints that do not take their whole share yet, as far as `follow` has found. */
  newcomers(): readonly Newcomer[] {
    return this.slowStart.list();
  }

  /** Instead of `follow`, where another thread follows: what it shares is up to date already. */
  learn(newcomers: readonly Newcomer[]): void {
    this.slowStart.learn(newcomers);
  }

  /** Undefined when every endpoint was tried. */
  choose(decision: ForwardRequest, asked: ChooseRequest): RequestChoice | undefined {
    const { backend, held } = decision;
    const { tried } = asked;
    if (held !== undefined && !tried.includes(endpointKey(held.endpoint))) {
      const { endpoint, current } = held;
      return { endpoint, setCookie: current ? undefined : backend.sessions?.setCookie(endpoint) };
    }
    const endpoint = this.newEndpoint(decision, asked);
    if (endpoint === undefined) return undefined;
    return { endpoint, setCookie: backend.sessions?.setCookie(endpoint) };
  }

  /** What becomes of requests at an endpoint; good until the next `follow`, and for those that are open by then. */
  loadOf(server: string, endpoint: Endpoint): RequestLoad {
    const { loads, health } = this;
    const slot = loads.slotOf(endpoint);
    return {
      opened: () => loads.opened(slot),
      closed: () => loads.closed(slot),
      answered: ({ latencyMs, nowMs }) => {
        loads.answered(slot, latencyMs, nowMs);
        health.succeeded(server, endpoint);
      },
      failed: (nowMs) => health.failed(server, endpoint, nowMs),
    };
  }

  private newEndpoint(decision: ForwardRequest, asked: ChooseRequest): Endpoint | undefined {
    const { backend, candidates, hash } = decision;
    const { nowMs } = asked;
    const healthy = this.health.inUse(backend.id, candidates, nowMs);
    if (hash !== undefined) return this.byHash(decision, { hash, healthy, asked });
    const scheduler = schedulers.get(backend.scheduler) ?? 'rr';
    const tried = asked.tried.length === 0 ? this.none : new Set(asked.tried);
    const pick = (from: readonly Endpoint[], without: ReadonlySet<string>): Endpoint | undefined =>
      this.pick({ backend, scheduler, from, without }, asked);
    if (isHashed(scheduler)) {
      // Another pool would give every client of a hash another endpoint; only those of the one aside move on.
      const without = new Set(tried);
      for (const each of candidates) if (!healthy.includes(each)) without.add(endpointKey(each));
      return pick(candidates, without) ?? pick(candidates, tried);
    }
    const first = pick(healthy, tried) ?? pick(candidates, tried);
    if (first === undefined || !this.slowStart.holdsBack(first, nowMs, this.random)) return first;
    for (let draw = 0; draw < slowStartDraws; draw++) {
      const other = pick(healthy, tried);
      if (other !== undefined && !this.slowStart.holdsBack(other, nowMs, this.random)) return other;
    }
    return first;
  }

  private pick(
    { backend, scheduler, from, without }: Picking,
    asked: ChooseRequest,
  ): Endpoint | undefined {
    const flow = { source: asked.client, destination: asked.destination };
    return pickUntried(this.turns, { pool: backend.pool, candidates: from }, flow, {
      nowMs: asked.nowMs,
      random: this.random,
      scheduler,
      tried: without,
    });
  }

  private byHash(
    { backend, candidates }: ForwardRequest,
    { hash, healthy, asked }: { hash: number; healthy: readonly Endpoint[]; asked: ChooseRequest },
  ): Endpoint | undefined {
    const ring = this.ringOf(backend, candidates);
    const rule = { hash, bound: backend.hash?.bound ?? Number.POSITIVE_INFINITY };
    const isTried = (i: number): boolean =>
      candidates[i] === undefined || asked.tried.includes(endpointKey(candidates[i]));
    const isAside = (i: number): boolean =>
      healthy !== candidates && candidates[i] !== undefined && !healthy.includes(candidates[i]);
    const near = pickBounded(ring, rule, (i) => isTried(i) || isAside(i));
    return candidates[near < 0 ? pickBounded(ring, rule, isTried) : near];
  }

  private ringOf({ pool }: RequestBackend, candidates: readonly Endpoint[]): BoundedRing {
    const known = this.rings.get(pool);
    if (known?.candidates === candidates) return known.ring;
    const { loads } = this;
    const weights = Uint32Array.from(candidates, ({ weight }) => weight);
    const slots = Uint32Array.from(candidates, (candidate) => loads.slotOf(candidate));
    const ring = { ring: buildMaglev(candidates.map(endpointKey), weights), slots, weights, loads };
    this.rings.set(pool, { candidates, ring });
    return ring;
  }
}

interface Picking {
  readonly backend: RequestBackend;
  readonly scheduler: PickableScheduler;
  readonly from: readonly Endpoint[];
  readonly without: ReadonlySet<string>;
}

const schedulers = new Map<SchedulerName, PickableScheduler>(
  schedulerNames.map((name) => [name, effectiveScheduler(name, pickableSchedulers).scheduler]),
);

function isHashed(scheduler: PickableScheduler): boolean {
  const needs: readonly string[] = schedulerFacts[scheduler].needs;
  return needs.includes('source-hash') || needs.includes('destination-hash');
}
