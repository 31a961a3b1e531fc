/** A Kubernetes API for tests that misbehaves as it is told to: objects, lists by pages, watches, rules, and faults. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  kindKey,
  kinds,
  nameOf,
  objectFilter,
  objectKey,
  type Kind,
  type KubeObject,
} from '../../src/kube/index.ts';

/** What is done to a request instead of answering it; undefined: it is answered. */
export type Fault =
  | { readonly kind: 'status'; readonly code: number; readonly retryAfter?: number }
  | { readonly kind: 'cut' }
  | { readonly kind: 'garbage' }
  | { readonly kind: 'truncated' };

export interface ScriptedRequest {
  readonly verb: 'list' | 'watch' | 'get' | 'create';
  readonly kind: Kind;
  /** Of the one object that is asked for. */
  readonly name: string | undefined;
  readonly authorization: string | undefined;
  readonly accept: string;
  readonly selectors: { readonly label: string; readonly field: string };
}

export interface ScriptedOptions {
  readonly faultOf?: (request: ScriptedRequest) => Fault | undefined;
  /** A request is answered once this has resolved. */
  readonly holdOf?: (request: ScriptedRequest) => Promise<void> | undefined;
  /** A watch may begin with what there is; it is refused otherwise, as servers before 1.27 do. */
  readonly streams?: boolean;
  /** Changes kept; a watch from before them is told 410. */
  readonly history?: number;
}

interface Change {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
}

interface Watcher {
  readonly table: Table;
  readonly send: (change: Change) => void;
  readonly cut: (how: Fault) => void;
}

interface Table {
  readonly objects: Map<string, KubeObject>;
  readonly changes: Change[];
  forgotten: number;
}

export class ScriptedApi {
  readonly requests: ScriptedRequest[] = [];
  url = '';
  private readonly options: ScriptedOptions;
  private readonly tables = new Map<string, Table>();
  /** By continue token: what the pages to come will show. */
  private readonly unlisted = new Map<
    string,
    { version: number; objects: readonly KubeObject[] }
  >();
  private readonly watchers = new Set<Watcher>();
  private readonly server = createServer(
    (request, response) => void this.answer(request, response),
  );
  private version = 100;

  constructor(options: ScriptedOptions = {}) {
    this.options = options;
  }

  async start(): Promise<void> {
    this.server.listen(0, '127.0.0.217');
    await once(this.server, 'listening');
    const { port } = this.server.address() as AddressInfo;
    this.url = `http://127.0.0.217:${port}`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  get watching(): number {
    return this.watchers.size;
  }

  set(kind: Kind, object: KubeObject): void {
    const table = this.table(kind);
    const key = objectKey(nameOf(object));
    const known = table.objects.get(key);
    const version = ++this.version;
    const metadata = { uid: `uid-${key}`, ...object.metadata, resourceVersion: String(version) };
    const stored = { ...object, metadata };
    table.objects.set(key, stored);
    this.told(table, { version, type: known === undefined ? 'ADDED' : 'MODIFIED', object: stored });
  }

  remove(kind: Kind, object: KubeObject): void {
    const table = this.table(kind);
    const key = objectKey(nameOf(object));
    const known = table.objects.get(key);
    if (known === undefined) return;
    table.objects.delete(key);
    const version = ++this.version;
    const metadata = { ...known.metadata, resourceVersion: String(version) };
    this.told(table, { version, type: 'DELETED', object: { ...known, metadata } });
  }

  /** Ends every open watch, each in the way given. */
  cut(howOf: () => Fault): void {
    for (const watcher of this.watchers) watcher.cut(howOf());
  }

  private told(table: Table, change: Change): void {
    table.changes.push(change);
    while (table.changes.length > (this.options.history ?? 1_000)) {
      table.forgotten = table.changes.shift()?.version ?? table.forgotten;
    }
    for (const watcher of this.watchers) if (watcher.table === table) watcher.send(change);
  }

  private table(kind: Kind): Table {
    const key = kindKey(kind);
    const table = this.tables.get(key) ?? { objects: new Map(), changes: [], forgotten: 100 };
    this.tables.set(key, table);
    return table;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const [last = '', before = ''] = url.pathname.split('/').toReversed();
    const kind = kinds.find(({ plural }) => plural === last || plural === before);
    const isOne = kind?.plural === before;
    const verb = verbOf(request.method, { isOne, watch: url.searchParams.get('watch') === 'true' });
    if (kind === undefined || verb === undefined) return refuse(response, 405);
    const query = url.searchParams;
    const asked: ScriptedRequest = {
      verb,
      kind,
      name: isOne ? last : undefined,
      authorization: request.headers.authorization,
      accept: request.headers.accept ?? '',
      selectors: {
        label: query.get('labelSelector') ?? '',
        field: query.get('fieldSelector') ?? '',
      },
    };
    this.requests.push(asked);
    const held = this.options.holdOf?.(asked);
    if (held !== undefined) await held;
    const fault = this.options.faultOf?.(asked);
    if (fault?.kind === 'status') return refuse(response, fault.code, fault.retryAfter);
    if (fault?.kind === 'cut') return void response.destroy();
    if (query.has('sendInitialEvents') && this.options.streams !== true) {
      return refuse(response, 422);
    }
    const selects = objectFilter(kind, {
      labelSelector: asked.selectors.label,
      fieldSelector: asked.selectors.field,
    });
    if (asked.verb === 'watch') return this.watch(response, { kind, query, selects }, fault);
    if (asked.verb === 'create') return void this.create(kind, request, response);
    if (asked.verb === 'get') {
      const found = [...this.table(kind).objects.values()].find(
        ({ metadata }) => metadata.name === last,
      );
      if (found === undefined) return refuse(response, 404);
      return void response.setHeader('content-type', 'application/json').end(JSON.stringify(found));
    }
    const text = this.listText(kind, { query, selects });
    if (fault === undefined)
      return void response.setHeader('content-type', 'application/json').end(text);
    if (fault.kind === 'garbage') return void response.end('<html>not what you asked for</html>');
    response.write(text.slice(0, text.length / 2), () => response.destroy());
  }

  private async create(
    kind: Kind,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    let text = '';
    for await (const part of request.setEncoding('utf8')) text += part;
    this.set(kind, JSON.parse(text) as KubeObject);
    response.statusCode = 201;
    response.setHeader('content-type', 'application/json').end(text);
  }

  private listText(kind: Kind, { query, selects }: Selected): string {
    // As a real server does, every page shows what there was when the first was asked for.
    const token = query.get('continue') ?? '';
    const { version, objects } = this.unlisted.get(token) ?? {
      version: this.version,
      objects: [...this.table(kind).objects.values()].filter((object) => selects?.(object) ?? true),
    };
    const limit = Number(query.get('limit') ?? 0) || objects.length;
    const left = objects.slice(limit);
    const next = `${version}-${this.requests.length}`;
    if (left.length > 0) this.unlisted.set(next, { version, objects: left });
    const metadata = {
      resourceVersion: String(version),
      ...(left.length > 0 ? { continue: next } : {}),
    };
    const items = objects.slice(0, limit).map(({ apiVersion: _a, kind: _k, ...rest }) => rest);
    return JSON.stringify({ kind: `${kind.kind}List`, apiVersion: 'v1', metadata, items });
  }

  private watch(
    response: ServerResponse,
    { kind, query, selects }: Selected & { readonly kind: Kind },
    fault: Fault | undefined,
  ): void {
    const table = this.table(kind);
    const from = Number(query.get('resourceVersion'));
    response.setHeader('content-type', 'application/json');
    if (from < table.forgotten && !query.has('sendInitialEvents')) {
      const object = {
        kind: 'Status',
        code: 410,
        reason: 'Expired',
        message: 'too old resource version',
      };
      return void response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
    }
    const send = ({ type, object }: Change): void => {
      if (selects?.(object) ?? true) response.write(`${JSON.stringify({ type, object })}\n`);
    };
    const cut = (how: Fault): void => {
      if (how.kind === 'garbage') response.end('{"type":"MODIFIED","object":{"metadata":{\n');
      else if (how.kind === 'truncated') response.end('{"type":"DELETED","object":{"meta');
      else if (how.kind === 'status') {
        const object = { kind: 'Status', code: how.code, reason: 'Expired', message: 'compacted' };
        response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
      } else response.destroy();
    };
    response.flushHeaders();
    if (query.has('sendInitialEvents'))
      return this.beginWithAll(response, { table, send, cut }, fault);
    for (const change of table.changes) if (change.version > from) send(change);
    this.keep(response, { table, send, cut });
  }

  private beginWithAll(response: ServerResponse, watcher: Watcher, fault: Fault | undefined): void {
    const all = [...watcher.table.objects.values()];
    for (const object of fault === undefined ? all : all.slice(0, all.length / 2)) {
      watcher.send({ version: 0, type: 'ADDED', object });
    }
    if (fault?.kind === 'garbage')
      return void response.end('<html>not what you asked for</html>\n');
    if (fault !== undefined) {
      return void response.write('{"type":"ADDED","object":{"meta', () => response.destroy());
    }
    const annotations = { 'k8s.io/initial-events-end': 'true' };
    const metadata = { resourceVersion: String(this.version), annotations };
    response.write(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata } })}\n`);
    this.keep(response, watcher);
  }

  private keep(response: ServerResponse, watcher: Watcher): void {
    this.watchers.add(watcher);
    response.once('close', () => this.watchers.delete(watcher));
  }
}

function verbOf(
  method: string | undefined,
  { isOne, watch }: { readonly isOne: boolean; readonly watch: boolean },
): ScriptedRequest['verb'] | undefined {
  if (method === 'POST' && !isOne) return 'create';
  if (method !== 'GET') return undefined;
  if (isOne) return 'get';
  return watch ? 'watch' : 'list';
}

interface Selected {
  readonly query: URLSearchParams;
  readonly selects: ReturnType<typeof objectFilter>;
}

const reasons: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
};

function refuse(response: ServerResponse, code: number, retryAfter?: number): void {
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    reason: reasons[code],
    code,
  };
  if (retryAfter !== undefined) response.setHeader('retry-after', retryAfter);
  response.statusCode = code;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ ...status, message: `refused with ${code}` }));
}
