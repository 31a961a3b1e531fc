/** A watch: lines of JSON as long as the server keeps it open. Its client goes on from the last version it saw. */
import {
  ApiError,
  apiNames,
  fieldOf,
  isJsonObject,
  type JsonObject,
  type Kind,
  type KubeObject,
  type WatchEvent,
  type WatchOptions,
} from '../kube/index.ts';
import { messageOf, type Random } from '../model/index.ts';
import { arrived, malformed, metadataType, versionIn, type Reduce } from './arriving.ts';
import { collectionPath } from './paths.ts';
import { refusalOf } from './refusal.ts';
import type { Transport } from './transport.ts';

export interface WatchReading {
  readonly transport: Transport;
  readonly reduce: Reduce;
  readonly metadataOnly: boolean;
  readonly random: Random;
}

/** Servers send a bookmark about each minute; a watch that says nothing for longer is taken to be dead. */
const idleMs = 180_000;
/** Five to ten minutes: not all at once, and not so long that a server that restarts gets no watch back. */
const minSeconds = 300;
const maxLineBytes = 32 << 20;

/** Ends when the server ends it or the signal aborts. Throws Expired when the version is too old. */
export async function* readWatch<T extends KubeObject>(
  kind: Kind<T>,
  { signal, resourceVersion, ...options }: WatchOptions,
  reading: WatchReading,
): AsyncGenerator<WatchEvent<T>, void> {
  const { transport, metadataOnly, random, reduce } = reading;
  try {
    const reply = await transport.call({
      method: 'GET',
      path: collectionPath(kind, options, {
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion,
        timeoutSeconds: String(Math.round(minSeconds * (1 + random()))),
      }),
      accept: metadataOnly ? metadataType : undefined,
      idleMs,
      signal,
    });
    for await (const { event } of eventsOf(kind, reply.pieces, reduce)) {
      if (signal.aborted) return;
      yield event;
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  }
}

export interface ArrivedEvent<T extends KubeObject> {
  readonly event: WatchEvent<T>;
  /** The bookmark that ends what a watch begins with. */
  readonly isInitialEnd: boolean;
}

export async function* eventsOf<T extends KubeObject>(
  kind: Kind<T>,
  pieces: AsyncIterable<Buffer>,
  reduce: Reduce,
): AsyncGenerator<ArrivedEvent<T>, void> {
  for await (const line of linesOf(kind, pieces)) {
    const said = parse(kind, line);
    yield { event: eventOf(kind, said, reduce), isInitialEnd: isInitialEnd(said) };
  }
}

function isInitialEnd({ type, object }: JsonObject): boolean {
  if (type !== 'BOOKMARK' || !isJsonObject(object)) return false;
  const metadata = fieldOf(object, 'metadata');
  const annotations = isJsonObject(metadata) ? fieldOf(metadata, 'annotations') : undefined;
  return isJsonObject(annotations) && fieldOf(annotations, apiNames.initialEventsEnd) === 'true';
}

/** What is left without a line end is the rest of a line that was cut: it is not an event. */
async function* linesOf(kind: Kind, pieces: AsyncIterable<Buffer>): AsyncGenerator<string, void> {
  let begun: Buffer[] = [];
  let size = 0;
  for await (const piece of pieces) {
    let from = 0;
    for (let end = piece.indexOf(10); end !== -1; end = piece.indexOf(10, from)) {
      begun.push(piece.subarray(from, end));
      const line = Buffer.concat(begun).toString('utf8');
      begun = [];
      size = 0;
      from = end + 1;
      if (line.trim() !== '') yield line;
    }
    begun.push(piece.subarray(from));
    size += piece.length - from;
    if (size > maxLineBytes) throw malformed(kind, `an event is larger than ${maxLineBytes} bytes`);
  }
}

function parse(kind: Kind, line: string): JsonObject {
  try {
    const event: unknown = JSON.parse(line);
    if (isJsonObject(event)) return event;
  } catch (cause) {
    throw malformed(kind, `an event is no JSON (${messageOf(cause)})`);
  }
  throw malformed(kind, 'an event is no JSON object');
}

function eventOf<T extends KubeObject>(
  kind: Kind<T>,
  { type, object }: JsonObject,
  reduce: Reduce,
): WatchEvent<T> {
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type, object: versioned(kind, arrived(kind, object, reduce)) };
    case 'BOOKMARK': {
      const version = isJsonObject(object) ? versionIn(object) : undefined;
      if (version === undefined) throw malformed(kind, 'a bookmark has no version');
      return { type, resourceVersion: version };
    }
    case 'ERROR':
      throw refusalOf(object, { what: `watch ${kind.plural}`, code: 500 });
    default:
      throw new ApiError(
        'InternalError',
        `Cannot watch ${kind.plural}: an event is of no known type`,
      );
  }
}

/** Without its version a watch could not be gone on with. */
function versioned<T extends KubeObject>(kind: Kind<T>, object: T): T {
  if (object.metadata.resourceVersion !== undefined) return object;
  throw malformed(kind, `${object.metadata.name} has no version`);
}
