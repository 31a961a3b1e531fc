/**
 * Objects in memory behind the ObjectClient contract, without defaults, validation or allocation: that is
 * registry's. Every object is frozen and shared with whoever asks; every change gets the next version of one
 * counter over all kinds. With a journal nobody sees a change before it is written down.
 */
import {
  alreadyExists,
  ApiError,
  apiVersionOf,
  applyMergePatch,
  conflict,
  preconditionFailed,
  formatTimestamp,
  freezeCopy,
  isJsonObject,
  isKubeObject,
  isOfKind,
  jsonEqual,
  sameSpec,
  kindKey,
  modifiedSince,
  nameOf,
  notFound,
  objectFilter,
  type DeleteOptions,
  type Kind,
  type KubeObject,
  type ListOptions,
  type MergePatch,
  type ObjectClient,
  type ObjectList,
  type ObjectName,
  type PatchOptions,
  type WatchEvent,
  type WatchOptions,
} from '../kube/index.ts';
import type { Clock } from '../model/index.ts';
import { deletionMark, isFinished, markedForDeletion } from './deletion.ts';
import { EventLog } from './event-log.ts';
import type { Journal, Restored, StoredRevision } from './journal.ts';
import { ObjectTable } from './object-table.ts';
import { UnsettledChanges, type Change } from './unsettled-changes.ts';
import { watchLog } from './watch-log.ts';

export interface MemoryStoreOptions {
  readonly clock: Clock;
  readonly newUid: () => string;
  /** Changes kept for each kind; watches from before them are Expired. 16,384 when undefined. */
  readonly historySize?: number | undefined;
  /** Changes that may pass a watch without matching before it gets a bookmark. 1,000 when undefined. */
  readonly bookmarkEvery?: number | undefined;
  /** The version of the empty store, 0 when undefined: versions handed out before a restart are then too old. */
  readonly firstVersion?: number | undefined;
  /** Where changes are written down before anybody hears of them; nowhere when undefined. */
  readonly journal?: Journal | undefined;
  /** What the journal held. */
  readonly restored?: Restored | undefined;
}

export interface MemoryStoreClient extends ObjectClient {
  /** Everything it holds, without its history, as plain data to restore another from. */
  snapshot(): Restored;
  /** Takes over what another process wrote into the journal after what this one knows. */
  catchUp(newer: readonly StoredRevision[]): void;
  /** Stores all of it or nothing; nobody else may be writing meanwhile. */
  writeTogether(changes: readonly WantedChange[]): Promise<void>;
}

/** A change that takes the object as it is given, its uid and times with it; only its version is new. */
export interface WantedChange {
  readonly kind: Kind;
  readonly type: Change['type'];
  readonly object: KubeObject;
}

export function createMemoryStore(options: MemoryStoreOptions): MemoryStoreClient {
  return new MemoryStore(options);
}

class MemoryStore implements MemoryStoreClient {
  private readonly clock: Clock;
  private readonly newUid: () => string;
  private readonly historySize: number;
  private readonly bookmarkEvery: number;
  private readonly firstVersion: number;
  private readonly tables = new Map<string, ObjectTable>();
  /** What is being written down; undefined where nothing is. */
  private readonly unsettled: UnsettledChanges | undefined;
  /** The newest version given to a change. */
  private version: number;
  /** The newest version anybody has heard of. */
  private published: number;

  constructor(options: MemoryStoreOptions) {
    this.clock = options.clock;
    this.newUid = options.newUid;
    this.historySize = options.historySize ?? 16_384;
    this.bookmarkEvery = options.bookmarkEvery ?? 1_000;
    const { journal } = options;
    this.unsettled = journal === undefined ? undefined : new UnsettledChanges(journal);
    const { revisions = [], compacted = options.firstVersion ?? 0 } = options.restored ?? {};
    this.firstVersion = compacted;
    this.version = compacted;
    this.published = compacted;
    // What was compacted is state without a history.
    for (const revision of revisions) this.take(revision, revision.version > compacted);
  }

  snapshot(): Restored {
    const revisions = [...this.tables].flatMap(([kind, table]) =>
      [...table.list(undefined)].map((object) => ({
        version: Number(object.metadata.resourceVersion),
        kind,
        namespace: object.metadata.namespace ?? '',
        name: object.metadata.name,
        deleted: false,
        object,
      })),
    );
    revisions.sort((a, b) => a.version - b.version);
    return { compacted: this.version, revisions };
  }

  catchUp(newer: readonly StoredRevision[]): void {
    for (const revision of newer) this.take(revision, true);
  }

  async writeTogether(changes: readonly WantedChange[]): Promise<void> {
    const written = changes.map(({ kind, type, object: wanted }) => {
      const { version, object } = this.versioned(wanted);
      const previous = type === 'ADDED' ? undefined : this.table(kind).get(nameOf(object));
      return this.keep(kind, { version, type, object, previous });
    });
    await Promise.all(written);
  }

  async get<T extends KubeObject>(kind: Kind<T>, name: ObjectName): Promise<T> {
    return this.stored(kind, name);
  }

  async list<T extends KubeObject>(
    kind: Kind<T>,
    options: ListOptions = {},
  ): Promise<ObjectList<T>> {
    // The namespace is a place to look; the filter has only the selectors to ask.
    const filter = objectFilter(kind, { ...options, namespace: undefined });
    const items: T[] = [];
    for (const object of this.table(kind).list(options.namespace)) {
      if (isOfKind(kind, object) && (filter === undefined || filter(object))) items.push(object);
    }
    return { items, resourceVersion: String(this.published) };
  }

  watch<T extends KubeObject>(kind: Kind<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    const { log } = this.table(kind);
    try {
      return watchLog(kind, log, {
        // Now, not when the first event is asked for: nothing in between may be missed.
        position: this.startOf(log, options.resourceVersion),
        filter: objectFilter(kind, options),
        signal: options.signal,
        bookmarkEvery: this.bookmarkEvery,
      });
    } catch (thrown) {
      return failing(thrown);
    }
  }

  async create<T extends KubeObject>(kind: Kind<T>, object: T): Promise<T> {
    const name = this.nameIn(kind, object);
    if (object.metadata.resourceVersion !== undefined) {
      throw new ApiError(
        'BadRequest',
        'resourceVersion should not be set on objects to be created',
      );
    }
    while (this.unsettled?.has(kind, name) === true) await this.unsettled.settled(kind, name);
    if (this.table(kind).get(name) !== undefined) throw alreadyExists(kind, name.name);
    const {
      deletionTimestamp: _at,
      deletionGracePeriodSeconds: _grace,
      ...given
    } = object.metadata;
    const creationTimestamp = formatTimestamp(this.clock.now());
    const metadata = { ...given, uid: inOnePiece(this.newUid()), creationTimestamp, generation: 1 };
    return await this.commit(kind, undefined, { ...object, metadata });
  }

  async update<T extends KubeObject>(kind: Kind<T>, object: T): Promise<T> {
    const name = this.nameIn(kind, object);
    while (this.unsettled?.has(kind, name) === true) await this.unsettled.settled(kind, name);
    const stored = this.stored(kind, name);
    const { resourceVersion, uid } = object.metadata;
    if (resourceVersion !== undefined && resourceVersion !== stored.metadata.resourceVersion) {
      throw modifiedSince(kind, name.name);
    }
    if (uid !== undefined && uid !== stored.metadata.uid) {
      const found = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${stored.metadata.uid}`;
      throw conflict(kind, name.name, found);
    }
    return await this.replace(kind, stored, object);
  }

  async patch<T extends KubeObject>(
    kind: Kind<T>,
    name: ObjectName,
    patch: MergePatch,
    options: PatchOptions = {},
  ): Promise<T> {
    while (this.unsettled?.has(kind, name) === true) await this.unsettled.settled(kind, name);
    const stored = this.stored(kind, name);
    const metadata = patch['metadata'];
    const expected = isJsonObject(metadata) ? metadata['resourceVersion'] : undefined;
    if (typeof expected === 'string' && expected !== stored.metadata.resourceVersion) {
      throw modifiedSince(kind, name.name);
    }
    const part = options.subresource === 'status' ? { status: patch['status'] } : patch;
    const merged = applyMergePatch(stored, part);
    if (!isKubeObject(merged) || !isOfKind(kind, merged)) {
      throw new ApiError('BadRequest', `the patch leaves no ${kind.kind}`);
    }
    const { name: newName, namespace } = merged.metadata;
    if (newName !== name.name || namespace !== stored.metadata.namespace) {
      throw new ApiError(
        'BadRequest',
        `the name of the object (${newName}) does not match the name on the URL (${name.name})`,
      );
    }
    return await this.replace(kind, stored, merged);
  }

  async delete(kind: Kind, name: ObjectName, options: DeleteOptions = {}): Promise<void> {
    while (this.unsettled?.has(kind, name) === true) await this.unsettled.settled(kind, name);
    const stored = this.stored(kind, name);
    const { uid, resourceVersion } = options.preconditions ?? {};
    if (uid !== undefined && uid !== stored.metadata.uid) {
      const reason = `the UID in the precondition (${uid}) does not match the UID in record (${stored.metadata.uid}). The object might have been deleted and then recreated`;
      throw preconditionFailed(kind, name.name, reason);
    }
    if (resourceVersion !== undefined && resourceVersion !== stored.metadata.resourceVersion) {
      const reason = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${stored.metadata.resourceVersion}). The object might have been modified`;
      throw preconditionFailed(kind, name.name, reason);
    }
    const marked = markedForDeletion(stored, options, this.clock.now());
    if (marked === undefined) await this.remove(kind, stored, stored);
    else if (marked !== stored) await this.commit(kind, stored, marked);
  }

  /** Takes `stored` out; `last` is what watchers are told it was. */
  private async remove<T extends KubeObject>(kind: Kind<T>, stored: T, last: T): Promise<T> {
    const { version, object } = this.versioned(last);
    await this.keep(kind, { version, type: 'DELETED', object, previous: stored });
    return object;
  }

  private take({ version, kind, deleted, object }: StoredRevision, isHistory: boolean): void {
    const table = this.tableOf(kind);
    const previous = table.get(nameOf(object));
    const type = deleted ? 'DELETED' : previous === undefined ? 'ADDED' : 'MODIFIED';
    this.publish(table, { version, type, object: freezeCopy(object), previous }, isHistory);
    this.version = Math.max(this.version, version);
  }

  private table(kind: Kind): ObjectTable {
    return this.tableOf(kindKey(kind));
  }

  private tableOf(key: string): ObjectTable {
    let table = this.tables.get(key);
    if (table === undefined) {
      table = new ObjectTable(new EventLog(this.historySize, this.firstVersion));
      this.tables.set(key, table);
    }
    return table;
  }

  private stored<T extends KubeObject>(kind: Kind<T>, name: ObjectName): T {
    const object = this.table(kind).get(name);
    if (object === undefined || !isOfKind(kind, object)) throw notFound(kind, name.name);
    return object;
  }

  private nameIn(kind: Kind, object: KubeObject): ObjectName {
    if (object.kind !== kind.kind || object.apiVersion !== apiVersionOf(kind)) {
      throw new ApiError(
        'BadRequest',
        `${object.kind} in version "${object.apiVersion}" cannot be handled as a ${kind.kind}`,
      );
    }
    const name = nameOf(object);
    if (kind.namespaced && (name.namespace ?? '') === '') {
      throw new ApiError('BadRequest', 'an empty namespace may not be set during creation');
    }
    if (!kind.namespaced && name.namespace !== undefined) {
      throw new ApiError('BadRequest', 'namespace may not be set on a cluster-scoped object');
    }
    return name;
  }

  private async replace<T extends KubeObject>(kind: Kind<T>, stored: T, wanted: T): Promise<T> {
    // A stored object always has these; no update changes them.
    const {
      uid = '',
      creationTimestamp = '',
      resourceVersion = '',
      generation = 1,
    } = stored.metadata;
    const system = { uid, creationTimestamp, resourceVersion, generation };
    const {
      deletionTimestamp: _at,
      deletionGracePeriodSeconds: _grace,
      ...given
    } = wanted.metadata;
    const metadata = { ...given, ...system, ...deletionMark(stored.metadata) };
    const next = { ...wanted, metadata };
    if (jsonEqual(next, stored)) return stored;
    if (isFinished(next)) return await this.remove(kind, stored, next);
    if (sameSpec(next, stored)) return await this.commit(kind, stored, next);
    return await this.commit(kind, stored, {
      ...next,
      metadata: { ...metadata, generation: generation + 1 },
    });
  }

  private async commit<T extends KubeObject>(
    kind: Kind<T>,
    previous: T | undefined,
    next: T,
  ): Promise<T> {
    const { version, object } = this.versioned(next);
    const type = previous === undefined ? 'ADDED' : 'MODIFIED';
    await this.keep(kind, { version, type, object, previous });
    return object;
  }

  private versioned<T extends KubeObject>(
    next: T,
  ): { readonly version: number; readonly object: T } {
    const version = ++this.version;
    const metadata = { ...next.metadata, resourceVersion: String(version) };
    return { version, object: freezeCopy({ ...next, metadata }) };
  }

  /** Rejects, and nothing has changed, when the change cannot be written down. */
  private async keep(kind: Kind, change: Change): Promise<void> {
    const table = this.table(kind);
    if (this.unsettled === undefined) this.publish(table, change, true);
    else await this.unsettled.write(kind, change, () => this.publish(table, change, true));
  }

  private publish(
    table: ObjectTable,
    { version, type, object, previous }: Change,
    isHistory: boolean,
  ): void {
    if (type === 'DELETED') table.delete(nameOf(object));
    else table.set(nameOf(object), object);
    this.published = Math.max(this.published, version);
    if (isHistory) table.log.append({ version, event: Object.freeze({ type, object }), previous });
  }

  private startOf(log: EventLog, resourceVersion: string | undefined): number {
    if (resourceVersion === undefined) return log.end;
    const version = Number(resourceVersion);
    if (!/^[0-9]{1,15}$/.test(resourceVersion)) {
      throw new ApiError(
        'BadRequest',
        `invalid resource version ${JSON.stringify(resourceVersion)}`,
      );
    }
    if (version > this.published) {
      throw new ApiError(
        'Expired',
        `Too large resource version: ${resourceVersion}, current: ${this.published}`,
        { remedy: 'List again; the store was made anew since that version' },
      );
    }
    return log.positionAfter(version);
  }
}

/** A UUID is put together of fifteen strings, and held as all of them until somebody copies it. */
function inOnePiece(text: string): string {
  return Buffer.from(text).toString('latin1');
}

// oxlint-disable-next-line require-yield -- a watch reports what is wrong from its iteration.
async function* failing(thrown: unknown): AsyncGenerator<never, void> {
  throw thrown;
}
