/**
 * Keeps all threads but one out of memory they share, for less than a microsecond at a time. Who has to wait tries
 * again at once for as long as that usually takes, and then sleeps, since whoever is in may have lost its processor.
 */

/** Tries before sleeping: some ten times what one stay takes. */
const triesAtOnce = 300;
const sleepMs = 1;

/**
 * Sleeps after which a stay that is still the same is taken for one that nobody will end: a thread may die within one, and the
 * thread that would hear of it may be the one that waits. They are counted, so that a process that stood still has
 * not waited.
 */
const sleepsUntilDead = 1_000;

/** Threads that the word can tell apart; as many as may be asked for. */
const threadBits = 7;

export class SharedLock {
  private readonly words: Int32Array;
  private readonly at: number;
  private readonly thread: number;
  private stays = 0;
  private held = 0;

  /** The lock is the word at `at`, which begins as 0; `thread` counts from 0. */
  constructor(words: Int32Array, at: number, thread: number) {
    this.words = words;
    this.at = at;
    this.thread = thread;
  }

  enter(): void {
    // Each stay has a number of its own, so that who waits can tell one that lasts from the next.
    this.stays = (this.stays + 1) & 0xff_ffff;
    const mine = (this.stays << threadBits) | (this.thread + 1);
    if (Atomics.compareExchange(this.words, this.at, 0, mine) !== 0) this.wait(mine);
    this.held = mine;
  }

  leave(): void {
    // Nothing else than what is ours: it may have been taken away.
    Atomics.compareExchange(this.words, this.at, this.held, 0);
  }

  /** Ends the stay of a thread that is no more. */
  release(thread: number): void {
    const now = Atomics.load(this.words, this.at);
    if ((now & ((1 << threadBits) - 1)) === thread + 1) {
      Atomics.compareExchange(this.words, this.at, now, 0);
    }
  }

  private wait(mine: number): void {
    const { words, at } = this;
    let seen = 0;
    let sleeps = 0;
    for (let tries = 0; ; tries++) {
      const now = Atomics.compareExchange(words, at, 0, mine);
      if (now === 0) return;
      if (tries < triesAtOnce) continue;
      sleeps = now === seen ? sleeps + 1 : 0;
      seen = now;
      if (sleeps > sleepsUntilDead && Atomics.compareExchange(words, at, now, mine) === now) return;
      Atomics.wait(words, at, now, sleepMs);
    }
  }
}
