/**
 * One epoll inside Node's event loop. libuv watches the epoll descriptor; when something below it is ready, the
 * events are taken in the same turn, in a setImmediate callback: what is called back may throw and resolve
 * promises as any other callback of Node may. Costs no thread, and works from any.
 */
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { EpollEvents, systemError, type Libc, type Watch } from '../ffi/index.ts';
import { EpollStay, findSettle } from './epoll-stay.ts';
import { NetError } from './errors.ts';

/** Something with a descriptor in the loop. */
export interface Watched {
  /** What epoll says about it, as EPOLL bits. */
  onEvents(bits: number): void;
}

export interface EpollLoopOptions {
  /** Descriptors are another thread's, which closes them when it is told that they are done with. */
  readonly borrows?: boolean | undefined;
  /** Where it is written which descriptors are held: 1 for each that is. */
  readonly ledger?: Uint8Array | undefined;
}

/** Events taken at once; what is more comes in the next turn. */
const batch = 512;

export class EpollLoop {
  readonly libc: Libc;
  private readonly events = new EpollEvents(batch, process.arch);
  /** By descriptor. */
  private readonly watched: (Watched | undefined)[] = [];
  /** By descriptor: tells events of a closed one from those of the next with the same number. */
  private readonly serials: number[] = [];
  private serial = 0;
  private open = 0;
  private epoll: number | undefined;
  private watch: Watch | undefined;
  private stay: EpollStay | undefined;
  private scheduled = false;
  private deferred: (() => void)[] = [];
  private readonly borrows: boolean;
  private readonly ledger: Uint8Array | undefined;

  constructor(libc: Libc, { borrows = false, ledger }: EpollLoopOptions = {}) {
    this.libc = libc;
    this.borrows = borrows;
    this.ledger = ledger;
  }

  /** Takes a descriptor in; edge-triggered when `bits` say so. Throws NetError. */
  add(fd: number, bits: number, watched: Watched): void {
    const epoll = this.start();
    const serial = (this.serial = (this.serial + 1) | 0);
    const result = this.libc.epollAdd(epoll, fd, { events: bits, low: fd, high: serial });
    if (result < 0) throw this.failure('epoll_ctl', result);
    this.watched[fd] = watched;
    this.serials[fd] = serial;
    if (this.ledger !== undefined) this.ledger[fd] = 1;
    if (this.open++ === 0) this.watch?.ref();
  }

  /** Changes what is asked about a descriptor; what is ready already is told again. */
  modify(fd: number, bits: number): void {
    if (this.epoll === undefined) return;
    this.libc.epollModify(this.epoll, fd, { events: bits, low: fd, high: this.serials[fd]! });
  }

  /** Somebody else hears about the descriptor from now on. */
  handOver(fd: number, watched: Watched): void {
    this.watched[fd] = watched;
  }

  /** Closes a descriptor, whether it was taken in or not. */
  close(fd: number): void {
    if (this.borrows) return this.remove(fd);
    this.forget(fd);
    this.libc.close(fd);
  }

  /** Lets go of a descriptor that stays open. */
  remove(fd: number): void {
    this.forget(fd);
    if (this.epoll !== undefined) {
      this.libc.epollRemove(this.epoll, fd);
    }
  }

  private forget(fd: number): void {
    // Before it is closed: afterwards the number may be another thread's.
    if (this.ledger !== undefined) this.ledger[fd] = 0;
    if (this.watched[fd] === undefined) return;
    this.watched[fd] = undefined;
    if (--this.open === 0) this.watch?.unref();
  }

  /**
   * Tells nobody of anything any more: for a thread that ends. Node gives up a whole process in which it is called
   * back by C when its thread may run no JavaScript.
   */
  end(): void {
    this.watch?.stop();
    this.stay?.end();
  }

  /** Calls `work` in the next turn, after what is ready then. */
  later(work: () => void): void {
    this.deferred.push(work);
    this.schedule();
  }

  failure(call: string, errno: number): NetError {
    const cause = systemError(this.libc, call, errno);
    return new NetError('NET_FAILED', `Cannot use a socket: ${cause.message}`, { cause });
  }

  /** The epoll's own descriptor; made when it is first asked for. Throws NetError. */
  start(): number {
    if (this.epoll !== undefined) return this.epoll;
    const epoll = this.libc.epollCreate();
    if (epoll < 0) throw this.failure('epoll_create1', epoll);
    if (this.ledger !== undefined) this.ledger[epoll] = 1;
    const watch = this.libc.watchReadable(epoll, () => this.schedule(true));
    watch.unref();
    this.watch = watch;
    this.stay = this.staying(epoll, watch);
    return (this.epoll = epoll);
  }

  private staying(epoll: number, watch: Watch): EpollStay | undefined {
    const { libc } = this;
    const { nodeLoop: node } = libc;
    const settle = findSettle();
    if (node === undefined || settle === undefined) return undefined;
    const take = (waitMs: number): number => this.take(waitMs);
    const isIdle = (): boolean => this.open === 0;
    const now = (): number => performance.now();
    const stay = new EpollStay({ libc, node, epoll, watch, take, isIdle, settle, now });
    this.watched[node.fd] = stay;
    this.serials[node.fd] = 0;
    return stay;
  }

  /** `awake`: from within a turn, which has its immediates before it ends. */
  private schedule(awake = false): void {
    if (this.scheduled) return;
    this.scheduled = true;
    const immediate = setImmediate(this.turn);
    // One that is waited for would say that Node has something to do, and so end every stay.
    if (awake) immediate.unref();
  }

  private readonly turn = (): void => {
    this.scheduled = false;
    if (this.take(0) > 0) this.stay?.begin();
  };

  /** Hands out what is ready, after waiting so long for it; returns how many events that were. */
  private take(waitMs: number): number {
    const { events } = this;
    const count = this.epoll === undefined ? 0 : this.libc.epollPoll(this.epoll, events, waitMs);
    for (let i = 0; i < count; i++) {
      const fd = events.lowAt(i);
      const watched = this.watched[fd];
      if (watched === undefined || this.serials[fd] !== events.highAt(i)) continue;
      try {
        watched.onEvents(events.eventsAt(i));
      } catch (thrown) {
        raiseLater(thrown);
      }
    }
    if (this.deferred.length > 0) this.runDeferred();
    return count;
  }

  private runDeferred(): void {
    const { deferred } = this;
    this.deferred = [];
    for (const work of deferred) {
      try {
        work();
      } catch (thrown) {
        raiseLater(thrown);
      }
    }
  }
}

/** One callback that throws must not cost the others their events, which come only once. */
function raiseLater(thrown: unknown): void {
  setImmediate(() => {
    throw thrown;
  });
}
