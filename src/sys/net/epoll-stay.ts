/**
 * Busy connections are waited for in our own epoll, with Node's loop below it, instead of the other way round: a
 * wake-up is then one system call and no way through libuv, Node-API and an immediate. As soon as Node has anything
 * to do for anybody else, it has its turn. Between two waits promises settle and ticks run, as after any callback.
 */
import process from 'node:process';
import { constants, type Libc, type NodeLoop, type Watch } from '../ffi/index.ts';
import type { Watched } from './epoll-loop.ts';

/** At most so long without a turn of Node's loop. */
const mostMs = 25;

/**
 * A wait that is shorter is left to Node: the kernel's clock would have to be set for it, which costs more than a turn
 * where it ticks less often than that.
 */
const leastMs = 5;

/** A stay with fewer events was not worth its way in and out. */
const worthEvents = 16;

/** Turns that pass after stays that were not worth it, at most. */
const mostTurns = 256;

export interface EpollStayOptions {
  readonly libc: Libc;
  readonly node: NodeLoop;
  readonly epoll: number;
  /** How Node hears of our epoll. */
  readonly watch: Watch;
  /** Waits so long for events and hands them out; returns how many there were. */
  readonly take: (waitMs: number) => number;
  readonly isIdle: () => boolean;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Runs what ticks and promises wait for the end of a callback. */
  readonly settle: () => void;
}

export class EpollStay implements Watched {
  private readonly options: EpollStayOptions;
  private since = 0;
  private inside = false;
  private nodeIsReady = false;
  private events = 0;
  /** Turns to pass before the next stay, and after the next one that is not worth it. */
  private passing = 0;
  private pause = 1;
  private over = false;

  constructor(options: EpollStayOptions) {
    this.options = options;
  }

  /** Events were handed out in a turn of Node's loop. */
  begin(): void {
    if (this.passing > 0) {
      this.passing--;
      return;
    }
    this.since = this.options.now();
    this.events = 0;
    try {
      while (this.waitOnce());
    } finally {
      this.leave();
    }
  }

  /** Nobody waits here any more, and Node hears of nothing. */
  end(): void {
    this.over = true;
    this.options.watch.stop();
  }

  /** Node's loop has something to do. */
  onEvents(): void {
    this.nodeIsReady = true;
  }

  /** Returns whether to wait once more. */
  private waitOnce(): boolean {
    const { options } = this;
    options.settle();
    const waitMs = this.waitMs();
    if (waitMs < leastMs || options.isIdle() || !this.enter()) return false;
    const count = options.take(waitMs);
    this.events += Math.max(count, 0);
    return count > 0 && !this.nodeIsReady && !this.over;
  }

  private waitMs(): number {
    const sinceMs = this.options.now() - this.since;
    const dueMs = this.options.node.timeoutMs();
    return Math.floor((dueMs < 0 ? mostMs : Math.min(dueMs, mostMs)) - sinceMs);
  }

  /** Neither epoll may be below the other: Node lets go of ours first. */
  private enter(): boolean {
    if (this.inside) return true;
    if (this.over) return false;
    const { libc, node, epoll, watch } = this.options;
    watch.stop();
    const interest = { events: constants.EPOLLIN, low: node.fd, high: 0 };
    this.inside = libc.epollAdd(epoll, node.fd, interest) === 0;
    if (!this.inside) watch.start();
    return this.inside;
  }

  private leave(): void {
    this.pause = this.events >= worthEvents ? 0 : Math.min(this.pause * 2 + 1, mostTurns);
    this.passing = this.pause;
    this.nodeIsReady = false;
    if (!this.inside) return;
    this.inside = false;
    const { libc, node, epoll, watch } = this.options;
    libc.epollRemove(epoll, node.fd);
    if (!this.over) watch.start();
  }
}

/**
 * What Node itself calls between two immediates. It has no name that Node promises to keep: where it is not there, and
 * a test says so, nobody stays.
 */
export function findSettle(): (() => void) | undefined {
  const found: unknown = Reflect.get(process, '_tickCallback');
  return isAction(found) ? found : undefined;
}

function isAction(found: unknown): found is () => void {
  return typeof found === 'function';
}
