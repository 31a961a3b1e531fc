/**
 * The journal as the store sees it: changes that come while one commit is under way go into the next one together,
 * so that many writers share the price of a sync.
 */
import { isKubeObject } from '../kube/index.ts';
import { messageOf } from '../model/index.ts';
import { moduleFile, startWorker, SysError, sysErrors, type WorkerThread } from '../sys/index.ts';
import type { Answer, Refusal, Request } from './journal-protocol.ts';
import type { Journal, Restored, Revision, StoredRevision } from './journal.ts';
import { packRevisions, unpackRevisions } from './packed-revisions.ts';
import { Superseded } from './superseded.ts';

export interface JournalThreadOptions {
  readonly path: string;
  /** Revisions that newer ones replaced stay for this many changes. */
  readonly keepChanges: number;
}

export interface JournalThread extends Journal {
  /** What was there when it was opened, once: it is not kept. */
  takeRestored(): Restored;
  readonly settings: Readonly<Record<string, string>>;
  setSetting(name: string, value: string): Promise<void>;
  /** A copy as of now in a file that must not exist yet. */
  copyTo(path: string): Promise<void>;
  /** Why it takes no changes any more; undefined while it does. */
  failure(): SysError | undefined;
  /** Writes down what was appended before, and lets go of the file. */
  close(): Promise<void>;
}

/** Opens a journal, and makes it when there is none. Rejects with a SysError. */
export async function openJournal(options: JournalThreadOptions): Promise<JournalThread> {
  const thread = new Thread(options);
  try {
    await thread.open();
  } catch (thrown) {
    await thread.abandon();
    throw thrown;
  }
  return thread;
}

type Body = Request extends infer R ? (R extends Request ? Omit<R, 'id'> : never) : never;

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: SysError) => void;
}

interface Appended {
  readonly revision: Revision;
  readonly settled: (error?: unknown) => void;
}

class Thread implements JournalThread {
  private restored: Restored = { revisions: [], compacted: 0 };
  settings: Readonly<Record<string, string>> = {};
  private readonly path: string;
  private readonly superseded: Superseded;
  private readonly worker: WorkerThread<Request>;
  private readonly waiting = new Map<number, Waiting>();
  private readonly parts: StoredRevision[] = [];
  private readonly appended: Appended[] = [];
  private committing: Promise<void> | undefined;
  private ended: SysError | undefined;
  private lastId = 0;

  constructor({ path, keepChanges }: JournalThreadOptions) {
    this.path = path;
    this.superseded = new Superseded(keepChanges);
    this.worker = startWorker<Request, Answer>({
      file: moduleFile('store/journal-worker'),
      onMessage: (answer) => this.take(answer),
      onFailed: (error) => this.fail(error),
    });
  }

  async open(): Promise<void> {
    const answer = await this.ask({ do: 'open', path: this.path });
    this.settings = 'settings' in answer ? (answer.settings ?? {}) : {};
    const compacted = Number(this.settings['compacted'] ?? 0);
    this.superseded.restore(this.parts, compacted);
    this.restored = { revisions: this.parts.splice(0), compacted };
  }

  takeRestored(): Restored {
    const { restored } = this;
    this.restored = { revisions: [], compacted: restored.compacted };
    return restored;
  }

  append(revision: Revision, settled: Appended['settled']): void {
    this.appended.push({ revision, settled });
    this.committing ??= this.commitAll();
  }

  async setSetting(name: string, value: string): Promise<void> {
    await this.ask({ do: 'set', name, value });
    this.settings = { ...this.settings, [name]: value };
  }

  async copyTo(path: string): Promise<void> {
    await this.ask({ do: 'copy', path });
  }

  failure(): SysError | undefined {
    return this.ended;
  }

  async close(): Promise<void> {
    while (this.committing !== undefined) await this.committing;
    try {
      if (this.ended === undefined) await this.ask({ do: 'close' });
    } finally {
      await this.abandon();
    }
  }

  async abandon(): Promise<void> {
    this.ended ??= new SysError('DATABASE_FAILED', `Cannot use ${this.path}: it is closed`);
    await this.worker.terminate();
  }

  /** One commit after another for as long as there is something to commit. */
  private async commitAll(): Promise<void> {
    // The turn ends first: what it appends goes together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.appended.length > 0) {
      const batch = this.appended.splice(0);
      let error: unknown;
      try {
        const revisions = batch.map(({ revision }) => revision);
        const { obsolete, compacted } = this.superseded.due(revisions);
        const commit = { revisions: packRevisions(revisions), obsolete, compacted };
        await this.ask({ do: 'commit', commit });
        this.superseded.add(revisions, { obsolete, compacted });
      } catch (thrown) {
        error = thrown;
      }
      for (const { settled } of batch) settled(error);
    }
    this.committing = undefined;
  }

  private async ask(body: Body): Promise<Answer> {
    if (this.ended !== undefined) throw this.ended;
    const id = ++this.lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.waiting.set(id, { resolve, reject });
    this.worker.post({ id, ...body });
    return await promise;
  }

  private take(answer: Answer): void {
    if ('part' in answer) {
      for (const revision of unpackRevisions(answer.part)) this.keep(answer.id, revision);
      return;
    }
    const waiting = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if ('error' in answer) waiting?.reject(errorOf(answer.error));
    else waiting?.resolve(answer);
  }

  private keep(id: number, revision: Revision): void {
    try {
      const object: unknown = JSON.parse(revision.object);
      if (!isKubeObject(object)) throw new Error('it is no object');
      this.parts.push({ ...revision, object });
    } catch (cause) {
      const { kind, namespace, name } = revision;
      const which = `${kind} ${namespace}/${name} at version ${revision.version}`;
      const error = new SysError(
        'DATABASE_DAMAGED',
        `Cannot use ${this.path}: ${which} cannot be read: ${messageOf(cause)}`,
        { cause, remedy: 'Bring a backup back with switchyard restore, or name an empty folder' },
      );
      this.waiting.get(id)?.reject(error);
    }
  }

  private fail(error: SysError): void {
    this.ended ??= error;
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}

function errorOf({ code, message, remedy }: Refusal): SysError {
  return new SysError(isSysCode(code) ? code : 'DATABASE_FAILED', message, { remedy });
}

function isSysCode(code: string): code is SysError['code'] {
  return code in sysErrors.user || code in sysErrors.ours;
}
