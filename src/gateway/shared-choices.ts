/**
 * What choosing for one ServicePort remembers where several threads choose: turns, open counts, latencies, failures. It is
 * the memory of one thread's `RequestChoices`, laid where the others' is, so that together they choose as one would. Whoever
 * is at it keeps the others out by `enter` and `leave`; nothing else than choosing and being told happens in between.
 */
import {
  decayedLatency,
  endpointKey,
  sampledLatency,
  type Endpoint,
  type Loads,
  type Newcomer,
  type PoolName,
  type Random,
  type SchedulerName,
  type SharedRequestChoice,
  type Trouble,
  type Troubles,
} from '../model/index.ts';
import type { RequestCounters } from './request-count.ts';
import { SharedLock } from './shared-lock.ts';
import { intAt, numberAt, SharedTable } from './shared-table.ts';
import type { RequestServer } from './request-server.ts';

/** One rendering of a ServicePort for the other threads, to be sent with the ServicePort itself. */
export interface SharedRendering {
  readonly revision: number;
  readonly words: SharedArrayBuffer;
  readonly memory: readonly SharedArrayBuffer[];
  /** Of its endpoints, in their order. */
  readonly places: Uint32Array;
  readonly turns: Readonly<Record<PoolName, SharedArrayBuffer>>;
  readonly newcomers: readonly Newcomer[];
}

/** Words for the lock, for how many endpoints are in trouble, and for the revision each thread has learned. */
const wordAt = { lock: 0, troubled: 1, learned: 2 } as const;

/** A thread that is not there keeps nothing from being forgotten. */
const absent = 0x7fff_ffff;

interface Turn {
  readonly memory: SharedArrayBuffer;
  readonly word: Uint32Array;
  readonly candidates: readonly Endpoint[] | undefined;
  readonly scheduler: SchedulerName | undefined;
}

export interface SharedChoicesOptions {
  readonly random: Random;
  readonly threads: number;
  /** Which of them this is; 0 is the one that follows the objects. */
  readonly thread: number;
  /** The words that the first thread made; it makes them itself. */
  readonly words?: SharedArrayBuffer | undefined;
}

export class SharedChoices implements SharedRequestChoice {
  readonly loads: SharedLoads;
  readonly troubles: SharedTroubles;
  /** The last one, of the first thread. */
  rendering: SharedRendering | undefined;
  private readonly options: SharedChoicesOptions;
  private readonly memory: SharedArrayBuffer;
  private readonly words: Int32Array;
  private readonly lock: SharedLock;
  private readonly table: SharedTable;
  private turns: Readonly<Record<PoolName, Turn>>;
  private revision = 0;

  constructor(options: SharedChoicesOptions) {
    const { threads, thread, words } = options;
    this.options = options;
    const bytes = (wordAt.learned + threads) * Int32Array.BYTES_PER_ELEMENT;
    this.memory = words ?? new SharedArrayBuffer(bytes);
    this.words = new Int32Array(this.memory);
    if (words === undefined) this.words.fill(absent, wordAt.learned + 1);
    this.lock = new SharedLock(this.words, wordAt.lock, thread);
    this.table = new SharedTable(threads);
    this.troubles = new SharedTroubles(this.table, this.words);
    this.loads = new SharedLoads(this.table, {
      thread,
      troubles: this.troubles,
      allKnow: () => this.isKnown,
    });
    this.turns = { cluster: this.newTurn(), local: this.newTurn() };
  }

  enter(): void {
    this.lock.enter();
  }

  leave(): void {
    this.lock.leave();
  }

  turnOf(pool: PoolName): Uint32Array {
    return this.turns[pool].word;
  }

  countersOf(key: string): RequestCounters {
    return new SharedCounters(this.table, this.table.placeFor(key));
  }

  /** Of the first thread, after it followed: what the others have to learn. */
  render(
    { endpoints, perRequest, scheduler }: RequestServer,
    newcomers: readonly Newcomer[],
  ): void {
    const places = Uint32Array.from(endpoints, (each) => this.loads.slotOf(each));
    const turnOf = (pool: PoolName): Turn => {
      const [before, candidates] = [this.turns[pool], perRequest.pools[pool]];
      const goesOn = before.candidates === candidates && before.scheduler === scheduler;
      return goesOn ? before : this.newTurn(candidates, scheduler);
    };
    this.turns = { cluster: turnOf('cluster'), local: turnOf('local') };
    this.revision++;
    this.rendering = {
      revision: this.revision,
      words: this.memory,
      memory: this.table.memory(),
      places,
      turns: { cluster: this.turns.cluster.memory, local: this.turns.local.memory },
      newcomers,
    };
  }

  /** Of every other thread. */
  learn({ endpoints }: RequestServer, { revision, memory, places, turns }: SharedRendering): void {
    this.table.learn(memory, endpoints, places);
    const learned = (turn: SharedArrayBuffer): Turn => ({
      memory: turn,
      word: new Uint32Array(turn),
      candidates: undefined,
      scheduler: undefined,
    });
    this.turns = { cluster: learned(turns.cluster), local: learned(turns.local) };
    Atomics.store(this.words, wordAt.learned + this.options.thread, revision);
  }

  /** Another thread begins: what it was told of is kept until it has learned more. */
  expect(thread: number): void {
    Atomics.store(this.words, wordAt.learned + thread, 0);
  }

  /** Another thread is no more: what it had open is open no longer. */
  bury(thread: number): void {
    Atomics.store(this.words, wordAt.learned + thread, absent);
    this.lock.release(thread);
    this.enter();
    for (const [, place] of this.table.entries()) this.loads.forget(place, thread);
    this.leave();
  }

  /** Every thread has learned the last rendering. */
  get isKnown(): boolean {
    for (let i = 1; i < this.options.threads; i++) {
      if (Atomics.load(this.words, wordAt.learned + i) < this.revision) return false;
    }
    return true;
  }

  /** Starts at a random place, so that churn favours nobody. */
  private newTurn(candidates?: readonly Endpoint[], scheduler?: SchedulerName): Turn {
    const memory = new SharedArrayBuffer(Uint32Array.BYTES_PER_ELEMENT);
    const word = new Uint32Array(memory);
    word[0] = Math.floor(this.options.random() * absent);
    return { memory, word, candidates, scheduler };
  }
}

interface LoadsOwner {
  readonly thread: number;
  readonly troubles: SharedTroubles;
  readonly allKnow: () => boolean;
}

export class SharedLoads implements Loads {
  private readonly table: SharedTable;
  private readonly owner: LoadsOwner;
  private readonly own: number;
  /** Of every rendering that some thread may still choose by. */
  private named: ReadonlySet<string> = new Set();

  constructor(table: SharedTable, owner: LoadsOwner) {
    this.table = table;
    this.owner = owner;
    this.own = intAt.ofThreads + owner.thread;
  }

  slotOf(endpoint: Pick<Endpoint, 'address' | 'port'>): number {
    return this.table.placeFor(endpointKey(endpoint));
  }

  /** The places of those that are gone are given away only when no thread can choose them any more. */
  retain(endpoints: readonly Endpoint[]): void {
    const { table, owner } = this;
    const now = endpoints.map(endpointKey);
    const still = new Set([...this.named, ...now]);
    if (!owner.allKnow()) {
      this.named = still;
      return;
    }
    this.named = new Set(now);
    table.takeBack((key, place) => {
      const isDone = !still.has(key) && this.open(place) === 0;
      if (isDone) owner.troubles.delete(key);
      return isDone;
    });
  }

  open(place: number): number {
    return this.table.int(place, intAt.open);
  }

  opened(place: number): void {
    this.add(place, 1);
  }

  closed(place: number): void {
    this.add(place, -1);
  }

  answered(place: number, latencyMs: number, nowMs: number): void {
    const { table } = this;
    const before = this.latency(place, nowMs) ?? 0;
    const elapsedMs = nowMs - table.number(place, numberAt.sampledAt);
    const latency = sampledLatency(before, latencyMs, elapsedMs);
    table.setNumber(place, numberAt.latency, latency);
    table.setNumber(place, numberAt.sampledAt, nowMs);
    table.setInt(place, intAt.sampled, 1);
  }

  latency(place: number, nowMs: number): number | undefined {
    const { table } = this;
    if (table.int(place, intAt.sampled) === 0) return undefined;
    const elapsedMs = nowMs - table.number(place, numberAt.sampledAt);
    return decayedLatency(table.number(place, numberAt.latency), elapsedMs);
  }

  /** Takes what a thread has open off. */
  forget(place: number, thread: number): void {
    const { table } = this;
    const lost = table.int(place, intAt.ofThreads + thread);
    table.setInt(place, intAt.ofThreads + thread, 0);
    table.setInt(place, intAt.open, table.int(place, intAt.open) - lost);
  }

  private add(place: number, change: number): void {
    const { table, own } = this;
    table.setInt(place, intAt.open, table.int(place, intAt.open) + change);
    table.setInt(place, own, table.int(place, own) + change);
  }
}

/** Of endpoints whose place is known; what is said of another is of no use to anybody any more. */
class SharedTroubles implements Troubles {
  private readonly table: SharedTable;
  private readonly words: Int32Array;

  constructor(table: SharedTable, words: Int32Array) {
    this.table = table;
    this.words = words;
  }

  get size(): number {
    return this.words[wordAt.troubled] ?? 0;
  }

  get(key: string): Trouble | undefined {
    const { table } = this;
    const place = table.placeOf(key);
    const failures = place === undefined ? 0 : table.int(place, intAt.inARow);
    if (place === undefined || failures === 0) return undefined;
    return { failures, untilMs: table.number(place, numberAt.asideUntil) };
  }

  set(key: string, { failures, untilMs }: Trouble): void {
    const { table } = this;
    const place = table.placeOf(key);
    if (place === undefined) return;
    if (table.int(place, intAt.inARow) === 0) this.count(1);
    table.setInt(place, intAt.inARow, failures);
    table.setNumber(place, numberAt.asideUntil, untilMs);
  }

  delete(key: string): boolean {
    const { table } = this;
    const place = table.placeOf(key);
    if (place === undefined || table.int(place, intAt.inARow) === 0) return false;
    table.setInt(place, intAt.inARow, 0);
    this.count(-1);
    return true;
  }

  *keys(): Iterable<string> {
    for (const [key, place] of this.table.entries()) {
      if (this.table.int(place, intAt.inARow) > 0) yield key;
    }
  }

  private count(change: number): void {
    this.words[wordAt.troubled] = this.size + change;
  }
}

class SharedCounters implements RequestCounters {
  private readonly table: SharedTable;
  private readonly place: number;

  constructor(table: SharedTable, place: number) {
    this.table = table;
    this.place = place;
  }

  get requests(): number {
    return this.table.number(this.place, numberAt.requests);
  }

  get open(): number {
    return this.table.int(this.place, intAt.open);
  }

  get failures(): number {
    return this.table.int(this.place, intAt.failures);
  }

  /** What is open is counted by `loads` already. */
  opened(): void {
    this.table.setNumber(this.place, numberAt.requests, this.requests + 1);
  }

  closed(failed: boolean): void {
    if (failed) this.table.setInt(this.place, intAt.failures, this.failures + 1);
  }
}
