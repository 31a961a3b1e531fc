/** The objects of one kind as they were last seen, and who wants to hear of changes. */
import {
  ApiError,
  nameOf,
  objectFilter,
  objectKey,
  type Kind,
  type KubeObject,
  type ListOptions,
  type ObjectEvent,
  type ObjectFilter,
  type WatchEvent,
  type WatchOptions,
} from '../kube/index.ts';

type Change<T extends KubeObject> = ObjectEvent<T> & { readonly previous: T | undefined };

interface Watcher<T extends KubeObject> {
  readonly waiting: Change<T>[];
  wake: () => void;
  isExpired: boolean;
}

/** Changes that a reader may be behind; it lists again when there are more, which costs nobody anything here. */
const maxWaiting = 100_000;

export class MirrorTable<T extends KubeObject = KubeObject> {
  readonly kind: Kind<T>;
  private readonly objects = new Map<string, T>();
  private readonly watchers = new Set<Watcher<T>>();
  private readonly filled = Promise.withResolvers<void>();
  private changes = 0;
  isFilled = false;

  constructor(kind: Kind<T>) {
    this.kind = kind;
  }

  /** Counts every change. */
  get revision(): number {
    return this.changes;
  }

  values(): Iterable<T> {
    return this.objects.values();
  }

  get size(): number {
    return this.objects.size;
  }

  get(key: string): T | undefined {
    return this.objects.get(key);
  }

  /** Everything there is; only what differs is a change. */
  replace(items: readonly T[]): void {
    const listed = new Set(items.map(keyOf));
    for (const [key, object] of this.objects) {
      if (!listed.has(key)) this.apply({ type: 'DELETED', object });
    }
    for (const object of items) {
      const known = this.objects.get(keyOf(object));
      if (known === undefined) this.apply({ type: 'ADDED', object });
      else if (!isSame(known, object)) this.apply({ type: 'MODIFIED', object });
    }
    this.isFilled = true;
    this.filled.resolve();
  }

  apply(event: ObjectEvent<T>): void {
    const key = keyOf(event.object);
    const previous = this.objects.get(key);
    // A resumed watch may bring what is known already.
    if (event.type === 'DELETED' ? previous === undefined : isSame(previous, event.object)) return;
    if (event.type === 'DELETED') this.objects.delete(key);
    else this.objects.set(key, event.object);
    this.changes++;
    for (const watcher of this.watchers) {
      if (watcher.waiting.length >= maxWaiting) {
        watcher.isExpired = true;
        watcher.waiting.length = 0;
      } else if (!watcher.isExpired) watcher.waiting.push({ ...event, previous });
      watcher.wake();
    }
  }

  /** Waits until there is something to list. */
  async list(options: ListOptions): Promise<{ items: readonly T[]; resourceVersion: string }> {
    const filter = objectFilter(this.kind, options);
    await this.filled.promise;
    const all = [...this.objects.values()];
    const items = filter === undefined ? all : all.filter(filter);
    return { items, resourceVersion: this.version() };
  }

  /** From a list's own version only: whoever was away lists again. */
  async *watch({
    signal,
    resourceVersion,
    ...options
  }: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    const filter = objectFilter(this.kind, options);
    if (resourceVersion !== undefined && resourceVersion !== this.version()) throw behind();
    const watcher: Watcher<T> = { waiting: [], wake: () => undefined, isExpired: false };
    this.watchers.add(watcher);
    try {
      while (!signal.aborted) {
        const batch = watcher.waiting.splice(0);
        for (const change of batch) {
          const event = filter === undefined ? change : seenThrough(filter, change);
          if (event !== undefined) yield { type: event.type, object: event.object };
          if (signal.aborted) return;
        }
        if (watcher.isExpired) throw behind();
        if (watcher.waiting.length === 0) await woken(watcher, signal);
      }
    } finally {
      this.watchers.delete(watcher);
    }
  }

  /** Another form than the cluster's versions, so that none of those is taken for one. */
  private version(): string {
    return `mirror-${this.changes}`;
  }
}

function keyOf(object: KubeObject): string {
  return objectKey(nameOf(object));
}

function isSame(known: KubeObject | undefined, object: KubeObject): boolean {
  const { uid, resourceVersion } = object.metadata;
  return (
    resourceVersion !== undefined &&
    known?.metadata.resourceVersion === resourceVersion &&
    known.metadata.uid === uid
  );
}

function seenThrough<T extends KubeObject>(
  filter: ObjectFilter,
  { type, object, previous }: Change<T>,
): ObjectEvent<T> | undefined {
  const before = previous !== undefined && filter(previous);
  if (type !== 'DELETED' && filter(object)) return { type: before ? 'MODIFIED' : 'ADDED', object };
  return before ? { type: 'DELETED', object } : undefined;
}

function behind(): ApiError {
  return new ApiError('Expired', 'The mirror has gone on: list again');
}

async function woken(watcher: Watcher<KubeObject>, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = (): void => resolve();
  watcher.wake = wake;
  signal.addEventListener('abort', wake, { once: true });
  await promise;
  signal.removeEventListener('abort', wake);
}
