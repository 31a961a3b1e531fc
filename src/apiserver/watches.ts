/**
 * Watches. Nothing is queued for a watcher: it reads the store's history at its own pace, and one that falls so far
 * behind that the history has gone on is told so (410) and ended.
 */
import {
  ApiError,
  apiNames,
  apiVersionOf,
  type KubeObject,
  type ListOptions,
  type WatchEvent,
} from '../kube/index.ts';
import type { HttpStream } from '../sys/http/index.ts';
import { formOf, tableOptions } from './answers.ts';
import type { Answer, ApiContext, ResourceRequest } from './context.ts';
import { encodeEvent } from './encode.ts';
import { readListQuery, type ListQuery } from './list-options.ts';
import { checkVersion, selectionOf } from './lists.ts';
import type { AnswerForm } from './negotiate.ts';
import { asApiError, failureStatus } from './status.ts';
import { partialMetadata, tableOf } from './tables/index.ts';

/** When the client does not say: half an hour to an hour, so that not all end at once. */
const defaultSeconds = 1_800;
const maxSeconds = 86_400;
const bookmarkMs = 60_000;

export async function watchObjects(
  request: ResourceRequest,
  selection: { readonly name: string | undefined },
  context: ApiContext,
): Answer {
  const { kind } = request.resource;
  const form = formOf(request);
  const query = withName(readListQuery(request.query), selection.name);
  const { maxWatches } = context;
  if (context.usage.watching >= maxWatches) {
    throw new ApiError('TooManyRequests', `no more than ${maxWatches} watches are served`, {
      subject: { retryAfterSeconds: 5 },
    });
  }
  const options = selectionOf(request.path.namespace, query);
  const start = await startOf(request, query, { context, options });
  const writer = new EventWriter(request, form, context);
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-cache, private' },
    stream: async (out) => {
      const ended = context.usage.watch(kind.plural);
      try {
        await run(out, { request, context, options, query, start, writer });
      } finally {
        ended();
      }
    },
  };
}

interface Start {
  /** Objects that the watch begins with. */
  readonly initial: readonly KubeObject[];
  readonly resourceVersion: string;
  readonly endsWithBookmark: boolean;
}

interface StartContext {
  readonly context: ApiContext;
  readonly options: ListOptions;
}

/** Objects first when the client asks for them, or names no version; else the changes after its version alone. */
async function startOf(
  { resource }: ResourceRequest,
  query: ListQuery,
  { context, options }: StartContext,
): Promise<Start> {
  const { resourceVersion, sendInitialEvents } = query;
  const fromNow = resourceVersion === undefined || resourceVersion === '0';
  if (sendInitialEvents !== true && !fromNow) {
    return { initial: [], resourceVersion, endsWithBookmark: false };
  }
  const list = await context.registry.list(resource.kind, options);
  checkVersion({ ...query, match: undefined }, list.resourceVersion);
  const wanted = sendInitialEvents ?? fromNow;
  return {
    initial: wanted ? list.items : [],
    resourceVersion: list.resourceVersion,
    endsWithBookmark: sendInitialEvents === true && query.allowBookmarks,
  };
}

interface Run extends StartContext {
  readonly request: ResourceRequest;
  readonly query: ListQuery;
  readonly start: Start;
  readonly writer: EventWriter;
}

async function run(out: HttpStream, watch: Run): Promise<void> {
  const { request, context, options, query, start, writer } = watch;
  const { kind } = request.resource;
  const ending = new AbortController();
  const end = (): void => ending.abort();
  request.http.signal.addEventListener('abort', end, { once: true });
  const seconds = Math.min(query.timeoutSeconds ?? defaultSeconds, maxSeconds);
  void context.clock.sleep(seconds * 1_000, ending.signal).then(end);
  const position = { version: start.resourceVersion };
  const bookmark = async (isInitial: boolean): Promise<void> =>
    out.write(writer.bookmark(position.version, isInitial));
  try {
    for (const object of start.initial) await out.write(writer.event({ type: 'ADDED', object }));
    if (start.endsWithBookmark) await bookmark(true);
    if (query.allowBookmarks) void repeatBookmarks(context, ending.signal, () => bookmark(false));
    const { resourceVersion } = start;
    const events = context.registry.watch(kind, {
      ...options,
      resourceVersion,
      signal: ending.signal,
    });
    for await (const event of events) {
      if (event.type === 'BOOKMARK') {
        position.version = event.resourceVersion;
        if (query.allowBookmarks) await bookmark(false);
        continue;
      }
      await out.write(writer.event(event));
      position.version = event.object.metadata.resourceVersion ?? position.version;
    }
  } catch (thrown) {
    const error = asApiError(thrown);
    const status = failureStatus(error);
    if (error.code === 'InternalError') context.log.error('A watch failed', { error: thrown });
    await out.write(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
  } finally {
    request.http.signal.removeEventListener('abort', end);
    end();
  }
}

/** A quiet watch says how far it has come, so that its client can go on from there. */
async function repeatBookmarks(
  { clock }: ApiContext,
  signal: AbortSignal,
  send: () => Promise<void>,
): Promise<void> {
  for (;;) {
    await clock.sleep(bookmarkMs, signal);
    if (signal.aborted) return;
    await send();
  }
}

/** Events in the form that the watch asks for. */
class EventWriter {
  private readonly request: ResourceRequest;
  private readonly form: AnswerForm;
  private readonly context: ApiContext;
  private withColumns = true;

  constructor(request: ResourceRequest, form: AnswerForm, context: ApiContext) {
    this.request = request;
    this.form = form;
    this.context = context;
  }

  event(event: Extract<WatchEvent<KubeObject>, { readonly object: KubeObject }>): string | Buffer {
    const { type, object } = event;
    if (this.form === 'object') return encodeEvent(event);
    const shown = this.form === 'metadata' ? partialMetadata(object) : this.table(object);
    return `${JSON.stringify({ type, object: shown })}\n`;
  }

  bookmark(resourceVersion: string, isInitial: boolean): string {
    const { kind } = this.request.resource;
    const annotations = isInitial ? { annotations: { [apiNames.initialEventsEnd]: 'true' } } : {};
    const metadata = { resourceVersion, ...annotations };
    const object =
      this.form === 'object'
        ? { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata, ...emptyParts(kind.kind) }
        : { ...this.emptyForm(), metadata };
    return `${JSON.stringify({ type: 'BOOKMARK', object })}\n`;
  }

  private emptyForm(): object {
    const isTable = this.form === 'table';
    const kind = isTable ? 'Table' : 'PartialObjectMetadata';
    const shape = { kind, apiVersion: apiNames.metaVersion };
    return isTable ? { ...shape, columnDefinitions: null, rows: [] } : shape;
  }

  private table(object: KubeObject): object {
    const { kind } = this.request.resource;
    const { query } = this.request;
    const options = tableOptions(query, { kind, nowMs: this.context.clock.now() });
    const { resourceVersion } = object.metadata;
    const { withColumns } = this;
    this.withColumns = false;
    return tableOf([object], { ...options, withColumns, metadata: { resourceVersion } });
  }
}

/** Go's empty struct of the kind, as the API server's bookmarks have it. */
function emptyParts(kind: string): object {
  if (kind === 'Service') return { spec: {}, status: { loadBalancer: {} } };
  if (kind === 'Pod') return { spec: { containers: null }, status: {} };
  return {};
}

function withName(query: ListQuery, name: string | undefined): ListQuery {
  if (name === undefined) return query;
  const own = `metadata.name=${name}`;
  const { fieldSelector } = query;
  return { ...query, fieldSelector: fieldSelector === undefined ? own : `${fieldSelector},${own}` };
}
