/**
 * Keeps somebody's picture of a kind true: lists, then watches from the list's version, lists again when the
 * version is too old, and goes on after every other failure where it was, later and later.
 */
import { messageOf, type Clock, type Random } from '../model/index.ts';
import type { Component, ComponentStatus, Logger } from '../obs/index.ts';
import type { ListOptions, ObjectClient, WatchEvent } from './client.ts';
import { isExpired } from './errors.ts';
import type { Kind, KubeObject } from './object.ts';

/** A change of an object; a watch's bookmarks are not passed on. */
export type ObjectEvent<T extends KubeObject> = Exclude<
  WatchEvent<T>,
  { readonly type: 'BOOKMARK' }
>;

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: ObjectClient;
  readonly kind: Kind<T>;
  /** Narrows what is listed and watched. */
  readonly options?: ListOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Everything there is: what it lacks is gone. Called first, and again after each relist. */
  onReplace(items: readonly T[]): void;
  /** One change, in order, each at least once; if it throws, the same change comes again. */
  onEvent(event: ObjectEvent<T>): void;
}

/** `start` resolves when the first list was passed on; it rejects only when its signal aborts before. */
export interface Reflector extends Component {
  /** Resolves when the first list was passed on; never rejects. */
  readonly synced: Promise<void>;
}

const firstDelayMs = 200;
const maxDelayMs = 30_000;

export function createReflector<T extends KubeObject>(options: ReflectorOptions<T>): Reflector {
  const name = `reflector ${options.kind.plural}`;
  const stopping = new AbortController();
  const synced = Promise.withResolvers<void>();
  let isSynced = false;
  let running: Promise<void> | undefined;
  let status: ComponentStatus = { state: 'starting', detail: undefined };
  const report = (next: ComponentStatus): void => {
    status = next;
    if (next.state !== 'ready') return;
    isSynced = true;
    synced.resolve();
  };
  const stop = async (): Promise<void> => {
    stopping.abort();
    await running;
    status = { state: 'stopped', detail: undefined };
  };
  return {
    name,
    synced: synced.promise,
    start: async (signal) => {
      running ??= follow(options, stopping.signal, report);
      const aborted = Promise.withResolvers<void>();
      const onAbort = (): void => aborted.resolve();
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      await Promise.race([synced.promise, aborted.promise]);
      signal.removeEventListener('abort', onAbort);
      if (isSynced) return;
      await stop();
      signal.throwIfAborted();
    },
    stop,
    status: () => status,
  };
}

async function follow<T extends KubeObject>(
  options: ReflectorOptions<T>,
  signal: AbortSignal,
  report: (status: ComponentStatus) => void,
): Promise<void> {
  const { kind, clock, random, log } = options;
  const cursor: Cursor = { version: undefined, progressed: false };
  // Rounds in a row that brought nothing.
  let fruitless = 0;
  while (!signal.aborted) {
    const beganAt = clock.monotonic();
    cursor.progressed = false;
    let expired = false;
    try {
      if (cursor.version === undefined) await relist(options, cursor, signal);
      if (signal.aborted) return;
      report({ state: 'ready', detail: undefined });
      await watchOnce(options, cursor, signal);
    } catch (thrown) {
      if (signal.aborted) return;
      expired = isExpired(thrown);
      if (expired) {
        cursor.version = undefined;
      } else {
        report({ state: 'degraded', detail: messageOf(thrown) });
        log.warn('Cannot follow objects; will try again', { kind: kind.kind, error: thrown });
      }
    }
    // A watch that a server ends after its time is no failure, even if nothing happened meanwhile.
    if (cursor.progressed || clock.monotonic() - beganAt >= maxDelayMs) fruitless = 0;
    // Too old once is everyday life; a list whose version is too old at once is a fault like any other.
    if (!expired || fruitless > 0) await clock.sleep(delayMs(fruitless, random), signal);
    fruitless++;
  }
}

/** Where the picture stands, and whether this round's watch brought anything. */
interface Cursor {
  version: string | undefined;
  progressed: boolean;
}

async function relist<T extends KubeObject>(
  reflector: ReflectorOptions<T>,
  cursor: Cursor,
  signal: AbortSignal,
): Promise<void> {
  const list = await reflector.client.list(reflector.kind, reflector.options);
  if (signal.aborted) return;
  reflector.onReplace(list.items);
  cursor.version = list.resourceVersion;
}

async function watchOnce<T extends KubeObject>(
  reflector: ReflectorOptions<T>,
  cursor: Cursor,
  signal: AbortSignal,
): Promise<void> {
  const { client, kind, options } = reflector;
  const watch = client.watch(kind, { ...options, resourceVersion: cursor.version, signal });
  for await (const event of watch) {
    if (signal.aborted) return;
    if (event.type === 'BOOKMARK') {
      cursor.version = event.resourceVersion;
    } else {
      reflector.onEvent(event);
      cursor.version = event.object.metadata.resourceVersion ?? cursor.version;
    }
    cursor.progressed = true;
  }
}

/** 100 to 200 ms at first, doubling up to 15 to 30 s; spread, so that watchers do not return together. */
function delayMs(fruitless: number, random: Random): number {
  const ceiling = Math.min(maxDelayMs, firstDelayMs * 2 ** fruitless);
  return ceiling / 2 + random() * (ceiling / 2);
}
