/**
 * A list, as a stream of its objects where the server has that, and page by page where it has not: each is reduced as
 * it comes, so that the whole is never held.
 */
import {
  ApiError,
  isExpired,
  isJsonArray,
  isJsonObject,
  nameOf,
  objectKey,
  type Kind,
  type KubeObject,
  type ListOptions,
  type ObjectList,
} from '../kube/index.ts';
import { messageOf } from '../model/index.ts';
import {
  arrived,
  malformed,
  metadataListType,
  metadataType,
  versionIn,
  type Reduce,
} from './arriving.ts';
import { collectionPath } from './paths.ts';
import { eventsOf } from './read-watch.ts';
import type { Transport } from './transport.ts';

export interface ListReading {
  readonly transport: Transport;
  readonly reduce: Reduce;
  readonly metadataOnly: boolean;
  readonly pageSize: number;
  /** What was found out of the server. */
  readonly abilities: ListAbilities;
  readonly signal: AbortSignal;
  /** Told after each page how many have come. */
  readonly onPage: (count: number) => void;
}

export interface ListAbilities {
  /** Whether it begins a watch with what there is; undefined until it was asked. */
  streams: boolean | undefined;
}

const idleMs = 60_000;
/** How often of a stream it is told how far it is. */
const tellEach = 500;
const maxPageBytes = 256 << 20;

/** Rejects with ApiError. A list that the server could not hold to its end is begun again, once, in one piece. */
export async function readList<T extends KubeObject>(
  kind: Kind<T>,
  options: ListOptions,
  reading: ListReading,
): Promise<ObjectList<T>> {
  const streamed = await readStream(kind, options, reading);
  if (streamed !== undefined) return streamed;
  try {
    return await readPages(kind, options, reading);
  } catch (thrown) {
    if (!isExpired(thrown) || reading.pageSize === 0) throw thrown;
    return await readPages(kind, options, { ...reading, pageSize: 0 });
  }
}

/**
 * A watch that begins with what there is, up to the bookmark that says so (sendInitialEvents, on by default since 1.34).
 * Undefined when the server does not have it: older ones refuse the words.
 */
async function readStream<T extends KubeObject>(
  kind: Kind<T>,
  options: ListOptions,
  { transport, reduce, metadataOnly, abilities, signal, onPage }: ListReading,
): Promise<ObjectList<T> | undefined> {
  if (abilities.streams === false) return undefined;
  const items = new Map<string, T>();
  const path = collectionPath(kind, options, {
    watch: 'true',
    sendInitialEvents: 'true',
    resourceVersionMatch: 'NotOlderThan',
    allowWatchBookmarks: 'true',
  });
  try {
    const accept = metadataOnly ? metadataType : undefined;
    const { pieces } = await transport.call({ method: 'GET', path, accept, idleMs, signal });
    for await (const { event, isInitialEnd } of eventsOf(kind, pieces, reduce)) {
      if (event.type === 'BOOKMARK') {
        // It took the words for those of any watch.
        if (!isInitialEnd) return notStreaming(abilities);
        abilities.streams = true;
        onPage(items.size);
        return { items: [...items.values()], resourceVersion: event.resourceVersion };
      }
      // A server that is behind its own beginning may say an object twice.
      const key = objectKey(nameOf(event.object));
      if (event.type === 'DELETED') items.delete(key);
      else items.set(key, event.object);
      if (items.size % tellEach === 0) onPage(items.size);
    }
  } catch (thrown) {
    // It could not hold its own beginning: pages may be of any time.
    if (isExpired(thrown)) return undefined;
    if (abilities.streams === true || !isNotKnown(thrown)) throw thrown;
    return notStreaming(abilities);
  }
  throw malformed(kind, 'a list that was streamed ended before its end');
}

function notStreaming(abilities: ListAbilities): undefined {
  abilities.streams = false;
  return undefined;
}

/** What servers say to words of a query that they do not know, or do not let in. */
function isNotKnown(thrown: unknown): boolean {
  return (
    thrown instanceof ApiError &&
    ['Invalid', 'BadRequest', 'MethodNotAllowed'].includes(thrown.code)
  );
}

async function readPages<T extends KubeObject>(
  kind: Kind<T>,
  options: ListOptions,
  reading: ListReading,
): Promise<ObjectList<T>> {
  const { transport, reduce, metadataOnly, pageSize, signal, onPage } = reading;
  const items: T[] = [];
  let next: string | undefined;
  // The first page's: whoever watches from it misses nothing, even if a server's later pages were younger.
  let listed: string | undefined;
  for (;;) {
    const query = { limit: pageSize === 0 ? undefined : String(pageSize), continue: next };
    const reply = await transport.call({
      method: 'GET',
      path: collectionPath(kind, options, query),
      accept: metadataOnly ? metadataListType : undefined,
      idleMs,
      signal,
    });
    const page = await readJson(kind, reply.pieces);
    const version = isJsonObject(page) ? versionIn(page) : undefined;
    const found = isJsonObject(page) ? (page['items'] ?? []) : undefined;
    if (!isJsonObject(page) || version === undefined || !isJsonArray(found)) {
      throw malformed(kind, 'the answer is no list with a version');
    }
    for (const item of found) items.push(arrived(kind, item, reduce));
    onPage(items.length);
    listed ??= version;
    next = continueIn(page['metadata']);
    if (next === undefined) return { items, resourceVersion: listed };
  }
}

export async function readJson(kind: Kind, pieces: AsyncIterable<Buffer>): Promise<unknown> {
  const read: Buffer[] = [];
  let size = 0;
  for await (const piece of pieces) {
    size += piece.length;
    if (size > maxPageBytes) throw malformed(kind, `a page is larger than ${maxPageBytes} bytes`);
    read.push(piece);
  }
  try {
    return JSON.parse(Buffer.concat(read).toString('utf8'));
  } catch (cause) {
    throw malformed(kind, `the answer is no JSON (${messageOf(cause)})`);
  }
}

function continueIn(metadata: unknown): string | undefined {
  const token = isJsonObject(metadata) ? metadata['continue'] : undefined;
  return typeof token === 'string' && token !== '' ? token : undefined;
}
