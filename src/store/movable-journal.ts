/**
 * A journal that can be lent: while another process has the file, changes wait, and nobody is told that they are
 * stored. What that process wrote comes first when the file is back.
 */
import type { Clock } from '../model/index.ts';
import { SysError } from '../sys/index.ts';
import { openJournal, type JournalThread, type JournalThreadOptions } from './journal-thread.ts';
import type { Journal, Restored, Revision, StoredRevision } from './journal.ts';

export interface MovableJournalOptions extends JournalThreadOptions {
  readonly clock: Clock;
}

interface Waiting {
  readonly revision: Revision;
  readonly settled: (error?: unknown) => void;
}

/** How long the process that had the file may take to let go of it. */
const openAgainMs = 5_000;
const pollMs = 20;

export class MovableJournal implements Journal {
  private readonly options: MovableJournalOptions;
  private thread: JournalThread | undefined;
  private known: Readonly<Record<string, string>>;
  private readonly waiting: Waiting[] = [];
  private ended: SysError | undefined;
  /** The newest version given to the file. */
  private newest = 0;

  private constructor(options: MovableJournalOptions, thread: JournalThread) {
    this.options = options;
    this.thread = thread;
    this.known = thread.settings;
  }

  /** Rejects with a SysError. */
  static async open(
    options: MovableJournalOptions,
  ): Promise<{ readonly journal: MovableJournal; readonly restored: Restored }> {
    const thread = await openJournal(options);
    const restored = thread.takeRestored();
    const journal = new MovableJournal(options, thread);
    journal.newest = restored.revisions.at(-1)?.version ?? restored.compacted;
    return { journal, restored };
  }

  get settings(): Readonly<Record<string, string>> {
    return this.thread?.settings ?? this.known;
  }

  append(revision: Revision, settled: Waiting['settled']): void {
    if (this.thread !== undefined) {
      this.newest = Math.max(this.newest, revision.version);
      this.thread.append(revision, settled);
    } else if (this.ended === undefined) {
      this.waiting.push({ revision, settled });
    } else {
      settled(this.ended);
    }
  }

  async setSetting(name: string, value: string): Promise<void> {
    await this.opened().setSetting(name, value);
  }

  async copyTo(path: string): Promise<void> {
    await this.opened().copyTo(path);
  }

  failure(): SysError | undefined {
    return this.thread?.failure() ?? this.ended;
  }

  /** Writes down what was appended before, and lets go of the file. */
  async suspend(): Promise<void> {
    const { thread } = this;
    if (thread === undefined) return;
    this.known = thread.settings;
    this.thread = undefined;
    await thread.close();
  }

  /** `newer` is told what somebody else wrote meanwhile; what waited is refused then, as it was made from older objects. */
  async resume(newer: (revisions: readonly StoredRevision[]) => void): Promise<void> {
    if (this.thread !== undefined) return;
    try {
      const thread = await this.openAgain();
      const { revisions } = thread.takeRestored();
      const others = revisions.filter(({ version }) => version > this.newest);
      this.newest = others.at(-1)?.version ?? this.newest;
      newer(others);
      this.thread = thread;
      const waiting = this.waiting.splice(0);
      for (const { revision, settled } of waiting) {
        if (others.length === 0) this.append(revision, settled);
        else settled(this.gone('another process changed the objects meanwhile'));
      }
    } catch (thrown) {
      this.end(this.gone('it could not be opened again', thrown));
      throw thrown;
    }
  }

  /** Whatever waits is refused: another process has the file for good, or nobody. */
  async close(): Promise<void> {
    this.end(this.gone('another process has taken over'));
    await this.suspend();
  }

  private end(error: SysError): void {
    this.ended = error;
    for (const { settled } of this.waiting.splice(0)) settled(error);
  }

  private async openAgain(): Promise<JournalThread> {
    const { clock } = this.options;
    const deadline = clock.monotonic() + openAgainMs;
    const { signal } = new AbortController();
    for (;;) {
      try {
        return await openJournal(this.options);
      } catch (thrown) {
        const isLocked = thrown instanceof SysError && thrown.code === 'DATABASE_LOCKED';
        if (!isLocked || clock.monotonic() >= deadline) throw thrown;
        await clock.sleep(pollMs, signal);
      }
    }
  }

  private opened(): JournalThread {
    if (this.thread !== undefined) return this.thread;
    throw this.ended ?? this.gone('another process has it');
  }

  private gone(why: string, cause?: unknown): SysError {
    return new SysError('DATABASE_FAILED', `Cannot use ${this.options.path}: ${why}`, {
      cause,
      remedy: 'Try again: nothing of this change was stored',
    });
  }
}
