/**
 * Threads that carry the bytes of connections which have proved to be long. Who gets which endpoint is decided where
 * connections are accepted, in one thread, so every scheduler stays exact; and a connection of one request never
 * pays for the way to another thread. The descriptors stay the first thread's: it alone opens and closes them, so
 * a thread that dies leaves none behind and none can come to mean another socket under it.
 */
import { moduleFile, startWorker, type SysError, type WorkerThread } from '../index.ts';
import type { Libc } from '../ffi/index.ts';
import type { RelayEnd } from './engine.ts';

/** Reads after which a relay counts as long: 32 requests or answers, or 2 MiB at once. */
const longAfterReads = 32;

export interface RelayThreadsOptions {
  /** How many, beside the one that accepts. */
  readonly count: number;
  readonly libc: Pick<Libc, 'close'>;
  readonly after?: number | undefined;
  /** The module a thread runs; tests have one that fails. */
  readonly file?: string | undefined;
  /** One ended: its connections are reset, and another is started in its place. */
  onFailed(error: SysError): void;
}

/** To a thread. */
export type RelayOrder =
  | {
      readonly kind: 'carry';
      readonly id: number;
      readonly client: number;
      readonly backend: number;
      /** Two numbers: bytes from the client, bytes from the backend. */
      readonly tally: SharedArrayBuffer;
    }
  | { readonly kind: 'end'; readonly id: number; readonly end: GivenEnd };

/** From a thread. */
export type RelayWord =
  | { readonly kind: 'ready'; readonly epoll: number }
  | { readonly kind: 'done'; readonly id: number; readonly end: RelayEnd };

/** Why somebody here ends what is carried there. */
export type GivenEnd = 'destroyed' | 'client-failed' | 'backend-failed';

/** What the thread has done for one relay so far, and the way to end it. */
export interface Carried {
  readonly bytesFromClient: number;
  readonly bytesFromBackend: number;
  /** Both descriptors are free for the thread to take. */
  begin(): void;
  end(how: GivenEnd): void;
}

type OnDone = (end: RelayEnd | 'thread-failed') => void;

export class RelayThreads {
  readonly after: number;
  private readonly options: RelayThreadsOptions;
  private readonly threads = new Set<RelayThread>();
  /** Long relays that stay where connections are accepted. */
  private here = 0;
  private stopped = false;

  constructor(options: RelayThreadsOptions) {
    this.options = options;
    this.after = options.after ?? longAfterReads;
  }

  /** How many relays are carried by the threads now. */
  get carried(): number {
    let sum = 0;
    for (const each of this.threads) sum += each.carried;
    return sum;
  }

  /** How many threads can take something. */
  get ready(): number {
    return [...this.threads].filter((each) => each.ready).length;
  }

  /** Resolves when all of them can take something, or have failed. */
  async start(): Promise<void> {
    const starts = Array.from({ length: this.options.count }, () => this.startOne());
    await Promise.all(starts);
  }

  /** Undefined: the relay stays, being no better off elsewhere; `stayed` is then called when it ends. */
  carry(fds: RelayEnds, onDone: OnDone): Carried | undefined {
    let best: RelayThread | undefined;
    for (const each of this.threads) {
      if (each.ready && each.carried < (best?.carried ?? Infinity)) best = each;
    }
    // Whoever accepts has that to do as well.
    if (best === undefined || best.carried > this.here) {
      this.here++;
      return undefined;
    }
    return best.carry(fds, onDone);
  }

  stayed(): void {
    this.here--;
  }

  /** Ends the threads; what they carry is reset. */
  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all([...this.threads].map((each) => each.end()));
    this.threads.clear();
  }

  private startOne(): Promise<void> {
    const thread = new RelayThread(this.options, (error) => {
      this.threads.delete(thread);
      if (this.stopped) return;
      this.options.onFailed(error);
      // One that cannot even begin would fail for ever.
      if (thread.used) void this.startOne();
    });
    this.threads.add(thread);
    return thread.started;
  }
}

/** The two descriptors of a relay. */
interface RelayEnds {
  readonly client: number;
  readonly backend: number;
}

class RelayThread {
  /** Settles when it is ready or has failed. */
  readonly started: Promise<void>;
  ready = false;
  /** It has carried something. */
  used = false;
  private readonly libc: Pick<Libc, 'close'>;
  private readonly worker: WorkerThread<RelayOrder>;
  private readonly waiting = new Map<number, OnDone>();
  private readonly settle: () => void;
  private epoll: number | undefined;
  private next = 0;

  constructor({ libc, file }: RelayThreadsOptions, onFailed: (error: SysError) => void) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.libc = libc;
    this.started = promise;
    this.settle = resolve;
    this.worker = startWorker<RelayOrder, RelayWord>({
      file: file ?? moduleFile('sys/net/relay-worker'),
      onMessage: (word) => this.heard(word),
      onFailed: (error) => {
        this.ready = false;
        void this.end().then(() => onFailed(error));
      },
    });
  }

  get carried(): number {
    return this.waiting.size;
  }

  carry({ client, backend }: RelayEnds, onDone: OnDone): Carried {
    const id = this.next++;
    const tally = new SharedArrayBuffer(16);
    // Whole numbers far below 2^53, one aligned word each: written whole, read whole.
    const counts = new Float64Array(tally);
    this.used = true;
    if (this.waiting.size === 0) this.worker.ref();
    this.waiting.set(id, onDone);
    return {
      get bytesFromClient() {
        return counts[0]!;
      },
      get bytesFromBackend() {
        return counts[1]!;
      },
      begin: () => this.worker.post({ kind: 'carry', id, client, backend, tally }),
      end: (end) => this.worker.post({ kind: 'end', id, end }),
    };
  }

  /** Ends the thread, then what it carried: only then nobody uses the descriptors. */
  async end(): Promise<void> {
    this.ready = false;
    await this.worker.terminate();
    this.settle();
    if (this.epoll !== undefined) this.libc.close(this.epoll);
    this.epoll = undefined;
    for (const onDone of this.waiting.values()) onDone('thread-failed');
    this.waiting.clear();
  }

  private heard(word: RelayWord): void {
    if (word.kind === 'ready') {
      this.epoll = word.epoll;
      this.ready = true;
      this.worker.unref();
      return this.settle();
    }
    const onDone = this.waiting.get(word.id);
    this.waiting.delete(word.id);
    if (this.waiting.size === 0) this.worker.unref();
    onDone?.(word.end);
  }
}
