/** A list, page by page: each page is reduced before the next is asked for, so that the whole is never held. */
import {
  apiNames,
  isExpired,
  isJsonArray,
  isJsonObject,
  type Kind,
  type KubeObject,
  type ListOptions,
  type ObjectList,
} from '../kube/index.ts';
import { messageOf } from '../model/index.ts';
import { arrived, malformed, versionIn, type Reduce } from './arriving.ts';
import { collectionPath } from './paths.ts';
import type { Transport } from './transport.ts';

export interface ListReading {
  readonly transport: Transport;
  readonly reduce: Reduce;
  readonly metadataOnly: boolean;
  readonly pageSize: number;
  readonly signal: AbortSignal;
  /** Told after each page how many have come. */
  readonly onPage: (count: number) => void;
}

const idleMs = 60_000;
const maxPageBytes = 256 << 20;

/** Rejects with ApiError. A list that the server could not hold to its end is begun again, once, in one piece. */
export async function readList<T extends KubeObject>(
  kind: Kind<T>,
  options: ListOptions,
  reading: ListReading,
): Promise<ObjectList<T>> {
  try {
    return await readPages(kind, options, reading);
  } catch (thrown) {
    if (!isExpired(thrown) || reading.pageSize === 0) throw thrown;
    return await readPages(kind, options, { ...reading, pageSize: 0 });
  }
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

const metadataListType = `application/json;as=PartialObjectMetadataList;g=${apiNames.metaGroup};v=v1,application/json`;
export const metadataType = `application/json;as=PartialObjectMetadata;g=${apiNames.metaGroup};v=v1,application/json`;

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
