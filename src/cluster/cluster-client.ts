/** ObjectClient over a real Kubernetes API: the same words, sent to somebody else's server. */
import {
  ApiError,
  apiVersionOf,
  isJsonObject,
  isOfKind,
  kindKey,
  nameOf,
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
import type { Clock, Random } from '../model/index.ts';
import type { ClusterAccess } from './access.ts';
import {
  arrived,
  dropManagedFields,
  malformed,
  metadataType,
  versionIn,
  type Reduce,
} from './arriving.ts';
import { collectionPath, objectPath } from './paths.ts';
import { readJson, readList, type ListAbilities } from './read-list.ts';
import { readWatch } from './read-watch.ts';
import { Transport, type ApiCall, type Contact } from './transport.ts';

/** What is kept of the objects of a kind as they arrive. */
export interface Reading {
  readonly kind: Kind;
  readonly reduce: Reduce;
  /** Only metadata is asked for. */
  readonly metadataOnly?: boolean | undefined;
}

export interface ClusterClientOptions {
  readonly access: ClusterAccess;
  readonly clock: Clock;
  readonly random: Random;
  readonly userAgent: string;
  /** Kinds of which less is kept; objects that are written back must not be among them. */
  readonly readings?: readonly Reading[] | undefined;
  /** Objects a page; 500 when undefined. */
  readonly pageSize?: number | undefined;
  /** Told after each page of a list how many objects have come. */
  readonly onPage?: ((kind: Kind, count: number) => void) | undefined;
}

export interface ClusterClient extends ObjectClient {
  readonly server: string;
  contact(): Contact;
  /** Ends what runs. */
  close(): void;
}

const defaultPageSize = 500;
const writeIdleMs = 30_000;

export function createClusterClient(options: ClusterClientOptions): ClusterClient {
  return new Client(options);
}

class Client implements ClusterClient {
  private readonly options: ClusterClientOptions;
  private readonly transport: Transport;
  private readonly readings: ReadonlyMap<string, Reading>;
  private readonly closing = new AbortController();
  private readonly abilities: ListAbilities = { streams: undefined };

  constructor(options: ClusterClientOptions) {
    this.options = options;
    this.transport = new Transport(options);
    this.readings = new Map((options.readings ?? []).map((one) => [kindKey(one.kind), one]));
  }

  get server(): string {
    return this.transport.server;
  }

  contact(): Contact {
    return this.transport.contact();
  }

  close(): void {
    this.closing.abort();
    this.transport.close();
  }

  async get<T extends KubeObject>(kind: Kind<T>, name: ObjectName): Promise<T> {
    const accept = this.readings.get(kindKey(kind))?.metadataOnly ? metadataType : undefined;
    return await this.send(kind, { method: 'GET', path: objectPath(kind, name), accept });
  }

  async list<T extends KubeObject>(
    kind: Kind<T>,
    options: ListOptions = {},
  ): Promise<ObjectList<T>> {
    const { pageSize = defaultPageSize, onPage } = this.options;
    return await readList(kind, options, {
      ...this.readingOf(kind),
      transport: this.transport,
      pageSize,
      abilities: this.abilities,
      signal: this.closing.signal,
      onPage: (count) => onPage?.(kind, count),
    });
  }

  watch<T extends KubeObject>(kind: Kind<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    const { random } = this.options;
    const reading = { ...this.readingOf(kind), transport: this.transport, random };
    if (options.resourceVersion !== undefined) return readWatch(kind, options, reading);
    return watchFrom(this.versionNow(kind, options), (resourceVersion) =>
      readWatch(kind, { ...options, resourceVersion }, reading),
    );
  }

  /** A watch without a version would begin with all that is there. */
  private async versionNow(kind: Kind, options: WatchOptions): Promise<string> {
    const path = collectionPath(kind, options, { limit: '1' });
    const { signal } = options;
    const reply = await this.transport.call({ method: 'GET', path, idleMs: writeIdleMs, signal });
    const page = await readJson(kind, reply.pieces);
    const version = isJsonObject(page) ? versionIn(page) : undefined;
    if (version === undefined) throw malformed(kind, 'the answer is no list with a version');
    return version;
  }

  async create<T extends KubeObject>(kind: Kind<T>, object: T): Promise<T> {
    const { namespace } = nameOf(object);
    if (!isOfKind(kind, object) || kind.namespaced !== (namespace !== undefined)) {
      const what = `${apiVersionOf(kind)} ${kind.kind}`;
      throw new ApiError('BadRequest', `Cannot create a ${what}: the object is none, or elsewhere`);
    }
    const path = collectionPath(kind, { namespace });
    return await this.send(kind, { method: 'POST', path, body: object });
  }

  async update<T extends KubeObject>(kind: Kind<T>, object: T): Promise<T> {
    const path = objectPath(kind, nameOf(object));
    return await this.send(kind, { method: 'PUT', path, body: object });
  }

  async patch<T extends KubeObject>(
    kind: Kind<T>,
    name: ObjectName,
    ...[patch, { subresource } = {}]: readonly [MergePatch, PatchOptions?]
  ): Promise<T> {
    const path = objectPath(kind, name) + (subresource === undefined ? '' : `/${subresource}`);
    const contentType = 'application/merge-patch+json';
    return await this.send(kind, { method: 'PATCH', path, body: patch, contentType });
  }

  async delete(kind: Kind, name: ObjectName, options: DeleteOptions = {}): Promise<void> {
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', ...options };
    const reply = await this.call({ method: 'DELETE', path: objectPath(kind, name), body });
    await readJson(kind, reply.pieces);
  }

  private async send<T extends KubeObject>(
    kind: Kind<T>,
    call: Omit<ApiCall, 'idleMs' | 'signal'>,
  ): Promise<T> {
    const reply = await this.call(call);
    const { reduce } = this.readingOf(kind);
    return arrived(kind, await readJson(kind, reply.pieces), reduce);
  }

  private async call(call: Omit<ApiCall, 'idleMs' | 'signal'>): ReturnType<Transport['call']> {
    const { signal } = this.closing;
    return await this.transport.call({ ...call, idleMs: writeIdleMs, signal });
  }

  private readingOf(kind: Kind): { readonly reduce: Reduce; readonly metadataOnly: boolean } {
    const { reduce = dropManagedFields, metadataOnly = false } =
      this.readings.get(kindKey(kind)) ?? {};
    return { reduce, metadataOnly };
  }
}

/** The version is asked for at once, however late the first event is. */
function watchFrom<T extends KubeObject>(
  version: Promise<string>,
  watch: (resourceVersion: string) => AsyncIterable<WatchEvent<T>>,
): AsyncIterable<WatchEvent<T>> {
  // Whoever never asks for an event need not hear of a failure.
  version.catch(() => undefined);
  return (async function* () {
    yield* watch(await version);
  })();
}
