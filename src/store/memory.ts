/**
 * Objects in memory behind the ObjectClient contract, without defaults, validation or allocation: that is
 * registry's. Every object is frozen and shared with whoever asks; every change gets the next version of one
 * counter over all kinds.
 */
import {
  alreadyExists,
  ApiError,
  apiVersionOf,
  applyMergePatch,
  conflict,
  freezeCopy,
  isJsonObject,
  isKubeObject,
  isOfKind,
  jsonEqual,
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
import { ObjectTable } from './object-table.ts';
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
  /** What another store held: the same objects with their uids and versions. Watches begin behind it. */
  readonly restored?: StoreSnapshot | undefined;
}

/** Everything a store holds, as plain data. */
export interface StoreSnapshot {
  readonly version: number;
  readonly objects: readonly { readonly kind: string; readonly object: KubeObject }[];
}

export interface MemoryStoreClient extends ObjectClient {
  snapshot(): StoreSnapshot;
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
  private version: number;

  constructor(options: MemoryStoreOptions) {
    this.clock = options.clock;
    this.newUid = options.newUid;
    this.historySize = options.historySize ?? 16_384;
    this.bookmarkEvery = options.bookmarkEvery ?? 1_000;
    this.firstVersion = options.restored?.version ?? options.firstVersion ?? 0;
    this.version = this.firstVersion;
    for (const { kind, object } of options.restored?.objects ?? []) {
      this.tableOf(kind).set(nameOf(object), freezeCopy(object));
    }
  }

  snapshot(): StoreSnapshot {
    const objects = [...this.tables].flatMap(([kind, table]) =>
      [...table.list(undefined)].map((object) => ({ kind, object })),
    );
    return { version: this.version, objects };
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
    return { items, resourceVersion: String(this.version) };
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
    if (this.table(kind).get(name) !== undefined) throw alreadyExists(kind, name.name);
    const {
      deletionTimestamp: _at,
      deletionGracePeriodSeconds: _grace,
      ...given
    } = object.metadata;
    const now = new Date(this.clock.now()).toISOString();
    const creationTimestamp = `${now.slice(0, 19)}Z`;
    const metadata = { ...given, uid: this.newUid(), creationTimestamp, generation: 1 };
    return this.commit(kind, undefined, { ...object, metadata });
  }

  async update<T extends KubeObject>(kind: Kind<T>, object: T): Promise<T> {
    const name = this.nameIn(kind, object);
    const stored = this.stored(kind, name);
    const { resourceVersion, uid } = object.metadata;
    if (resourceVersion !== undefined && resourceVersion !== stored.metadata.resourceVersion) {
      throw modifiedSince(kind, name.name);
    }
    if (uid !== undefined && uid !== stored.metadata.uid) {
      const found = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${stored.metadata.uid}`;
      throw conflict(kind, name.name, found);
    }
    return this.replace(kind, stored, object);
  }

  async patch<T extends KubeObject>(
    kind: Kind<T>,
    name: ObjectName,
    patch: MergePatch,
    options: PatchOptions = {},
  ): Promise<T> {
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
    return this.replace(kind, stored, merged);
  }

  async delete(kind: Kind, name: ObjectName, options: DeleteOptions = {}): Promise<void> {
    const stored = this.stored(kind, name);
    const { uid, resourceVersion } = options.preconditions ?? {};
    if (uid !== undefined && uid !== stored.metadata.uid) {
      const reason = `the UID in the precondition (${uid}) does not match the UID in record (${stored.metadata.uid}). The object might have been deleted and then recreated`;
      throw conflict(kind, name.name, reason);
    }
    if (resourceVersion !== undefined && resourceVersion !== stored.metadata.resourceVersion) {
      const reason = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${stored.metadata.resourceVersion}). The object might have been modified`;
      throw conflict(kind, name.name, reason);
    }
    const marked = markedForDeletion(stored, options, this.clock.now());
    if (marked === undefined) this.remove(kind, stored, stored);
    else if (marked !== stored) this.commit(kind, stored, marked);
  }

  /** Takes `stored` out; `last` is what watchers are told it was. */
  private remove<T extends KubeObject>(kind: Kind<T>, stored: T, last: T): T {
    this.version++;
    const table = this.table(kind);
    table.delete(nameOf(stored));
    const metadata = { ...last.metadata, resourceVersion: String(this.version) };
    const object = freezeCopy({ ...last, metadata });
    table.log.append({
      version: this.version,
      event: freezeCopy({ type: 'DELETED', object }),
      previous: stored,
    });
    return object;
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

  private replace<T extends KubeObject>(kind: Kind<T>, stored: T, wanted: T): T {
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
    if (isFinished(next)) return this.remove(kind, stored, next);
    if (sameSpec(next, stored)) return this.commit(kind, stored, next);
    return this.commit(kind, stored, {
      ...next,
      metadata: { ...metadata, generation: generation + 1 },
    });
  }

  private commit<T extends KubeObject>(kind: Kind<T>, previous: T | undefined, next: T): T {
    this.version++;
    const metadata = { ...next.metadata, resourceVersion: String(this.version) };
    const object = freezeCopy({ ...next, metadata });
    const table = this.table(kind);
    table.set(nameOf(object), object);
    table.log.append({
      version: this.version,
      event: freezeCopy({ type: previous === undefined ? 'ADDED' : 'MODIFIED', object }),
      previous,
    });
    return object;
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
    if (version > this.version) {
      throw new ApiError(
        'Expired',
        `Too large resource version: ${resourceVersion}, current: ${this.version}`,
        { remedy: 'List again; the store was made anew since that version' },
      );
    }
    return log.positionAfter(version);
  }
}

// oxlint-disable-next-line require-yield -- a watch reports what is wrong from its iteration.
async function* failing(thrown: unknown): AsyncGenerator<never, void> {
  throw thrown;
}

/** Everything but metadata and status is what somebody wants; only that counts generations. */
function sameSpec(a: KubeObject, b: KubeObject): boolean {
  const spec = (object: KubeObject): unknown => ({ ...object, metadata: 0, status: 0 });
  return jsonEqual(spec(a), spec(b));
}
