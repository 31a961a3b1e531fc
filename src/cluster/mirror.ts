/**
 * A cluster's objects, held here: everybody on this node reads them from the mirror, so that each kind is watched once,
 * a relist is seen as the changes it brings, and an API that is away is nothing but silence. What was seen is kept on
 * disk for the next start.
 */
import {
  ApiError,
  createReflector,
  freezeCopy,
  isOfKind,
  kindKey,
  notFound,
  objectKey,
  type Kind,
  type KubeObject,
  type ListOptions,
  type ObjectClient,
  type Reflector,
} from '../kube/index.ts';
import { messageOf, type Clock, type Random } from '../model/index.ts';
import type { Component, ComponentStatus, Logger } from '../obs/index.ts';
import type { ClusterClient } from './cluster-client.ts';
import type { KeptState } from './kept-state.ts';
import { MirrorTable } from './mirror-table.ts';

export interface Following {
  readonly kind: Kind;
  readonly options?: ListOptions | undefined;
}

export interface MirrorOptions {
  readonly cluster: ClusterClient;
  readonly following: readonly Following[];
  /** Nothing is kept when undefined. */
  readonly kept: KeptState | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface Mirror extends Component {
  /** Reads of what is followed are answered here; everything else goes to the cluster. */
  readonly client: ObjectClient;
  /** Objects held, by plural name of their kind. */
  counts(): Readonly<Record<string, number>>;
  /** When the kept state was saved that is forwarded by; undefined as soon as the API has answered for every kind. */
  readonly keptFromMs: number | undefined;
}

/** How long an API may say nothing at the start before the kept state is taken. */
const patienceMs = 5_000;
/** How long after a change the state is saved, with all changes until then. */
const saveAfterMs = 30_000;
const pollMs = 1_000;
/** How seldom it is said that the first list is still waited for. */
const tellAtLeastMs = 30_000;

export function createMirror(options: MirrorOptions): Mirror {
  return new ClusterMirror(options);
}

class ClusterMirror implements Mirror {
  readonly name = 'cluster';
  readonly client: ObjectClient;
  keptFromMs: number | undefined;
  private readonly options: MirrorOptions;
  private readonly tables: ReadonlyMap<string, MirrorTable>;
  private readonly reflectors: readonly Reflector[];
  private readonly stopping = new AbortController();
  private readonly firstFailure = Promise.withResolvers<void>();
  private savedRevision = 0;
  private saving: Promise<void> | undefined;
  private state: ComponentStatus['state'] = 'starting';

  constructor(options: MirrorOptions) {
    this.options = options;
    this.tables = new Map(
      options.following.map(({ kind }) => [kindKey(kind), new MirrorTable(kind)]),
    );
    this.client = new MirrorClient(options.cluster, this.tables);
    this.reflectors = options.following.map((following) => this.reflector(following));
  }

  async start(signal: AbortSignal): Promise<void> {
    const { clock } = this.options;
    const starting = new AbortController();
    const giveUp = (): void => starting.abort();
    signal.addEventListener('abort', giveUp, { once: true });
    const own = AbortSignal.any([starting.signal, this.stopping.signal]);
    const synced = Promise.all(this.reflectors.map((one) => one.start(own)));
    void synced.then(
      () => (this.keptFromMs = undefined),
      () => undefined,
    );
    const waited = new AbortController();
    void this.tellWaiting(AbortSignal.any([waited.signal, own]));
    const patience = new AbortController();
    await Promise.race([
      synced,
      this.firstFailure.promise,
      clock.sleep(patienceMs, AbortSignal.any([patience.signal, own])),
    ]);
    patience.abort();
    if (!this.isWhole()) await this.takeKept();
    if (!this.isWhole()) await synced.finally(() => waited.abort());
    waited.abort();
    // From here on only `stop` ends it: those that are not synced yet go on trying.
    signal.removeEventListener('abort', giveUp);
    signal.throwIfAborted();
    this.state = 'ready';
    this.savedRevision = this.keptFromMs === undefined ? -1 : this.revision();
    this.saving = this.keepSaving();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.reflectors.map((one) => one.stop()));
    await this.saving;
    if (this.state === 'ready') await this.save();
    this.options.cluster.close();
    this.state = 'stopped';
  }

  status(): ComponentStatus {
    if (this.state !== 'ready') return { state: this.state, detail: undefined };
    const { awaySinceMs, problem } = this.options.cluster.contact();
    if (awaySinceMs === undefined && this.keptFromMs === undefined) {
      return { state: 'ready', detail: undefined };
    }
    const since = new Date(awaySinceMs ?? this.options.clock.now()).toISOString();
    const by =
      this.keptFromMs === undefined
        ? 'what was seen last'
        : `the state kept at ${new Date(this.keptFromMs).toISOString()}`;
    const detail = `The API of the cluster is away since ${since}; forwarding by ${by}: ${problem ?? 'it says nothing'}`;
    return { state: 'degraded', detail };
  }

  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(
      [...this.tables.values()].map(({ kind, size }) => [kind.plural, size]),
    );
  }

  private reflector({ kind, options = {} }: Following): Reflector {
    const { cluster, clock, random, log } = this.options;
    const table = this.table(kind);
    return createReflector<KubeObject>({
      client: telling(cluster, () => this.firstFailure.resolve()),
      kind,
      options,
      clock,
      random,
      log,
      onReplace: (items) => table.replace(items),
      onEvent: (event) => table.apply(event),
    });
  }

  private table(kind: Kind): MirrorTable {
    const table = this.tables.get(kindKey(kind));
    if (table !== undefined) return table;
    throw new ApiError('InternalError', `Cannot follow ${kind.plural}: the mirror has none`);
  }

  /** Says for what it waits, also while nothing comes: after a second, and then less and less often. */
  private async tellWaiting(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.options;
    for (let ms = pollMs; !signal.aborted; ms = Math.min(2 * ms, tellAtLeastMs)) {
      await clock.sleep(ms, signal);
      if (signal.aborted) return;
      const kinds = [...this.tables.values()].filter(({ isFilled }) => !isFilled);
      log.info('Waiting for the first list', { of: kinds.map(({ kind }) => kind.plural).join() });
    }
  }

  private isWhole(): boolean {
    return [...this.tables.values()].every(({ isFilled }) => isFilled);
  }

  private async takeKept(): Promise<void> {
    const { kept, log } = this.options;
    try {
      const found = await kept?.load();
      // While the file was read the API may have answered: that is newer.
      const missing = [...this.tables.values()].filter(({ isFilled }) => !isFilled);
      if (found === undefined || missing.length === 0) return;
      for (const table of missing) {
        table.replace(
          found.objects.filter((object) => isOfKind(table.kind, object)).map(freezeCopy),
        );
      }
      this.keptFromMs = found.savedAtMs;
      const savedAt = new Date(found.savedAtMs).toISOString();
      log.warn('The API is away; forwarding by the kept state', { savedAt, ...this.counts() });
    } catch (thrown) {
      log.warn('Cannot use the kept state', { error: thrown });
    }
  }

  private revision(): number {
    let sum = 0;
    for (const { revision } of this.tables.values()) sum += revision;
    return sum;
  }

  private async keepSaving(): Promise<void> {
    const { clock } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      if (this.revision() === this.savedRevision) await clock.sleep(pollMs, signal);
      else {
        // The first state is saved at once: a node may lose its power at any time.
        if (this.savedRevision >= 0) await clock.sleep(saveAfterMs, signal);
        if (!signal.aborted) await this.save();
      }
    }
  }

  private async save(): Promise<void> {
    const { kept, clock, log } = this.options;
    const revision = this.revision();
    if (revision === this.savedRevision) return;
    // A disk that refuses is tried again with the next change, not in a circle.
    this.savedRevision = revision;
    // While the API is away there is nothing newer to keep.
    if (kept === undefined || this.keptFromMs !== undefined) return;
    try {
      await kept.save({ savedAtMs: clock.now(), objects: this.objects() });
    } catch (thrown) {
      log.warn('Cannot keep the state', { error: messageOf(thrown) });
    }
  }

  private *objects(): Generator<KubeObject, void> {
    for (const table of this.tables.values()) yield* table.values();
  }
}

/** The client of a reflector, and who hears that it could not list. */
function telling(cluster: ObjectClient, failed: () => void): ObjectClient {
  const client = new MirrorClient(cluster, new Map());
  client.list = async (kind, options) => {
    try {
      return await cluster.list(kind, options);
    } catch (thrown) {
      failed();
      throw thrown;
    }
  };
  return client;
}

/** An ObjectClient whose reads of what is followed come from the tables. */
class MirrorClient implements ObjectClient {
  get: ObjectClient['get'];
  list: ObjectClient['list'];
  watch: ObjectClient['watch'];
  create: ObjectClient['create'];
  update: ObjectClient['update'];
  patch: ObjectClient['patch'];
  delete: ObjectClient['delete'];

  constructor(cluster: ObjectClient, tables: ReadonlyMap<string, MirrorTable>) {
    // A table is found by its kind, and holds objects of that kind's type.
    const tableOf = <T extends KubeObject>(kind: Kind<T>): MirrorTable<T> | undefined =>
      tables.get(kindKey(kind)) as MirrorTable<T> | undefined;
    this.get = async (kind, name) => {
      const table = tableOf(kind);
      if (table === undefined) return await cluster.get(kind, name);
      const found = table.get(objectKey(name));
      if (found === undefined) throw notFound(kind, name.name);
      return found;
    };
    this.list = (kind, options = {}) => tableOf(kind)?.list(options) ?? cluster.list(kind, options);
    this.watch = (kind, options) => tableOf(kind)?.watch(options) ?? cluster.watch(kind, options);
    this.create = (kind, object) => cluster.create(kind, object);
    this.update = (kind, object) => cluster.update(kind, object);
    this.patch = (...asked) => cluster.patch(...asked);
    this.delete = (...asked) => cluster.delete(...asked);
  }
}
