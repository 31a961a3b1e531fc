/**
 * The other threads of a gateway, as the first one knows them. It listens, decides what comes before HTTP, and gives each
 * connection to whoever has the fewest, itself among them; what routers need it tells all of them. What choosing remembers is
 * shared (shared-choices.ts), so that all together choose as one. A thread that dies is taken off the counts, its clients
 * are reset, and another starts.
 */
import { moduleFile, startWorker, type SysError, type WorkerThread } from '../sys/index.ts';
import type { Connection, Passing, StreamEngine } from '../sys/net/index.ts';
import type { Random, SessionKey } from '../model/index.ts';
import type { Logger } from '../obs/index.ts';
import { ClientTally } from './client-tally.ts';
import type { PortOrder, TlsIdentity } from './router.ts';
import type { RequestServer } from './request-server.ts';
import { SharedChoices } from './shared-choices.ts';
import type { Counted, ThreadOrder, ThreadStart, ThreadWord } from './thread-words.ts';

export interface GatewayThreadsOptions extends Pick<
  ThreadStart,
  'accessLogShare' | 'maxEndpointConnections' | 'maxWaiting'
> {
  readonly passing: Passing;
  readonly random: Random;
  /** What threads log, and what becomes of them. */
  readonly log: Logger;
  /** The module a thread runs; tests have one that fails. */
  readonly file?: string | undefined;
}

/** A ServicePort as the other threads were last told of it. */
interface Followed {
  readonly shared: SharedChoices;
  order: Extract<ThreadOrder, { kind: 'follow' }> | undefined;
}

interface ServedPort {
  readonly order: PortOrder;
  readonly clients: SharedArrayBuffer;
}

/** Descriptors a process may have, as far as they are written down. */
const mostDescriptors = 1 << 20;

/** Undefined where all is done in one thread. The threads start with the first ServicePort. */
export function createGatewayThreads(
  engine: StreamEngine,
  options: Omit<GatewayThreadsOptions, 'passing'>,
): GatewayThreads | undefined {
  const { passing } = engine;
  return passing && new GatewayThreads({ ...options, passing });
}

export class GatewayThreads {
  private readonly options: GatewayThreadsOptions;
  /** Those beside the first, whose number is 0, by number. */
  private readonly threads = new Map<number, Thread>();
  private readonly clients: SharedArrayBuffer;
  private readonly load: Int32Array;
  private readonly followed = new Map<string, Followed>();
  private readonly ports = new Map<string, ServedPort>();
  private readonly identities = new Map<string, TlsIdentity>();
  private keys: readonly SessionKey[] = [];
  private begun: Promise<unknown> | undefined;
  private stopped = false;

  constructor(options: GatewayThreadsOptions) {
    this.options = options;
    this.clients = this.newTally();
    this.load = new Int32Array(this.clients);
  }

  /** The memory of a ServicePort that all threads choose by. */
  share(server: string): SharedChoices {
    const { random, passing } = this.options;
    const shared = new SharedChoices({ random, threads: passing.workers, thread: 0 });
    for (const number of this.threads.keys()) shared.expect(number);
    this.followed.set(server, { shared, order: undefined });
    return shared;
  }

  /** Tells of a ServicePort as it is now, after its router of this thread has followed. The first one starts the threads. */
  follow(server: RequestServer, keys: readonly SessionKey[]): void {
    const followed = this.followed.get(server.id);
    const rendering = followed?.shared.rendering;
    if (followed === undefined || rendering === undefined) return;
    // Told apart from the ServicePorts, so that whoever works something out of a key does it once.
    if (keys !== this.keys) this.tell({ kind: 'keys', keys });
    this.keys = keys;
    followed.order = { kind: 'follow', server, rendering };
    this.tell(followed.order);
    this.begin();
  }

  forget(server: string): void {
    if (this.followed.delete(server)) this.tell({ kind: 'forget', server });
  }

  /** Tells what a Secret holds now, when that is news. */
  certify(secret: string, identity: TlsIdentity | undefined): void {
    if (this.identities.get(secret) === identity) return;
    if (identity === undefined) this.identities.delete(secret);
    else this.identities.set(secret, identity);
    this.tell({ kind: 'certify', secret, identity });
  }

  /** Resolves when every thread that can serve a port does. */
  async serve(order: PortOrder): Promise<void> {
    const clients = this.ports.get(order.id)?.clients ?? this.newTally();
    this.ports.set(order.id, { order, clients });
    this.tell({ kind: 'serve', port: order, clients });
    await this.begun;
  }

  withdraw(port: string, patienceMs: number): void {
    if (this.ports.delete(port)) this.tell({ kind: 'withdraw', port, patienceMs });
  }

  /** The clients of a port, as this thread counts them. */
  tallyOf(port: string): ClientTally | undefined {
    const served = this.ports.get(port);
    return served && new ClientTally({ port: served.clients, all: this.clients, thread: 0 });
  }

  /** Gives the connection to another thread. False: it is best off here, and still whole. */
  give(port: string, connection: Connection): boolean {
    const served = this.ports.get(port);
    if (served === undefined) return false;
    let best: Thread | undefined;
    let least = this.load[0] ?? 0;
    for (const [number, thread] of this.threads) {
      const clients = this.load[number] ?? 0;
      // Whoever accepts has that to do as well.
      if (!thread.ready || clients > least || (clients === least && best !== undefined)) continue;
      least = clients;
      best = thread;
    }
    const passed = best && this.options.passing.give(connection, best.ledger);
    if (best === undefined || passed === undefined) return false;
    new ClientTally({ port: served.clients, all: this.clients, thread: best.number }).add(1);
    best.take({ kind: 'take', port, passed });
    return true;
  }

  /** What the other threads have counted; nothing of those that are no more. */
  async counted(): Promise<readonly Counted[]> {
    return await Promise.all([...this.threads.values()].map((thread) => thread.counted()));
  }

  /** As `stop` of the gateway, in all threads. */
  async stop(signal: AbortSignal, patienceMs: number): Promise<void> {
    this.stopped = true;
    await Promise.all([...this.threads.values()].map((each) => each.stop(signal, patienceMs)));
    this.threads.clear();
  }

  private begin(): void {
    if (this.begun !== undefined) return;
    const numbers = Array.from({ length: this.options.passing.workers - 1 }, (_, i) => i + 1);
    this.begun = Promise.all(numbers.map((number) => this.startOne(number)));
  }

  private startOne(number: number): Promise<void> {
    const { options, clients } = this;
    const { passing, accessLogShare, log, file } = options;
    const threads = passing.workers;
    const thread: Thread = new Thread({
      number,
      passing,
      file: file ?? moduleFile('gateway/gateway-worker'),
      start: {
        threads,
        clients,
        accessLogShare,
        maxEndpointConnections: options.maxEndpointConnections,
        maxWaiting: options.maxWaiting,
      },
      log,
      onFailed: (error) => this.failed(thread, error),
    });
    this.threads.set(number, thread);
    for (const { shared } of this.followed.values()) shared.expect(number);
    for (const [secret, identity] of this.identities) {
      thread.post({ kind: 'certify', secret, identity });
    }
    thread.post({ kind: 'keys', keys: this.keys });
    for (const { order } of this.followed.values()) if (order !== undefined) thread.post(order);
    for (const served of this.ports.values()) {
      thread.post({ kind: 'serve', port: served.order, clients: served.clients });
    }
    return thread.started;
  }

  private failed(thread: Thread, error: SysError): void {
    const { number } = thread;
    this.threads.delete(number);
    for (const { shared } of this.followed.values()) shared.bury(number);
    for (const { clients } of this.ports.values()) new Int32Array(clients)[number] = 0;
    this.load[number] = 0;
    if (this.stopped) return;
    this.options.log.error('A thread failed: the connections it carried are reset', { error });
    // One that cannot even begin would fail for ever.
    if (thread.used) void this.startOne(number);
  }

  private tell(order: ThreadOrder): void {
    for (const thread of this.threads.values()) thread.post(order);
  }

  private newTally(): SharedArrayBuffer {
    return new SharedArrayBuffer(this.options.passing.workers * Int32Array.BYTES_PER_ELEMENT);
  }
}

interface ThreadOptions {
  readonly number: number;
  readonly passing: Passing;
  readonly file: string;
  readonly start: Omit<ThreadStart, 'thread' | 'ledger'>;
  readonly log: Logger;
  onFailed(error: SysError): void;
}

class Thread {
  readonly number: number;
  readonly ledger = new SharedArrayBuffer(mostDescriptors);
  /** Settles when it is ready or has failed. */
  readonly started: Promise<void>;
  ready = false;
  /** It was given a connection. */
  used = false;
  private readonly options: ThreadOptions;
  private readonly worker: WorkerThread<ThreadOrder>;
  private readonly settle: () => void;
  private readonly answers = new Map<number, (counted: Counted) => void>();
  private questions = 0;
  private readonly ended = Promise.withResolvers<void>();

  constructor(options: ThreadOptions) {
    const { number, start, file } = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.number = number;
    this.options = options;
    this.started = promise;
    this.settle = resolve;
    this.worker = startWorker<ThreadOrder, ThreadWord, ThreadStart>({
      file,
      data: { ...start, thread: number, ledger: this.ledger },
      onMessage: (word) => this.heard(word),
      onFailed: (error) => void this.bury().then(() => options.onFailed(error)),
    });
  }

  post(order: ThreadOrder): void {
    this.worker.post(order);
  }

  take(order: Extract<ThreadOrder, { kind: 'take' }>): void {
    this.used = true;
    this.worker.post(order);
  }

  async counted(): Promise<Counted> {
    if (!this.ready) return nothing;
    const question = this.questions++;
    const { promise, resolve } = Promise.withResolvers<Counted>();
    this.answers.set(question, resolve);
    this.worker.post({ kind: 'count', question });
    return await promise;
  }

  async stop(signal: AbortSignal, patienceMs: number): Promise<void> {
    this.worker.ref();
    await this.started;
    const cut = (): void => this.worker.post({ kind: 'cut' });
    if (this.ready) {
      if (signal.aborted) cut();
      signal.addEventListener('abort', cut);
      this.worker.post({ kind: 'end', patienceMs });
      await this.ended.promise;
      signal.removeEventListener('abort', cut);
    }
    await this.bury();
  }

  /** Ends it, and then what it held: nobody uses that any more. */
  private async bury(): Promise<void> {
    this.ready = false;
    await this.worker.terminate();
    this.options.passing.bury(this.ledger);
    for (const answer of this.answers.values()) answer(nothing);
    this.answers.clear();
    this.settle();
    this.ended.resolve();
  }

  private heard(word: ThreadWord): void {
    switch (word.kind) {
      case 'ready':
        this.ready = true;
        this.worker.unref();
        return this.settle();
      case 'counted':
        this.answers.get(word.question)?.(word.counted);
        return void this.answers.delete(word.question);
      case 'log':
        return this.options.log.info(word.message, word.fields);
      case 'ended':
        return this.ended.resolve();
    }
  }
}

const nothing: Counted = { ports: [], byName: [] };
