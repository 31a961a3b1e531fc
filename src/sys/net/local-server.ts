/**
 * The serving side of the local door: HTTP/1.1 with JSON over a Unix socket that only this user can open
 * (mode 0600 in a folder of mode 0700). What a request or its peer can take is bounded.
 */
import { chmod, lstat, mkdir, rename, rm } from 'node:fs/promises';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { getuid, pid } from 'node:process';
import { messageOf } from '../../model/index.ts';
import { nodeHttp } from '../index.ts';
import { LocalError } from './errors.ts';
import { openSocketPath, type SocketPath } from './local-path.ts';

export interface LocalRequest {
  readonly method: string;
  readonly url: URL;
  header(name: string): string | undefined;
  /** Parsed JSON; undefined when the request had no body. */
  readonly body: unknown;
  /** Aborts when the peer has gone or the server closes. */
  readonly signal: AbortSignal;
}

export type LocalAnswer =
  | { readonly kind: 'json'; readonly status: number; readonly body: unknown }
  /**
   * Lines of JSON, one an event; `emit` resolves when the peer takes more. The status is 200 before the first
   * line, so failures are lines too.
   */
  | {
      readonly kind: 'lines';
      readonly write: (emit: (line: unknown) => Promise<void>) => Promise<void>;
    };

/** Must not reject: what it throws is answered as a bare 500. */
export type LocalHandler = (request: LocalRequest) => Promise<LocalAnswer>;

export interface LocalServer {
  /** Stops serving, ends the requests that run, and removes the socket. */
  close(): Promise<void>;
}

const maxRequestBytes = 1 << 20;

/**
 * Makes the folder and the socket and serves on it. The socket of a process that died is replaced.
 * Rejects with LOCAL_IN_USE when a live process serves there, LOCAL_NOT_PRIVATE, LOCAL_PATH_TOO_LONG,
 * LOCAL_NOT_PERMITTED, LOCAL_FAILED.
 */
export async function serveLocal(path: string, handler: LocalHandler): Promise<LocalServer> {
  await makeFolder(dirname(path));
  const socketPath = await openSocketPath(path);
  const closing = new AbortController();
  const server = nodeHttp.createServer(
    { headersTimeout: 5_000, requestTimeout: 10_000, maxHeaderSize: 16_384 },
    (request, response) => {
      // `answer` settles every failure itself.
      void answer(request, response, { handler, closing: closing.signal });
    },
  );
  server.maxConnections = 256;
  try {
    await bind(server, path, socketPath);
    await chmod(path, 0o600);
  } catch (thrown) {
    server.close();
    await socketPath.release();
    throw thrown instanceof LocalError ? thrown : failure(path, thrown);
  }
  return {
    close: async () => {
      if (closing.signal.aborted) return;
      closing.abort();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await socketPath.release();
    },
  };
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const found = await lstat(folder);
    const mine = getuid === undefined || found.uid === getuid();
    if (!found.isDirectory() || !mine) {
      throw new LocalError(
        'LOCAL_NOT_PRIVATE',
        `Cannot serve in ${folder}: it belongs to another user`,
        { remedy: 'Remove it, or set XDG_RUNTIME_DIR to a folder of your own' },
      );
    }
    if ((found.mode & 0o077) !== 0) await chmod(folder, 0o700);
  } catch (thrown) {
    throw thrown instanceof LocalError ? thrown : failure(folder, thrown);
  }
}

async function bind(server: Server, path: string, socketPath: SocketPath): Promise<void> {
  // Twice at most: once more after the socket of a dead process was taken away.
  for (const last of [false, true]) {
    try {
      await listen(server, socketPath.address);
      return;
    } catch (cause) {
      if (errnoOf(cause) !== 'EADDRINUSE') throw cause;
      if (last || (await isServed(socketPath.address))) throw inUse(path, cause);
      await removeStale(path, socketPath);
    }
  }
}

function listen(server: Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/**
 * Two processes may find the same stale socket. The slower one would take away what the faster one has just
 * bound, so it is moved aside, asked once more, and put back when it answers.
 */
async function removeStale(path: string, socketPath: SocketPath): Promise<void> {
  const aside = `${path}.${pid}`;
  try {
    if (!(await lstat(path)).isSocket()) {
      throw new LocalError('LOCAL_IN_USE', `Cannot serve at ${path}: a file has this path`, {
        remedy: 'Move that file away',
      });
    }
    await rename(path, aside);
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return;
    throw cause;
  }
  if (await isServed(`${socketPath.address}.${pid}`)) {
    await rename(aside, path);
    throw inUse(path, undefined);
  }
  await rm(aside, { force: true });
}

/** True when somebody accepts connections there; a full queue counts. */
function isServed(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(address);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (cause) => {
      const errno = errnoOf(cause);
      resolve(errno !== 'ECONNREFUSED' && errno !== 'ENOENT' && errno !== 'ENOTSOCK');
    });
  });
}

interface Answering {
  readonly handler: LocalHandler;
  readonly closing: AbortSignal;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { handler, closing }: Answering,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  try {
    const body = await readBody(request);
    if (body.kind === 'refused') return sendJson(response, body.status, { error: body.message });
    const result = await handler({
      method: request.method ?? 'GET',
      url: new URL(request.url ?? '/', 'http://localhost'),
      header: (name) => {
        const value = request.headers[name];
        return Array.isArray(value) ? value[0] : value;
      },
      body: body.value,
      signal: AbortSignal.any([gone.signal, closing]),
    });
    if (result.kind === 'json') return sendJson(response, result.status, result.body);
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    await result.write((line) => writeLine(response, line));
    response.end();
  } catch (thrown) {
    // A started answer cannot become a failure any more: cutting it off tells the peer.
    if (response.headersSent) response.destroy();
    else sendJson(response, 500, { error: messageOf(thrown) });
  }
}

type Body =
  | { readonly kind: 'read'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly status: number; readonly message: string };

async function readBody(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    size += chunk.length;
    if (size > maxRequestBytes) {
      return { kind: 'refused', status: 413, message: `more than ${maxRequestBytes} bytes` };
    }
    chunks.push(chunk);
  }
  if (size === 0) return { kind: 'read', value: undefined };
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    return { kind: 'read', value };
  } catch (cause) {
    return { kind: 'refused', status: 400, message: messageOf(cause) };
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': bytes.length,
    connection: 'close',
  });
  response.end(bytes);
}

function writeLine(response: ServerResponse, line: unknown): Promise<void> {
  // Bytes, not text: Node 26.10 loses the rest of a text with characters of several bytes when the socket
  // takes only a part of it, and then waits for ever.
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
  if (response.destroyed || response.write(bytes)) return Promise.resolve();
  return new Promise((resolve) => {
    const settle = (): void => {
      response.off('drain', settle);
      response.off('close', settle);
      resolve();
    };
    response.once('drain', settle);
    response.once('close', settle);
  });
}

function inUse(path: string, cause: unknown): LocalError {
  return new LocalError('LOCAL_IN_USE', `Cannot serve at ${path}: another process serves there`, {
    cause,
    remedy: 'Stop that process, or choose another path',
  });
}

function failure(path: string, cause: unknown): LocalError {
  const errno = errnoOf(cause);
  const denied = errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS';
  return denied
    ? new LocalError('LOCAL_NOT_PERMITTED', `Cannot serve at ${path}: permission denied`, {
        cause,
        remedy: 'Set XDG_RUNTIME_DIR or HOME to a folder you may write to',
      })
    : new LocalError('LOCAL_FAILED', `Cannot serve at ${path}: ${messageOf(cause)}`, { cause });
}

function errnoOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : undefined;
}
