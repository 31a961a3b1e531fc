/** The door for requests to an HTTP server: connections are kept, answers come piece by piece. */
import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import { checkServerIdentity } from 'node:tls';
import { messageOf } from '../../model/index.ts';
import { byteStreamOf, type ByteStream } from '../net/index.ts';
import { nodeHttp } from '../index.ts';
import { HttpError } from './errors.ts';

/** What makes connections; a proxy's does it another way. */
export type HttpAgent = Agent;

/** PEM each. */
export interface ClientTls {
  /** Who signed the server's certificate; the system's authorities when undefined. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly passphrase?: string | undefined;
  /** The name the server's certificate must carry; that of the URL when undefined. */
  readonly servername?: string | undefined;
  /** False trusts any server. */
  readonly verify?: boolean | undefined;
}

export interface HttpCall {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Ends the request, and the answer while it is read. */
  readonly signal: AbortSignal;
}

export interface HttpReply {
  readonly status: number;
  /** Lower-case name; undefined when absent. */
  header(name: string): string | undefined;
  /** Rejects with HTTP_BROKE_OFF when the server does not finish. Leaving early ends the connection. */
  readonly chunks: AsyncIterable<Buffer>;
}

/** The connection speaks another protocol from here on, or the server has answered instead. */
export type UpgradeReply =
  | {
      readonly kind: 'upgraded';
      readonly stream: ByteStream;
      readonly header: (name: string) => string | undefined;
    }
  | { readonly kind: 'refused'; readonly reply: HttpReply };

export interface HttpClient {
  /** Rejects with HTTP_UNREACHABLE, and HTTP_BROKE_OFF when the server went before it answered. */
  send(call: HttpCall): Promise<HttpReply>;
  /** As `send`, for a call whose headers ask for another protocol; the signal ends only the asking. */
  upgrade(call: HttpCall): Promise<UpgradeReply>;
  /** Ends what runs. */
  close(): void;
}

export interface HttpClientOptions {
  readonly tls: ClientTls;
  /** Makes the connections instead of us: a proxy's. */
  readonly agent?: HttpAgent | undefined;
}

const maxSockets = 64;
const keepAliveMs = 15_000;
const maxHeaderBytes = 65_536;

export function createHttpClient({ tls, agent }: HttpClientOptions): HttpClient {
  const pool = {
    keepAlive: true,
    keepAliveMsecs: keepAliveMs,
    maxSockets,
    scheduling: 'lifo',
  } as const;
  const { verify = true, ...pems } = tls;
  const secure =
    agent ??
    new SecureAgent({
      ...pool,
      ...defined(pems),
      rejectUnauthorized: verify,
      minVersion: 'TLSv1.2',
    });
  const plain = new nodeHttp.Agent(pool);
  const begin = (call: HttpCall): ClientRequest => {
    const { url, method, headers, body, signal } = call;
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const common = {
      method,
      // Node says no length of the body of a DELETE by itself.
      headers: { ...headers, ...length },
      signal,
      maxHeaderSize: maxHeaderBytes,
    };
    return url.protocol === 'https:'
      ? secureRequest(url, { ...common, agent: secure, checkServerIdentity: isFor(url, tls) })
      : nodeHttp.request(url, { ...common, agent: plain });
  };
  return {
    send: async (call) => {
      const reply = await answerTo(call.url, begin(call), call.body);
      if (reply.kind === 'refused') return reply.reply;
      reply.stream.destroy();
      throw new HttpError('HTTP_BROKE_OFF', `Cannot ask ${call.url.origin}: it left HTTP unasked`);
    },
    upgrade: (call) => answerTo(call.url, begin(call), call.body),
    close: () => {
      secure.destroy();
      plain.destroy();
    },
  };
}

/** Said here because agents of proxies forget the address that was asked for, and look for another in its place. */
function isFor(url: URL, { servername }: ClientTls): typeof checkServerIdentity {
  const asked = servername ?? url.hostname.replace(/^\[|\]$/g, '');
  return (_name, certificate) => checkServerIdentity(asked, certificate);
}

function answerTo(
  url: URL,
  request: ClientRequest,
  body: string | undefined,
): Promise<UpgradeReply> {
  return new Promise((resolve, reject) => {
    let answered = false;
    request.once('response', (response) => {
      answered = true;
      resolve({ kind: 'refused', reply: replyOf(url, response) });
    });
    request.once('upgrade', (response, socket, head) => {
      answered = true;
      if (head.length > 0) socket.unshift(head);
      const reply = replyOf(url, response);
      const header = (name: string): string | undefined => reply.header(name);
      resolve({ kind: 'upgraded', stream: byteStreamOf(socket), header });
    });
    // After the head, whoever reads the body is told instead.
    request.on('error', (cause) => answered || reject(failure(url, request, cause)));
    request.end(body);
  });
}

function replyOf(url: URL, response: IncomingMessage): HttpReply {
  return {
    status: response.statusCode ?? 0,
    header: (name) => {
      const value = response.headers[name];
      return typeof value === 'string' ? value : value?.join(', ');
    },
    chunks: chunksOf(url, response),
  };
}

async function* chunksOf(url: URL, response: IncomingMessage): AsyncGenerator<Buffer, void> {
  try {
    for await (const chunk of response) {
      if (Buffer.isBuffer(chunk)) yield chunk;
    }
  } catch (cause) {
    const message = `Cannot read the answer of ${url.origin}: ${messageOf(cause)}`;
    throw new HttpError('HTTP_BROKE_OFF', message, { cause });
  }
}

function failure(url: URL, request: ClientRequest, cause: Error): HttpError {
  const code = 'code' in cause ? String(cause.code) : '';
  // A kept connection that the server has closed meanwhile says nothing of the server.
  if (request.reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE')) {
    return new HttpError('HTTP_BROKE_OFF', `Cannot ask ${url.origin}: the connection was closed`, {
      cause,
    });
  }
  const isTrust = /CERT|SIGNATURE|ISSUER|ALTNAME/.test(code);
  return new HttpError('HTTP_UNREACHABLE', `Cannot reach ${url.origin}: ${messageOf(cause)}`, {
    cause,
    remedy: isTrust
      ? 'Give the certificate authority that signed its certificate, and the name the certificate is for'
      : 'See that it runs, and that this host reaches it',
  });
}

function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const result: { [K in keyof T]?: Exclude<T[K], undefined> } = {};
  for (const key in fields) {
    const value = fields[key];
    if (isDefined(value)) result[key] = value;
  }
  return result;
}

function isDefined<V>(value: V): value is Exclude<V, undefined> {
  return value !== undefined;
}
