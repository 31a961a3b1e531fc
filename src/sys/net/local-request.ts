/** The asking side of the local door: one request over a Unix socket, its answer as JSON or as lines of JSON. */
import type { IncomingMessage } from 'node:http';
import { CodedError, messageOf } from '../../model/index.ts';
import { nodeHttp } from '../index.ts';
import { LocalError } from './errors.ts';
import { openSocketPath } from './local-path.ts';

export interface LocalRequestOptions {
  readonly method: 'GET' | 'POST';
  /** Path and query. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** The longest silence: until the answer begins, and between its parts. */
  readonly timeoutMs: number;
  /** Gets each line of an answer in lines, in order. */
  readonly onLine?: (line: unknown) => void;
}

export interface LocalReply {
  readonly status: number;
  /** Parsed JSON; undefined when the answer came in lines. */
  readonly body: unknown;
}

/** Holds 100,000 ServicePorts' worth of JSON; more is somebody else's server. */
const maxAnswerBytes = 256 << 20;

/**
 * Rejects with LOCAL_NOT_SERVED (no socket, or nobody behind it), LOCAL_NOT_PERMITTED, LOCAL_TIMED_OUT,
 * LOCAL_ABORTED, LOCAL_BAD_ANSWER, LOCAL_PATH_TOO_LONG, LOCAL_FAILED. Any HTTP status is a reply.
 */
export async function requestLocal(
  path: string,
  options: LocalRequestOptions,
): Promise<LocalReply> {
  const socketPath = await openSocketPath(path);
  try {
    const response = await send(socketPath.address, options);
    const status = response.statusCode ?? 0;
    if (response.headers['content-type'] === 'application/x-ndjson') {
      await readLines(response, (line) => options.onLine?.(line));
      return { status, body: undefined };
    }
    return { status, body: parse((await readAll(response)).toString('utf8')) };
  } catch (thrown) {
    // What `onLine` throws is the caller's own.
    throw thrown instanceof CodedError ? thrown : failure(path, options, thrown);
  } finally {
    await socketPath.release();
  }
}

function send(address: string, options: LocalRequestOptions): Promise<IncomingMessage> {
  const body = options.body === undefined ? undefined : JSON.stringify(options.body);
  return new Promise((resolve, reject) => {
    const request = nodeHttp.request({
      socketPath: address,
      method: options.method,
      path: options.url,
      agent: false,
      timeout: options.timeoutMs,
      headers: {
        ...options.headers,
        host: 'localhost',
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    let response: IncomingMessage | undefined;
    request.once('timeout', () => {
      const error = new LocalError(
        'LOCAL_TIMED_OUT',
        `Cannot finish ${options.method} ${options.url}: no answer for ${options.timeoutMs} ms`,
      );
      // Whoever reads the answer gets the error; before there is one, whoever waits for it.
      (response ?? request).destroy(error);
    });
    // Not `once`: a request may report again after its answer was cut off.
    request.on('error', reject);
    request.once('response', (answer) => {
      response = answer;
      resolve(answer);
    });
    request.end(body);
  });
}

async function readAll(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue;
    size = bounded(size + chunk.length);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function readLines(
  response: IncomingMessage,
  onLine: (line: unknown) => void,
): Promise<void> {
  response.setEncoding('utf8');
  let rest = '';
  for await (const chunk of response) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    bounded(rest.length);
    for (const line of lines) onLine(parse(line));
  }
}

function bounded(size: number): number {
  if (size <= maxAnswerBytes) return size;
  throw new LocalError(
    'LOCAL_BAD_ANSWER',
    `Cannot read the answer: more than ${maxAnswerBytes} bytes`,
  );
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (cause) {
    throw new LocalError('LOCAL_BAD_ANSWER', `Cannot read the answer: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function failure(path: string, options: LocalRequestOptions, cause: unknown): LocalError {
  const errno = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (options.signal?.aborted === true) {
    return new LocalError(
      'LOCAL_ABORTED',
      `Cannot finish ${options.method} ${options.url}: given up`,
      {
        cause,
      },
    );
  }
  if (errno === 'ENOENT' || errno === 'ECONNREFUSED' || errno === 'ENOTSOCK') {
    return new LocalError('LOCAL_NOT_SERVED', `Cannot reach socket ${path}: nobody serves it`, {
      cause,
    });
  }
  if (errno === 'EACCES' || errno === 'EPERM') {
    return new LocalError('LOCAL_NOT_PERMITTED', `Cannot reach socket ${path}: permission denied`, {
      cause,
      remedy: 'Run the command as the user who started the process behind it',
    });
  }
  return new LocalError(
    'LOCAL_FAILED',
    `Cannot finish ${options.method} ${options.url} at ${path}: ${messageOf(cause)}`,
    { cause },
  );
}
